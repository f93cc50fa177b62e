#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inference/calibration.h"
#include "inference/executor.h"
#include "inference/normalization.h"
#include "inference/plan.h"
#include "model/resnet.h"

namespace resnet {

struct OptimizeOptions {
  enum class DType : std::uint8_t { kFloat32, kBFloat16, kInt8 };

  DType dtype = DType::kFloat32;
  Normalization normalization;
  /// For kInt8, one of the two: ranges by value, or inputs to find them with.
  std::vector<Range> ranges;
  std::vector<at::Tensor> calibration;
  CalibrationMethod method = CalibrationMethod::kMinMax;
  /// Takes the memory of `network`, which is of no use afterward.
  bool consume = false;
};

/// As measured_peak, on the CPU; 0 where our kernels are not made for the processor.
double peak_of(OptimizeOptions::DType dtype, double seconds);

/// A ResNet that answers faster and does not change: batch norms folded, weights packed for the processor.
class Optimized {
 public:
  /// Copies what it needs out of `network`, in eval mode whatever its mode.
  /// @throws Error ERR_UNSUPPORTED_DTYPE where device or processor cannot do it, ERR_ABORTED
  Optimized(const ResNetImpl& network, c10::Device device, const OptimizeOptions& options, const Interrupt& interrupt);

  /// As Executor::run.
  /// @throws Error ERR_SHAPE, ERR_ABORTED
  at::Tensor forward(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt);

  /// A forward and the class activation maps of a class, of each picture's likeliest one where there is none given.
  struct Explained {
    at::Tensor logits, classes, maps;  ///< float32 [N, numClasses], int64 [N], float32 [N, H, W]
  };
  Explained explain(const at::Tensor& x, std::optional<int64_t> index, const Interrupt& interrupt);

  [[nodiscard]] int64_t classes() const { return weight_.size(0); }

  /// The plan, one line for each step.
  [[nodiscard]] const std::string& text() const { return text_; }
  /// What carries it out, e.g. "AVX-512 BF16".
  [[nodiscard]] const std::string& executor() const { return executor_name_; }
  [[nodiscard]] const std::vector<std::string>& value_names() const { return value_names_; }
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  [[nodiscard]] int64_t bytes() const { return executor_->bytes(); }

  /// What a forward is to be submitted with.
  /// @param most that a user asked for; 0 for all usable cores, which forwards at the same time share
  [[nodiscard]] int threads(int most) const;

 private:
  std::string text_, executor_name_;
  std::vector<std::string> value_names_;
  std::vector<Range> ranges_;
  at::Tensor weight_, bias_;  ///< of the last layer, on the CPU
  std::unique_ptr<Executor> executor_;
};

}  // namespace resnet
