#pragma once

#include <ATen/ATen.h>

#include <array>

#include "model/observer.h"
#include "model/resnet.h"

namespace resnet {

/// Keeps the intermediate results of a ResNet's forward, as torchvision.models.feature_extraction does. The forward
/// still runs to its end: the layers behind the last stage take about a thousandth of its time.
class FeatureCollector : public Observer {
 public:
  /// @param network must outlive the collector
  explicit FeatureCollector(const ResNetImpl& network) : network_(network) {}

  void on_forward(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output) override;

  std::array<at::Tensor, 4> stages;  ///< the output of each stage, [N, C, H, W]
  at::Tensor features;               ///< after global average pooling, [N, C]

 private:
  const ResNetImpl& network_;
};

}  // namespace resnet
