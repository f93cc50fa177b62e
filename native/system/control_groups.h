#pragma once

#include <string>
#include <vector>

namespace resnet {

/// A folder of Linux's control groups.
struct ControlGroup {
  std::string folder;  ///< ends with a slash
  bool unified;        ///< version 2, where one folder serves all controllers
};

/// Where the limits on this process may stand for `controller` ("cpu", "memory"): from its own group up to the root of
/// what it can see. Some of them may not exist: a container sees its own group in the place of the root.
/// @param root in front of /proc and /sys, for tests
std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root = "");

}  // namespace resnet
