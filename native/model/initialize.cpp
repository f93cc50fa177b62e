#include "model/initialize.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "model/layers.h"

namespace resnet {
namespace {

void initialize_layer(Conv2DImpl& conv, const at::Generator& generator) {
  const auto& weight = conv.weight;
  const auto fan_out = static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3));
  conv.weight.normal_(0, std::sqrt(2 / fan_out), generator);
}

void initialize_layer(BatchNorm2DImpl& bn) {
  bn.weight.fill_(1);
  bn.bias.zero_();
  bn.running_mean.zero_();
  bn.running_var.fill_(1);
  bn.num_batches_tracked.zero_();
}

void initialize_layer(LinearImpl& fc, const at::Generator& generator) {
  const auto bound = 1 / std::sqrt(static_cast<double>(fc.weight.size(1)));
  fc.weight.uniform_(-bound, bound, generator);
  fc.bias.uniform_(-bound, bound, generator);
}

}  // namespace

void initialize(torch::nn::Module& network, uint64_t seed) {
  const auto generator = at::detail::createCPUGenerator(seed);
  for (const auto& module : network.modules()) {
    if (auto* conv = module->as<Conv2DImpl>()) initialize_layer(*conv, generator);
    if (auto* bn = module->as<BatchNorm2DImpl>()) initialize_layer(*bn);
    if (auto* fc = module->as<LinearImpl>()) initialize_layer(*fc, generator);
  }
}

}  // namespace resnet
