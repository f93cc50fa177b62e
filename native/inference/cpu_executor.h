#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "inference/executor.h"
#include "inference/ingest.h"
#include "inference/kernels/kernels.h"
#include "inference/layout.h"
#include "inference/normalization.h"
#include "inference/packed.h"
#include "inference/plan.h"

namespace resnet {

/// Runs a plan with our kernels: weights packed once, activations in memory that is planned once for each height and
/// width and used again, nothing allocated afterward but the answer.
class CpuExecutor : public Executor {
 public:
  /// @param quantized by value; for Element::kUInt8 alone
  CpuExecutor(Plan plan, const kernels::Kernels& kernels, const kernels::Kernels& float_kernels,
              const Normalization& normalization, std::vector<QuantParams> quantized);

  at::Tensor run(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt) override;
  [[nodiscard]] bool shares_cores() const override { return true; }
  [[nodiscard]] int64_t bytes() const override { return bytes_; }

 private:
  struct Workspace {
    int64_t height, width;
    int64_t most_images;  ///< in a forward that it serves
    Layout layout;
    at::Tensor memory;
  };

  /// Given back however a forward ends: one that was aborted leaves its workspace to the next.
  using Lent = std::unique_ptr<Workspace, std::function<void(Workspace*)>>;
  Lent take(int64_t height, int64_t width, int64_t images);
  std::unique_ptr<Workspace> idle(int64_t height, int64_t width, int64_t images);
  void give_back(std::unique_ptr<Workspace> workspace);

  /// Makes the output's elements of what `packed` makes numbers of.
  void quantize_output(const Convolution& conv, Packed& packed) const;

  [[nodiscard]] at::Tensor empty_answer(const FeatureMap& map, int64_t images, OutputPoint until) const;
  void copy_out(const Workspace& workspace, ValueId value, int64_t image, const at::Tensor& answer) const;

  /// Images [first, first + count) of the pass that workspace holds; `x` are all of this pass's.
  void ingest(const Workspace& workspace, const at::Tensor& x, int64_t first, int64_t count) const;
  void run_step(const Workspace& workspace, std::size_t step, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const Convolution&, const Packed&, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const MaxPool&, const Packed&, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const GlobalAverage&, const Packed&, int64_t first, int64_t count) const;
  void run_step(const Workspace&, const Classifier&, const Packed&, int64_t first, int64_t count) const;

  Plan plan_;
  const kernels::Kernels& kernels_;
  const kernels::Kernels& float_kernels_;
  std::vector<QuantParams> quant_params_;
  std::vector<Packed> packed_;  ///< by step
  Ingest ingest_;
  int64_t bytes_ = 0;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;  ///< last used first
};

}  // namespace resnet
