#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "image/normalization.h"
#include "inference/executor.h"
#include "inference/ingest.h"
#include "inference/kernels/kernels.h"
#include "inference/layout.h"
#include "inference/packed.h"
#include "inference/parameters.h"
#include "inference/plan.h"
#include "inference/quantization.h"

namespace resnet {

/// Runs a plan with our own kernels. Weights are packed once; activations live in workspaces that are laid out once for
/// each height and width and then reused, so that a forward allocates nothing but its result.
class CpuExecutor : public Executor {
 public:
  /// @param kernels for the activations' element type
  /// @param float_kernels for the classifier, which always computes in float32
  /// @param quant_params by value, for Element::kUInt8; empty for other element types
  CpuExecutor(Plan plan, const ParameterSource& source, const kernels::Kernels& kernels,
              const kernels::Kernels& float_kernels, const Normalization& normalization,
              std::vector<QuantParams> quant_params);

  at::Tensor run(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt) override;
  [[nodiscard]] std::string name() const override { return kernels_.name; }
  [[nodiscard]] bool shares_cores() const override { return true; }
  [[nodiscard]] int64_t bytes() const override { return bytes_; }

 private:
  struct Workspace {
    int64_t height, width;
    int64_t max_images;  ///< of the forwards that it can serve
    Layout layout;
    at::Tensor memory;
  };

  /// Returns the workspace when it goes out of scope, also when the forward was aborted.
  using WorkspaceLease = std::unique_ptr<Workspace, std::function<void(Workspace*)>>;
  WorkspaceLease acquire_workspace(int64_t height, int64_t width, int64_t images);
  std::unique_ptr<Workspace> take_idle_workspace(int64_t height, int64_t width, int64_t images);
  void return_workspace(std::unique_ptr<Workspace> workspace);

  [[nodiscard]] PackedParameters pack_step(const Step& step, const ParameterSource& source) const;
  /// Changes scale and bias so that results are elements of the output's quantization instead of numbers.
  void quantize_output(const Convolution& conv, PackedParameters& packed) const;

  [[nodiscard]] at::Tensor empty_result(const FeatureMap& map, int64_t images, OutputPoint output) const;
  void copy_result(const Workspace& workspace, ValueId value, int64_t image, const at::Tensor& result) const;

  /// Fills the input map for images [first, first + count) of the pass; `x` has the images of the whole pass.
  void ingest(const Workspace& workspace, const at::Tensor& x, int64_t first, int64_t count) const;
  void run_step(const Workspace& workspace, std::size_t step, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const Convolution&, const PackedParameters&, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const MaxPool&, const PackedParameters&, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const GlobalAverage&, const PackedParameters&, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const Classifier&, const PackedParameters&, int64_t first, int64_t count) const;

  Plan plan_;
  const kernels::Kernels& kernels_;
  const kernels::Kernels& float_kernels_;
  std::vector<QuantParams> quant_params_;  ///< by value
  std::vector<PackedParameters> packed_;   ///< by step
  Ingest ingest_;
  int64_t bytes_ = 0;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;  ///< the last one used comes first
};

}  // namespace resnet
