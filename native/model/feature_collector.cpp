#include "model/feature_collector.h"

namespace resnet {

void FeatureCollector::on_forward(const torch::nn::Module& layer, const at::Tensor&, const at::Tensor& output) {
  for (std::size_t stage = 0; stage < stages.size(); stage++) {
    if (&layer == network_.stages[stage].back().get()) stages[stage] = output;
  }
  if (&layer == network_.flatten.get()) features = output;
}

}  // namespace resnet
