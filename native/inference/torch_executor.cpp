#include "inference/torch_executor.h"

#include <c10/core/InferenceMode.h>

#include <utility>

namespace resnet {
namespace {

using Placed = TorchExecutor::Placed;

struct Compute {
  const std::vector<at::Tensor>& values;
  const Placed& parameters;

  at::Tensor operator()(const Convolution& step) const {
    auto y = at::conv2d(values[step.input], parameters.weight, parameters.bias, step.stride, step.padding);
    if (step.shortcut) y.add_(values[*step.shortcut]);
    return step.relu ? y.relu_() : y;
  }
  at::Tensor operator()(const MaxPool& step) const { return at::max_pool2d(values[step.input], 3, 2, 1); }
  at::Tensor operator()(const GlobalAverage& step) const { return at::mean(values[step.input], {2, 3}); }
  at::Tensor operator()(const Classifier& step) const {
    return at::linear(values[step.input], parameters.weight, parameters.bias);
  }
};

}  // namespace

TorchExecutor::TorchExecutor(Plan plan, c10::Device device, at::ScalarType dtype, const Normalization& normalization)
    : plan_(std::move(plan)), last_uses_(plan_.last_uses()), device_(device), dtype_(dtype) {
  const c10::InferenceMode inference;
  const auto place = [&](const at::Tensor& tensor) {
    const auto format = tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    return tensor.to(at::TensorOptions(device).dtype(dtype), /*non_blocking=*/false, /*copy=*/true, format);
  };
  for (auto& step : plan_.steps) {
    Placed placed;
    std::visit(
        [&](auto& one) {
          if constexpr (requires { one.parameters; }) {
            const auto [weight, scale, bias] = std::exchange(one.parameters, nullptr)();
            auto shape = std::vector<int64_t>(weight.dim(), 1);
            shape[0] = -1;
            placed = {place(weight * scale.view(shape).to(weight.device())), place(bias)};
          }
        },
        step);
    parameters_.push_back(std::move(placed));
  }
  const auto per_channel = [&](const std::array<double, 3>& values) {
    return at::tensor(at::ArrayRef<double>(values), at::kDouble).to(at::kFloat).view({1, 3, 1, 1}).to(device);
  };
  mean_ = per_channel(normalization.mean);
  deviation_ = per_channel(normalization.std);
}

at::Tensor TorchExecutor::run(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt) {
  return run(x, until, interrupt, nullptr);
}

at::Tensor TorchExecutor::run(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt,
                              const ValueObserver& observer) {
  const c10::InferenceMode inference;
  std::vector<at::Tensor> values(plan_.values);
  values[0] = normalized(x.to(device_)).to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
  if (observer) observer(0, values[0]);
  const auto steps = plan_.steps_until(until);
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

at::Tensor TorchExecutor::normalized(const at::Tensor& x) const {
  if (x.scalar_type() != at::kByte) return x;
  return x.permute({0, 3, 1, 2}).to(at::kFloat).div_(255).sub_(mean_).div_(deviation_);
}

int64_t TorchExecutor::bytes() const {
  int64_t bytes = 0;
  for (const auto& [weight, bias] : parameters_) {
    if (weight.defined()) bytes += static_cast<int64_t>(weight.nbytes() + bias.nbytes());
  }
  return bytes;
}

}  // namespace resnet
