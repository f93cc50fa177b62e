#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

/// "[1, 3, 224, 224]"
std::string text_of(const std::vector<int64_t>& shape);

/// Number of elements that a network may be given: far above what any memory holds and far below where sizes in bytes
/// overflow on the way through a network.
inline constexpr int64_t kMaxElements = int64_t{1} << 40;

/// @returns whether `shape` has that many dimensions, all positive, and no more than kMaxElements elements
bool is_shape(const std::vector<int64_t>& shape, std::size_t dimensions);

/// @throws Error ERR_SHAPE where `shape` is no [N, channels, H, W]
void check_input(const std::vector<int64_t>& shape, int64_t channels);

/// @throws Error ERR_SHAPE where `shape` is no [N, H, W, 3]
void check_pictures(const std::vector<int64_t>& shape);

}  // namespace resnet
