#pragma once

#include <cstdint>
#include <cstring>

#include "inference/layout.h"

namespace resnet {

/// A feature map's memory in a workspace.
struct View {
  View(const FeatureMap& map, void* memory) : map(map), memory(static_cast<char*>(memory) + map.offset) {}

  /// Coordinates below 0, or from height and width on, are in the border.
  [[nodiscard]] char* pixel(int64_t image, int64_t y, int64_t x) const {
    return memory + (map.one_image ? 0 : image) * map.image_bytes() + (y + map.padding) * map.row_bytes() +
           (x + map.padding) * map.pixel_bytes;
  }

  /// Fills the border beside row y (above and below, too, for the first and the last row): of each pixel, `bytes` bytes
  /// starting at `from`.
  void fill_border(int64_t image, int64_t y, int64_t from, int64_t bytes, int byte) const {
    const auto fill = [&](int64_t row, int64_t begin, int64_t end) {
      for (int64_t x = begin; x < end; x++) std::memset(pixel(image, row, x) + from, byte, bytes);
    };
    fill(y, -map.padding, 0);
    fill(y, map.width, map.width + map.padding);
    if (y == 0) {
      for (int64_t row = -map.padding; row < 0; row++) fill(row, -map.padding, map.width + map.padding);
    }
    if (y == map.height - 1) {
      for (int64_t row = map.height; row < map.height + map.padding; row++) {
        fill(row, -map.padding, map.width + map.padding);
      }
    }
  }

  const FeatureMap& map;
  char* memory;
};

}  // namespace resnet
