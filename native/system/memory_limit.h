#pragma once

#include <cstddef>
#include <limits>
#include <string>

namespace resnet {

/// Where there is no limit on memory.
inline constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// Measures the bytes that this process's control groups allow it, the tightest of them, or kNoLimit.
/// @param root in front of /proc and /sys, for tests
std::size_t measure_memory_limit(const std::string& root = "");

/// Refuses what could only end the process: Linux gives out memory beyond a control group's limit, and kills who
/// writes to it. One allocation alone is looked at, and not what else is in use, of which caches may be given back.
/// @throws Error ERR_OUT_OF_MEMORY where `bytes` are more than was measured last
void require_memory(std::size_t bytes);

/// Measures the limit, and puts require_memory before every CPU allocation of libtorch's from now on.
void limit_allocations();

}  // namespace resnet
