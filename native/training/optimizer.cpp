#include "training/optimizer.h"

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>

#include "system/persistent_memory.h"

namespace resnet {
namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

void add_state(NamedTensors& state, const std::string& kind, const std::vector<ParameterGroup>& groups,
               const std::vector<std::vector<at::Tensor>>& tensors) {
  for (std::size_t group = 0; group < tensors.size(); group++) {
    for (std::size_t i = 0; i < tensors[group].size(); i++) {
      state.emplace_back(kind + '.' + groups[group].names[i], tensors[group][i]);
    }
  }
}

class Sgd : public Optimizer {
 public:
  Sgd(SgdOptions options, std::vector<ParameterGroup> groups) : Optimizer(std::move(groups)), options_(options) {
    if (options_.momentum != 0) momentum_buffers_ = zeros();
  }

  [[nodiscard]] NamedTensors state() const override {
    NamedTensors state;
    add_state(state, "momentum_buffer", groups_, momentum_buffers_);
    return state;
  }

 private:
  void update_group(std::size_t group, const std::vector<at::Tensor>& gradients, double learning_rate) override {
    const auto& [names, parameters, rate, weight_decay] = groups_[group];
    const auto buffers = momentum_buffers_.empty() ? std::vector<at::Tensor>() : momentum_buffers_[group];
    at::_fused_sgd_(parameters, gradients, buffers, weight_decay, options_.momentum, learning_rate * rate,
                    options_.dampening, options_.nesterov, /*maximize=*/false, /*is_first_step=*/updates_ == 0);
  }

  SgdOptions options_;
  std::vector<std::vector<at::Tensor>> momentum_buffers_;
};

class AdamW : public Optimizer {
 public:
  AdamW(AdamWOptions options, std::vector<ParameterGroup> groups)
      : Optimizer(std::move(groups)), options_(options), averages_(zeros()), squares_(zeros()) {}

  [[nodiscard]] NamedTensors state() const override {
    NamedTensors state;
    add_state(state, "exp_avg", groups_, averages_);
    add_state(state, "exp_avg_sq", groups_, squares_);
    return state;
  }

 private:
  void update_group(std::size_t group, const std::vector<at::Tensor>& gradients, double learning_rate) override {
    const auto& [names, parameters, rate, weight_decay] = groups_[group];
    const std::vector<at::Tensor> steps(parameters.size(), at::full({}, static_cast<double>(updates_ + 1), at::kFloat));
    at::_fused_adamw_(parameters, gradients, averages_[group], squares_[group], /*max_exp_avg_sqs=*/{}, steps,
                      learning_rate * rate, options_.beta1, options_.beta2, weight_decay, options_.epsilon,
                      /*amsgrad=*/false, /*maximize=*/false);
  }

  AdamWOptions options_;
  std::vector<std::vector<at::Tensor>> averages_, squares_;
};

}  // namespace

void Optimizer::update(const std::vector<at::Tensor>& gradients, double learning_rate) {
  auto first = gradients.begin();
  for (std::size_t group = 0; group < groups_.size(); group++) {
    const auto last = first + static_cast<std::ptrdiff_t>(groups_[group].parameters.size());
    update_group(group, {first, last}, learning_rate);
    first = last;
  }
  updates_++;
}

std::vector<std::vector<at::Tensor>> Optimizer::zeros() const {
  std::vector<std::vector<at::Tensor>> tensors(groups_.size());
  for (std::size_t group = 0; group < groups_.size(); group++) {
    for (const auto& parameter : groups_[group].parameters) {
      tensors[group].push_back(allocate_persistent(parameter.sizes()).zero_());
    }
  }
  return tensors;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, std::vector<ParameterGroup> groups) {
  if (const auto* sgd = std::get_if<SgdOptions>(&options)) return std::make_unique<Sgd>(*sgd, std::move(groups));
  return std::make_unique<AdamW>(std::get<AdamWOptions>(options), std::move(groups));
}

}  // namespace resnet
