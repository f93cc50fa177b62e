#include "model/feature_collector.h"

#include "model/blocks.h"

namespace resnet {

void FeatureCollector::ran(const torch::nn::Module& layer, const at::Tensor&, const at::Tensor& output) {
  if (layer.as<FlattenImpl>() != nullptr) features = output;
  if (layer.as<BasicBlockImpl>() == nullptr && layer.as<BottleneckBlockImpl>() == nullptr) return;
  // The blocks of one stage have one number of channels, and the last of them makes its map.
  if (stages.empty() || stages.back().size(1) != output.size(1)) stages.emplace_back();
  stages.back() = output;
}

at::Tensor class_activation_maps(const at::Tensor& weight, const at::Tensor& map, const at::Tensor& classes) {
  const auto weights = weight.index_select(0, classes.to(weight.device()));
  return at::einsum("nc,nchw->nhw", {weights, map});
}

}  // namespace resnet
