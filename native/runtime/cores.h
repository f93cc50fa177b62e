#pragma once

namespace resnet {

/// Cores that this process may keep busy: the smaller of its affinity mask and its container's CPU quota
/// (cgroup v1 and v2, rounded up), at least 1. Measured once. Not the machine's count: in a container of 2 cores
/// on a machine of 64, 64 threads would be throttled to a crawl.
int usable_cores();

}  // namespace resnet
