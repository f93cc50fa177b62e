#pragma once

#include <cstdint>
#include <vector>

#include "inference/plan.h"

namespace resnet {

/// Where a feature map lies in the workspace: channels-last, with a border of `padding` pixels on all sides for the
/// windows of the steps that read it.
struct FeatureMap {
  int64_t channels = 0, height = 0, width = 0, padding = 0;
  int64_t pixel_bytes = 0;
  int64_t offset = 0;      ///< bytes from the start of the workspace to the first image
  bool one_image = false;  ///< all images use the same memory, one after another

  [[nodiscard]] int64_t row_bytes() const { return (width + 2 * padding) * pixel_bytes; }
  [[nodiscard]] int64_t image_bytes() const { return (height + 2 * padding) * row_bytes(); }
};

/// The memory plan for inputs of one height and width, computed once, so that a forward allocates nothing.
struct Layout {
  std::vector<FeatureMap> maps;  ///< by value
  int64_t images;                ///< processed in one pass over the plan
  int64_t bytes;                 ///< of the workspace
  /// Steps before this one run image by image: their maps are large and their weights small, so that the maps of one
  /// image stay in the cache. From this step on the weights are the larger part, and each is used for all images.
  std::size_t first_batched;
};

/// @param images in a forward; the layout may hold fewer, and the forward then takes several passes
/// @param element_bytes of the activations
/// @param input_channels of the input map, at least 3
Layout layout_of(const Plan& plan, int64_t height, int64_t width, int64_t images, int64_t element_bytes,
                 int64_t input_channels);

}  // namespace resnet
