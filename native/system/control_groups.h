#pragma once

#include <string>
#include <vector>

namespace resnet {

/// A directory of Linux's control groups.
struct ControlGroup {
  std::string folder;  ///< ends with a slash
  bool unified;        ///< cgroup v2, where one directory serves all controllers
};

/// The directories that may hold limits on this process for `controller` ("cpu", "memory"): its own group and all that
/// contain it. Some may not exist, because a container sees its own group as the root.
/// @param root prefix of /proc and /sys, for tests
std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root = "");

}  // namespace resnet
