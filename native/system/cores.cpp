#include "system/cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include "system/control_groups.h"

#ifdef __linux__
#include <sched.h>
#endif

namespace resnet {
namespace {

/// The cores of the affinity mask.
int allowed_cores() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// "QUOTA PERIOD" in one file (v2) or two (v1), in microseconds; "max" or -1 means no quota.
std::optional<double> read_quota(const std::string& quota_file, const std::string& period_file) {
  std::ifstream quota_stream(quota_file);
  double quota = 0;
  double period = 0;
  quota_stream >> quota;  // stays 0 where it is not a number
  if (period_file.empty()) {
    quota_stream >> period;
  } else {
    std::ifstream(period_file) >> period;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

double cpu_quota(const std::string& root) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const auto& [folder, unified] : control_groups("cpu", root)) {
    const auto quota = unified ? read_quota(folder + "cpu.max", "")
                               : read_quota(folder + "cpu.cfs_quota_us", folder + "cpu.cfs_period_us");
    if (quota) smallest = std::min(smallest, *quota);
  }
  return smallest;
}

int cores_within(double quota, int allowed) {
  return static_cast<int>(std::clamp(std::ceil(quota), 1.0, static_cast<double>(allowed)));
}

int usable_cores() {
  static const int cores = cores_within(cpu_quota(), allowed_cores());
  return cores;
}

}  // namespace resnet
