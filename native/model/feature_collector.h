#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "model/observer.h"

namespace resnet {

/// Keeps what a ResNet's forward makes on its way. The forward runs to its end: what follows the last stage takes a
/// thousandth of its time.
class FeatureCollector : public Observer {
 public:
  void ran(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output) override;

  std::vector<at::Tensor> stages;  ///< the four stages' maps, [N, C, H, W]
  at::Tensor features;             ///< after global pooling, [N, C]
};

/// Class activation maps (Zhou et al. 2016): what each place of the last stage's map adds to a class. The mean over a
/// map plus the class's bias is its logit, because global average pooling and `fc` are linear.
///
/// @param weight of `fc`, [numClasses, C]
/// @param map of the last stage, [N, C, H, W]
/// @param classes int64 [N], one for each picture
/// @returns [N, H, W]
at::Tensor class_activation_maps(const at::Tensor& weight, const at::Tensor& map, const at::Tensor& classes);

}  // namespace resnet
