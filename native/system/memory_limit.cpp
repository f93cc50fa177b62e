#include "system/memory_limit.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "error.h"
#include "system/allocation_cache.h"
#include "system/control_groups.h"

namespace resnet {
namespace {

std::atomic<std::size_t> limit{kNoLimit};

/// The file has a number or "max"; cgroup v1 has a number near 2^63 instead of "max".
std::size_t read_limit(const std::string& file) {
  std::ifstream stream(file);
  std::size_t bytes = 0;
  return stream >> bytes ? bytes : kNoLimit;
}

/// Refuses what exceeds the limit, and passes the rest on to libtorch's allocator.
class LimitedAllocator : public c10::Allocator {
 public:
  explicit LimitedAllocator(c10::Allocator& inner) : inner_(inner) {}

  c10::DataPtr allocate(std::size_t bytes) override {
    require_memory(bytes);
    return inner_.allocate(bytes);
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return inner_.raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { inner_.copy_data(to, from, bytes); }

 private:
  c10::Allocator& inner_;
};

}  // namespace

std::size_t measure_memory_limit(const std::string& root) {
  auto smallest = kNoLimit;
  for (const auto& [folder, unified] : control_groups("memory", root)) {
    smallest = std::min(smallest, read_limit(folder + (unified ? "memory.max" : "memory.limit_in_bytes")));
  }
  limit = smallest;
  return smallest;
}

void require_memory(std::size_t bytes) {
  const auto max = limit.load(std::memory_order_relaxed);
  if (bytes <= max) return;
  throw Error("ERR_OUT_OF_MEMORY", "An allocation of " + std::to_string(bytes) +
                                       " bytes was refused: the control group of this process may use " +
                                       std::to_string(max) + " in all. The input or the network is too large for it.");
}

void limit_allocations() {
  static const bool once = [] {
    measure_memory_limit();
    c10::SetCPUAllocator(new LimitedAllocator(make_caching_allocator(*c10::GetCPUAllocator())));  // libtorch keeps it
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace resnet
