#pragma once

#include <string>

namespace resnet {

/// Cores that this process may keep busy: the smaller of its affinity mask and its container's CPU quota
/// (cgroup v1 and v2, rounded up), at least 1. Measured once. Not the machine's count: in a container of 2 cores
/// on a machine of 64, 64 threads would be throttled to a crawl.
int usable_cores();

/// Cores that the control groups' CPU quota stands for; infinity where there is none, or none that can be read.
/// @param root in front of /proc and /sys, for tests
double cpu_quota(const std::string& root = "");

/// At least 1 and at most `allowed`.
/// @param quota not rounded
int cores_within(double quota, int allowed);

}  // namespace resnet
