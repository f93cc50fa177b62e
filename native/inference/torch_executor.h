#pragma once

#include <functional>
#include <vector>

#include "inference/executor.h"
#include "inference/normalization.h"
#include "inference/plan.h"

namespace resnet {

/// Told of each value of a forward as it is made, the input included.
using ValueObserver = std::function<void(ValueId, const at::Tensor&)>;

/// Runs a plan with libtorch's own operators, channels-last: on CUDA, on processors that our kernels are not made
/// for, and wherever values have to be looked at.
class TorchExecutor : public Executor {
 public:
  /// Weight and bias of a step on the device, folded.
  struct Placed {
    at::Tensor weight, bias;
  };

  /// @param dtype of weights and activations
  TorchExecutor(Plan plan, c10::Device device, at::ScalarType dtype, const Normalization& normalization);

  at::Tensor run(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt) override;
  at::Tensor run(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt, const ValueObserver& observer);
  [[nodiscard]] bool shares_cores() const override { return false; }
  [[nodiscard]] int64_t bytes() const override;

 private:
  [[nodiscard]] at::Tensor normalized(const at::Tensor& x) const;

  Plan plan_;
  std::vector<std::size_t> last_uses_;
  std::vector<Placed> parameters_;  ///< by step
  c10::Device device_;
  at::ScalarType dtype_;
  at::Tensor mean_, deviation_;
};

}  // namespace resnet
