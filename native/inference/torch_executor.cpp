#include "inference/torch_executor.h"

#include <c10/core/InferenceMode.h>

#include <utility>

namespace resnet {
namespace {

struct Compute {
  const std::vector<at::Tensor>& values;
  const TorchExecutor::FoldedParameters& parameters;

  at::Tensor operator()(const Convolution& step) const {
    auto y = at::conv2d(values[step.input], parameters.weight, parameters.bias, step.stride, step.padding);
    if (step.shortcut) y.add_(values[*step.shortcut]);
    return step.relu ? y.relu_() : y;
  }
  at::Tensor operator()(const MaxPool& step) const {
    return at::max_pool2d(values[step.input], step.kernel, step.stride, step.padding);
  }
  at::Tensor operator()(const GlobalAverage& step) const { return at::mean(values[step.input], {2, 3}); }
  at::Tensor operator()(const Classifier& step) const {
    return at::linear(values[step.input], parameters.weight, parameters.bias);
  }
};

}  // namespace

TorchExecutor::TorchExecutor(Plan plan, const ParameterSource& source, c10::Device device, at::ScalarType dtype,
                             const Normalization& normalization)
    : plan_(std::move(plan)),
      last_uses_(plan_.last_uses()),
      device_(device),
      dtype_(dtype),
      normalizer_(normalization, device) {
  const c10::InferenceMode inference;
  const auto to_device = [&](const at::Tensor& tensor) {
    const auto format = tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    return tensor.to(at::TensorOptions(device).dtype(dtype), /*non_blocking=*/false, /*copy=*/true, format);
  };
  const auto fold = [&](const auto& step) -> FoldedParameters {
    if constexpr (requires { source.read(step); }) {
      const auto [weight, scale, bias] = source.read(step);
      auto shape = std::vector<int64_t>(weight.dim(), 1);
      shape[0] = -1;
      return {to_device(weight * scale.view(shape).to(weight.device())), to_device(bias)};
    }
    return {};
  };
  for (const auto& step : plan_.steps) parameters_.push_back(std::visit(fold, step));
}

at::Tensor TorchExecutor::run(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt) {
  return run(x, output, interrupt, nullptr);
}

at::Tensor TorchExecutor::run(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt,
                              const ValueObserver& observer) {
  const c10::InferenceMode inference;
  std::vector<at::Tensor> values(plan_.values);
  values[0] = to_input(x);
  if (observer) observer(0, values[0]);
  const auto steps = plan_.steps_to(output);
  ValueId last = 0;
  for (std::size_t i = 0; i < steps; i++) {
    check_interrupt(interrupt);
    const auto operands = operands_of(plan_.steps[i]);
    last = operands.output;
    values[last] = std::visit(Compute{values, parameters_[i]}, plan_.steps[i]);
    if (observer) observer(last, values[last]);
    if (last_uses_[operands.input] == i) values[operands.input].reset();
    if (operands.shortcut && last_uses_[*operands.shortcut] == i) values[*operands.shortcut].reset();
  }
  return values[last].to(at::kCPU, at::kFloat).contiguous();
}

at::Tensor TorchExecutor::to_input(const at::Tensor& x) const {
  const auto on_device = x.to(device_);
  const auto numbers = on_device.scalar_type() == at::kByte ? normalizer_(on_device) : on_device;
  return numbers.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
}

int64_t TorchExecutor::bytes() const {
  int64_t bytes = 0;
  for (const auto& [weight, bias] : parameters_) {
    if (weight.defined()) bytes += static_cast<int64_t>(weight.nbytes() + bias.nbytes());
  }
  return bytes;
}

}  // namespace resnet
