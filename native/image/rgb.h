#pragma once

#include <cstdint>

namespace resnet {

/// 8-bit RGB that is read, row after row.
struct RgbPicture {
  const uint8_t* data;
  int64_t height, width;
  int64_t row_bytes = 3 * width;  ///< from one row to the next
};

/// 8-bit RGB that is changed in place, row after row without gaps.
struct RgbPixels {
  uint8_t* data;
  int64_t height, width;

  [[nodiscard]] int64_t bytes() const { return 3 * height * width; }
};

/// A part of a picture, in pixels.
struct Box {
  int64_t top, left, height, width;
};

}  // namespace resnet
