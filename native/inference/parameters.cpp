#include "inference/parameters.h"

#include "model/state.h"

namespace resnet {
namespace {

at::Tensor to_double(const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kDouble); }

}  // namespace

ParameterSource::ParameterSource(const ResNetImpl& network, bool consume) : consume_(consume) {
  for (auto& [name, tensor] : state_of(network)) state_.emplace(name, tensor);
}

Parameters ParameterSource::read(const Convolution& step) const {
  // (conv(x) - mean) / sqrt(var + eps) * weight + bias is a convolution with a bias.
  const at::NoGradGuard no_grad;
  const auto norm = [&](const char* leaf) { return to_double(state_.at(step.norm + leaf)); };
  const auto scale = norm(".weight") / (norm(".running_var") + BatchNorm2DImpl::kEpsilon).sqrt();
  const auto bias = norm(".bias") - norm(".running_mean") * scale;
  const auto& parameter = state_.at(step.conv + ".weight");
  const auto weight = parameter.detach();  // the only owner of the values once the network has released them
  if (consume_) parameter.set_data(at::empty({0}, parameter.options()));
  return {weight, scale, bias.to(at::kFloat)};
}

Parameters ParameterSource::read(const Classifier& step) const {
  const auto& weight = state_.at(step.name + ".weight");
  return {weight, at::ones({weight.size(0)}, at::kDouble), state_.at(step.name + ".bias").to(at::kCPU)};
}

}  // namespace resnet
