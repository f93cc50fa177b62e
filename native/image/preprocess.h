#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "image/taps.h"

namespace resnet {

/// An evaluation preset before its normalization, as torchvision.transforms.ImageClassificationEval.
struct Preprocess {
  int64_t resize;               ///< length of the shorter side after resizing, pixels
  int64_t crop;                 ///< side of the square cut out of the center, pixels
  Interpolation interpolation;  ///< antialiased either way
};

/// Resizes the shorter side (antialiased) and crops the center, as 8-bit RGB. Where the picture is
/// smaller than the crop, black is added around it, as torchvision's CenterCrop does.
///
/// @param pictures uint8 [H, W, 3], of any sizes
/// @returns uint8 [N, crop, crop, 3]
/// @throws Error ERR_IMAGE if one has more than 2^30 pixels once it is resized
at::Tensor resize_and_crop(const std::vector<at::Tensor>& pictures, const Preprocess& preprocess);

}  // namespace resnet
