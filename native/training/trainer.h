#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "image/normalization.h"
#include "runtime/interrupt.h"
#include "runtime/network.h"
#include "system/allocation_cache.h"
#include "training/loss.h"
#include "training/mix.h"
#include "training/optimizer.h"

namespace resnet {

class BatchNorm2DImpl;

/// The part of a network that keeps its values: the first layers, up to a stage.
struct Freeze {
  bool stem = false;   ///< the convolution and batch norm in front of the stages
  int64_t stages = 0;  ///< 0 to 4
};

enum class BatchNormMode : std::uint8_t {
  kFrozenWithLayer,  ///< frozen layers normalize by their running statistics, the others by the batch
  kTrain,            ///< all normalize by the batch and update their running statistics
  kFrozen,           ///< all normalize by their running statistics
};

struct TrainerOptions {
  OptimizerOptions optimizer;
  double weight_decay = 0;
  bool decay_norms = true;   ///< whether batch norms and biases decay too
  double backbone_rate = 1;  ///< factor of the learning rate for everything but the last layer
  LossOptions loss;
  Freeze freeze;
  BatchNormMode batch_norm = BatchNormMode::kFrozenWithLayer;
  std::optional<double> clip_grad_norm;  ///< torch.nn.utils.clip_grad_norm_
  std::optional<double> ema_decay;       ///< of the exponential moving average of all floating-point state
  bool bfloat16 = false;                 ///< torch.autocast
  Normalization normalization{};         ///< of uint8 pictures
};

struct Batch {
  at::Tensor x;       ///< float32 [N, C, H, W], or uint8 pictures [N, H, W, 3]
  at::Tensor target;  ///< as in loss.h
};

struct StepOptions {
  double learning_rate;
  int64_t accumulate = 1;       ///< over how many batches the gradients of one update are averaged
  std::optional<Mix> mix = {};  ///< of the normalized images and the targets
};

struct StepResult {
  double loss;
  int64_t correct;                  ///< images whose largest logit is right; of mixed ones, the larger share counts
  std::optional<double> grad_norm;  ///< of all trained parameters, before clipping; where the step made an update
};

struct Evaluation {
  double loss;  ///< mean
  int64_t correct, correct_of_5, count;
};

/// Trains a network: forward with gradients, loss, backward, update. While it lives the network is leased to it: it may
/// compute and be read between steps, but not change in any other way.
///
/// A step that throws leaves parameters, running statistics, averages and the optimizer's state as they were.
/// Everything but the constructor runs on the training thread (InferenceThreads::training()), one at a time.
class Trainer {
 public:
  using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

  /// @throws Error ERR_BUSY if the network is in use; ERR_ARGUMENT if nothing is left to train; ERR_DEVICE
  Trainer(std::shared_ptr<Network> network, TrainerOptions options);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// @throws Error ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT; ERR_DIVERGED if the loss or a gradient is not finite;
  /// ERR_ABORTED
  StepResult step(const Batch& batch, const StepOptions& options, const Interrupt& interrupt);

  /// The gradient of the mean loss by parameter. Nothing changes.
  /// @throws Error as step()
  NamedTensors gradients(const Batch& batch, const Interrupt& interrupt);

  /// In eval mode, without gradients.
  /// @throws Error ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT; ERR_ABORTED
  Evaluation evaluate(const Batch& batch, const Interrupt& interrupt);

  /// Copies of the network's state dict ("model."), the average's ("average.") and the optimizer's state
  /// ("optimizer."), and the gradients of an unfinished update ("gradients.").
  [[nodiscard]] NamedTensors state() const;
  [[nodiscard]] int64_t updates() const { return optimizer_->updates(); }
  /// The number of batches in the unfinished update.
  [[nodiscard]] int64_t accumulated() const { return accumulated_count_; }

  /// Where the values of state() belong: all but the gradients. To be written before the first step.
  [[nodiscard]] NamedTensors writable_state() const;
  /// @param accumulated the number of batches whose gradients are in `gradients`
  /// @throws Error ERR_CHECKPOINT if they are not those of the trained parameters
  void set_progress(int64_t updates, int64_t accumulated, const NamedTensors& gradients);

  /// Memory of the optimizer's state and the average.
  [[nodiscard]] int64_t bytes() const;

  /// Names of the parameters that are trained.
  [[nodiscard]] std::vector<std::string> trained() const;

 private:
  struct Computed {
    double loss;
    int64_t correct;
    std::vector<at::Tensor> gradients;
  };

  void collect_parameters();
  Computed compute(const Batch& batch, double scale, const Interrupt& interrupt);
  at::Tensor forward(const at::Tensor& x, const Interrupt& interrupt);
  [[nodiscard]] at::Tensor input(const Batch& batch) const;
  [[nodiscard]] Batch mixed(const Batch& batch, const Mix& mix) const;
  void check(const Batch& batch);
  void update_average();

  std::shared_ptr<Network> network_;
  Network::Lease lease_;
  TrainerOptions options_;
  BatchNormalizer normalizer_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_;
  std::vector<BatchNorm2DImpl*> trained_norms_;  ///< that normalize by the batch
  AllocationCache cache_;                        ///< of the maps and gradients of a step
  std::unique_ptr<Optimizer> optimizer_;
  NamedTensors average_;                 ///< empty without ema_decay
  std::vector<at::Tensor> accumulated_;  ///< gradients of an unfinished update
  int64_t accumulated_count_ = 0;
  std::vector<int64_t> checked_shape_;  ///< of the last batch
  int64_t classes_ = 0;
  const Interrupt* interrupt_ = nullptr;  ///< of the running step
  std::vector<unsigned> hooks_;           ///< of parameters_
};

}  // namespace resnet
