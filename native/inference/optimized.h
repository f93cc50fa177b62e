#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "image/normalization.h"
#include "inference/calibration.h"
#include "inference/executor.h"
#include "inference/plan.h"
#include "inference/quantization.h"
#include "model/resnet.h"

namespace resnet {

struct OptimizeOptions {
  enum class DType : std::uint8_t { kFloat32, kBFloat16, kInt8 };

  DType dtype = DType::kFloat32;
  Normalization normalization;
  /// kInt8 needs one of these two: ranges by the plan's value names, or inputs (as for Executor::run) to find them
  /// with.
  std::optional<std::unordered_map<std::string, Range>> ranges;
  std::vector<at::Tensor> calibration;
  CalibrationMethod method = CalibrationMethod::kMinMax;
  /// Releases the network's weights while they are packed; the network cannot be used afterward.
  bool consume = false;
};

/// As measure_peak, on the CPU; 0 where our kernels do not support the processor.
double peak_of(OptimizeOptions::DType dtype, double seconds);

/// A ResNet for fast inference that can no longer change: batch norms are folded into the convolutions, and weights are
/// packed for the processor. Several threads may use it at the same time.
class OptimizedResNet {
 public:
  /// Copies the parameters out of `network` and takes its eval mode, whatever its mode is.
  /// @throws Error ERR_UNSUPPORTED_DTYPE if the device or the processor does not support the dtype; ERR_CALIBRATION
  ///         where options.ranges lack one or the calibration inputs give no finite numbers; ERR_NOT_FINITE for int8
  ///         weights that are NaN or infinite; ERR_ABORTED
  OptimizedResNet(const ResNetImpl& network, c10::Device device, const OptimizeOptions& options,
                  const Interrupt& interrupt);

  /// As Executor::run.
  /// NaN and infinity reach the answer as they do in the eager network.
  /// @throws Error ERR_SHAPE, ERR_ABORTED; ERR_NOT_FINITE for int8 and an x with values that are NaN or infinite
  at::Tensor forward(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt);

  /// Logits, and the class activation map of one class for each image.
  struct Explained {
    at::Tensor logits, classes, maps;  ///< float32 [N, numClasses], int64 [N], float32 [N, H, W]
  };
  /// @param index of the class to explain; by default the one with the largest logit, separately for each image
  Explained explain(const at::Tensor& x, std::optional<int64_t> index, const Interrupt& interrupt);

  [[nodiscard]] int64_t classes() const { return fc_weight_.size(0); }

  /// As Plan::text and Executor::name.
  [[nodiscard]] const std::string& text() const { return plan_text_; }
  [[nodiscard]] std::string executor() const { return executor_->name(); }
  /// By value; there are ranges only for kInt8.
  [[nodiscard]] const std::vector<std::string>& value_names() const { return value_names_; }
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  /// As Executor::bytes.
  [[nodiscard]] int64_t bytes() const { return executor_->bytes(); }

  /// The number of threads to submit a forward with.
  /// @param max that a user set; 0 for all usable cores, which concurrent forwards share
  [[nodiscard]] int threads(int max) const;

 private:
  std::string plan_text_;
  std::vector<std::string> value_names_;
  std::vector<Range> ranges_;
  at::Tensor fc_weight_, fc_bias_;  ///< float32, on the CPU
  std::unique_ptr<Executor> executor_;
};

}  // namespace resnet
