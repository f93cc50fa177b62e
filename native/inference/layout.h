#pragma once

#include <cstdint>
#include <vector>

#include "inference/plan.h"

namespace resnet {

/// A map in memory: channels-last, with a border of `padding` pixels all around that its readers' windows reach into.
struct FeatureMap {
  int64_t channels = 0, height = 0, width = 0, padding = 0;
  int64_t pixel_bytes = 0;
  int64_t offset = 0;      ///< of the first image in the workspace
  bool one_image = false;  ///< used for one image after another, in the same place

  [[nodiscard]] int64_t row_bytes() const { return (width + 2 * padding) * pixel_bytes; }
  [[nodiscard]] int64_t image_bytes() const { return (height + 2 * padding) * row_bytes(); }
};

/// Where everything lies for inputs of one height and width: worked out once, so that a forward allocates nothing.
struct Layout {
  std::vector<FeatureMap> maps;  ///< by value
  int64_t images;                ///< in one pass over the plan
  int64_t bytes;                 ///< of the workspace
  /// Steps before this one run for one image after another: their maps are large and their weights small, so maps
  /// stay in the cache. From here on weights are what is large, and each is used for all images.
  std::size_t first_batched;
};

/// @param element_bytes of the activations
/// @param input_channels as stored, at least 3
Layout layout_of(const Plan& plan, int64_t height, int64_t width, int64_t images, int64_t element_bytes,
                 int64_t input_channels);

}  // namespace resnet
