#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

/// For messages, e.g. "[1, 3, 224, 224]".
std::string text_of(const std::vector<int64_t>& shape);

/// The largest number of elements that an input may have: far above what any memory holds, and far below where the
/// sizes of a network's maps in bytes would overflow.
inline constexpr int64_t kMaxElements = int64_t{1} << 40;

/// Whether `shape` has that many dimensions, all positive, and at most kMaxElements elements.
bool is_shape(const std::vector<int64_t>& shape, std::size_t dimensions);

/// @throws Error ERR_SHAPE unless `shape` is [N, channels, H, W]
void check_input(const std::vector<int64_t>& shape, int64_t channels);

/// @throws Error ERR_SHAPE unless `shape` is [N, H, W, 3]
void check_pictures(const std::vector<int64_t>& shape);

}  // namespace resnet
