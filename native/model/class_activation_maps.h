#pragma once

#include <ATen/ATen.h>

namespace resnet {

/// Class activation maps (Zhou et al. 2016, arXiv:1512.04150): how much each position of the last stage's feature map
/// contributes to a class. The mean of a map plus the class's bias is the class's logit, because global average
/// pooling and `fc` are linear.
///
/// @param weight of `fc`, [numClasses, C]
/// @param map of the last stage, [N, C, H, W], on the same device
/// @param classes int64 [N], the class to explain for each image
/// @returns [N, H, W]
at::Tensor class_activation_maps(const at::Tensor& weight, const at::Tensor& map, const at::Tensor& classes);

}  // namespace resnet
