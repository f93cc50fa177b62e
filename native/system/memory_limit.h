#pragma once

#include <cstddef>
#include <limits>
#include <string>

namespace resnet {

/// The limit where there is none.
inline constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// Measures how many bytes this process's control groups allow, the smallest of their limits or kNoLimit.
/// @param root prefix of /proc and /sys, for tests
std::size_t measure_memory_limit(const std::string& root = "");

/// Refuses an allocation that the process could not survive: Linux grants memory beyond a control group's limit and
/// kills the process that writes to it. Compares this one allocation with the limit; memory in use is not counted,
/// since some of it is caches that can be freed.
/// @throws Error ERR_OUT_OF_MEMORY if `bytes` exceed the limit measured last
void require_memory(std::size_t bytes);

/// Measures the limit, and from now on calls require_memory before every CPU allocation of libtorch.
void limit_allocations();

}  // namespace resnet
