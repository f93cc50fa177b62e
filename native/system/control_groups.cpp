#include "system/control_groups.h"

#include <fstream>

namespace resnet {
namespace {

bool lists(const std::string& controllers, const std::string& controller) {
  return ("," + controllers + ",").find("," + controller + ",") != std::string::npos;
}

}  // namespace

std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root) {
  std::vector<ControlGroup> found;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // "0::/path" is cgroup v2; "4:cpu,cpuacct:/path" is the cpu controller of v1.
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && !lists(controllers, controller)) continue;
    auto group = line.substr(second + 1);
    if (group.empty() || group.front() != '/') continue;
    if (group == "/") group.clear();
    const auto mount = root + "/sys/fs/cgroup" + (unified ? "" : "/" + controller);
    while (true) {
      found.push_back({mount + group + "/", unified});
      if (group.empty()) break;
      group.erase(group.rfind('/'));
    }
  }
  return found;
}

}  // namespace resnet
