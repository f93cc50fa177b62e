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

/// Whether a box has a pixel and all of it lies in a picture of that size.
constexpr bool lies_within(const Box& box, int64_t height, int64_t width) {
  const auto fits = [](int64_t start, int64_t length, int64_t limit) {
    return start >= 0 && length >= 1 && start <= limit && length <= limit - start;
  };
  return fits(box.top, box.height, height) && fits(box.left, box.width, width);
}

}  // namespace resnet
