#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace resnet {

/// torch.optim.SGD; the defaults are PyTorch's.
struct SgdOptions {
  double momentum = 0, dampening = 0;
  bool nesterov = false;
};

/// torch.optim.AdamW.
struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
};

using OptimizerOptions = std::variant<SgdOptions, AdamWOptions>;

/// Parameters that are updated with the same rate and decay.
struct ParameterGroup {
  std::vector<std::string> names;
  std::vector<at::Tensor> parameters;
  double rate = 1;  ///< factor of the learning rate
  double weight_decay = 0;
};

/// The optimizer's state and its rule, over libtorch's fused kernels. Runs under NoGradGuard.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// @param gradients of all groups' parameters, in their order
  void update(const std::vector<at::Tensor>& gradients, double learning_rate);

  /// State tensors by name, e.g. momentum_buffer.fc.weight. They are those that update() changes, not copies.
  [[nodiscard]] virtual std::vector<std::pair<std::string, at::Tensor>> state() const = 0;

  /// The number of updates so far.
  [[nodiscard]] int64_t updates() const { return updates_; }
  /// To be set after the values of state() have been restored.
  void set_updates(int64_t updates) { updates_ = updates; }

 protected:
  explicit Optimizer(std::vector<ParameterGroup> groups) : groups_(std::move(groups)) {}

  /// A tensor of zeros like each parameter, by group.
  [[nodiscard]] std::vector<std::vector<at::Tensor>> zeros() const;

  std::vector<ParameterGroup> groups_;
  int64_t updates_ = 0;

 private:
  /// @param group the number of the group in groups_
  virtual void update_group(std::size_t group, const std::vector<at::Tensor>& gradients, double learning_rate) = 0;
};

/// Allocates all state, so that update() needs no memory.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, std::vector<ParameterGroup> groups);

}  // namespace resnet
