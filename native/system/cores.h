#pragma once

#include <string>

namespace resnet {

/// The cores that this process can keep busy: its affinity mask or its container's CPU quota (cgroup v1 and v2, rounded
/// up), whichever is smaller; at least 1. Measured once. The machine's core count would not do: in a container with 2
/// of 64 cores, 64 threads would be throttled most of the time.
int usable_cores();

/// The control groups' CPU quota in cores; infinity where there is none, or none that can be read.
/// @param root prefix of /proc and /sys, for tests
double cpu_quota(const std::string& root = "");

/// The quota rounded up, between 1 and `allowed`.
int cores_within(double quota, int allowed);

}  // namespace resnet
