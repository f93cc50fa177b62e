#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "image/rgb.h"

namespace resnet {

/// How the images of a batch are mixed, each with the one before it and the first with the last: torchvision's MixUp
/// (arXiv:1710.09412) or, with a box, CutMix (arXiv:1905.04899).
struct Mix {
  double lambda;           ///< each image's own share, from 0 to 1; for CutMix, that of its pixels
  std::optional<Box> box;  ///< what comes from the other image
};

/// @param x float32 [N, C, H, W]
/// @throws Error ERR_ARGUMENT if the box does not lie within the images
at::Tensor mix_images(const at::Tensor& x, const Mix& mix);

/// @param target int64 [N], or probabilities [N, classes]
/// @returns float32 [N, classes]
at::Tensor mix_targets(const at::Tensor& target, const Mix& mix, int64_t classes);

}  // namespace resnet
