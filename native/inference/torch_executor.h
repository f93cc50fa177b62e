#pragma once

#include <functional>
#include <string>
#include <vector>

#include "image/normalization.h"
#include "inference/executor.h"
#include "inference/parameters.h"
#include "inference/plan.h"

namespace resnet {

/// Receives each value of a forward as it is computed, the input included.
using ValueObserver = std::function<void(ValueId, const at::Tensor&)>;

/// Runs a plan with libtorch's own operators, channels-last: on CUDA, on processors that our kernels do not support,
/// and for calibration, which needs every value.
class TorchExecutor : public Executor {
 public:
  /// A step's parameters on the device, with the batch norm folded in; undefined for steps without any.
  struct FoldedParameters {
    at::Tensor weight, bias;
  };

  /// @param dtype of parameters and activations
  TorchExecutor(Plan plan, const ParameterSource& source, c10::Device device, at::ScalarType dtype,
                const Normalization& normalization);

  at::Tensor run(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt) override;
  at::Tensor run(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt, const ValueObserver& observer);
  [[nodiscard]] std::string name() const override { return "libtorch, " + device_.str(); }
  [[nodiscard]] bool shares_cores() const override { return false; }
  [[nodiscard]] int64_t bytes() const override;

 private:
  /// x as the first step takes it: on the device, normalized, in the dtype of the activations, channels-last.
  [[nodiscard]] at::Tensor to_input(const at::Tensor& x) const;

  Plan plan_;
  std::vector<std::size_t> last_uses_;
  std::vector<FoldedParameters> parameters_;  ///< by step
  c10::Device device_;
  at::ScalarType dtype_;
  BatchNormalizer normalizer_;
};

}  // namespace resnet
