#include "training/trainer.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "error.h"
#include "model/blocks.h"
#include "model/observer.h"
#include "model/resnet.h"
#include "model/state.h"
#include "runtime/input.h"
#include "runtime/interrupt_check.h"
#include "training/staged_statistics.h"

namespace resnet {
namespace {

/// torch.autocast("cpu", dtype=torch.bfloat16) for the calling thread.
class Autocast {
 public:
  explicit Autocast(bool enabled) : enabled_(enabled) {
    if (!enabled_) return;
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (!enabled_) return;
    at::autocast::decrement_nesting();
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool enabled_;
};

bool is_frozen(const std::string& name, const ResNetImpl& network, const Freeze& freeze) {
  if (freeze.stem && (name.starts_with("conv.") || name.starts_with("bn."))) return true;
  int64_t blocks = 0;
  for (int64_t stage = 0; stage < freeze.stages; stage++) {
    blocks += static_cast<int64_t>(network.stages[stage].size());
  }
  constexpr std::string_view kBlocks = "residual_block.";
  return name.starts_with(kBlocks) && std::stoll(name.substr(kBlocks.size())) < blocks;
}

bool is_head(const std::string& name) { return name.starts_with("fc."); }

/// Batch norms and biases, which some recipes spare from weight decay.
bool is_norm_or_bias(const at::Tensor& parameter) { return parameter.dim() == 1; }

}  // namespace

Trainer::Trainer(std::shared_ptr<Network> network, TrainerOptions options)
    : network_(std::move(network)),
      lease_(*network_),
      options_(std::move(options)),
      normalizer_(options_.normalization, c10::kCPU) {
  if (!network_->device().is_cpu()) {
    throw Error("ERR_DEVICE", "Training runs on the CPU only, but the network is on " + network_->device().str() + ".");
  }
  collect_parameters();
  const at::NoGradGuard no_grad;
  if (options_.ema_decay) {
    for (const auto& [name, tensor] : network_->state()) average_.emplace_back(name, tensor.clone());
  }
  for (auto& parameter : parameters_) {
    parameter.set_requires_grad(true);
    // Backward runs on the thread of the step; an exception ends it.
    hooks_.push_back(parameter.register_hook([this](const at::Tensor& gradient) {
      if (interrupt_ != nullptr) check_interrupt(*interrupt_);
      return gradient;
    }));
  }
}

Trainer::~Trainer() {
  for (std::size_t i = 0; i < hooks_.size(); i++) parameters_[i].remove_hook(hooks_[i]);
  for (auto& parameter : parameters_) parameter.set_requires_grad(false);
}

void Trainer::collect_parameters() {
  auto& module = lease_.module();
  const auto* resnet = module.as<ResNetImpl>();
  const auto frozen = [&](const std::string& name) {
    return resnet != nullptr && is_frozen(name, *resnet, options_.freeze);
  };
  for (const auto& item : module.named_modules()) {
    auto* norm = item.value()->as<BatchNorm2DImpl>();
    if (norm == nullptr || options_.batch_norm == BatchNormMode::kFrozen) continue;
    if (options_.batch_norm == BatchNormMode::kTrain || !frozen(item.key() + '.')) trained_norms_.push_back(norm);
  }

  // The rates and decays that occur, in a fixed order.
  std::vector<ParameterGroup> groups;
  const auto group_of = [&](double rate, double decay) -> ParameterGroup& {
    for (auto& group : groups) {
      if (group.rate == rate && group.weight_decay == decay) return group;
    }
    return groups.emplace_back(ParameterGroup{{}, {}, rate, decay});
  };
  for (const auto& item : module.named_parameters()) {
    if (frozen(item.key())) continue;
    const bool decays = options_.decay_norms || !is_norm_or_bias(item.value());
    const double rate = resnet == nullptr || is_head(item.key()) ? 1 : options_.backbone_rate;
    auto& group = group_of(rate, decays ? options_.weight_decay : 0);
    group.names.push_back(item.key());
    group.parameters.push_back(item.value());
  }
  for (const auto& group : groups) {
    names_.insert(names_.end(), group.names.begin(), group.names.end());
    parameters_.insert(parameters_.end(), group.parameters.begin(), group.parameters.end());
  }
  optimizer_ = make_optimizer(options_.optimizer, std::move(groups));
}

StepResult Trainer::step(const Batch& batch, const StepOptions& options, const Interrupt& interrupt) {
  check(batch);
  const AllocationCache::Scope scope(cache_);
  StagedStatistics statistics(trained_norms_);
  auto computed =
      compute(options.mix ? mixed(batch, *options.mix) : batch, 1 / static_cast<double>(options.accumulate), interrupt);
  const at::NoGradGuard no_grad;
  if (!std::isfinite(computed.loss)) {
    throw Error("ERR_DIVERGED", "The loss is not finite: " + std::to_string(computed.loss) + ".");
  }
  StepResult result{computed.loss, computed.correct, {}};
  if (!accumulated_.empty()) at::_foreach_add_(computed.gradients, accumulated_);
  const bool is_update = accumulated_count_ + 1 >= options.accumulate;
  if (is_update) {
    const auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(computed.gradients))).item<double>();
    if (!std::isfinite(norm)) throw Error("ERR_DIVERGED", "A gradient is not finite.");
    result.grad_norm = norm;
    if (options_.clip_grad_norm) {
      constexpr double kEpsilon = 1e-6;
      const auto factor = static_cast<float>(*options_.clip_grad_norm / (norm + kEpsilon));
      if (factor < 1) at::_foreach_mul_(computed.gradients, at::Scalar(factor));
    }
  }

  // Nothing can fail or be aborted from here on.
  const std::lock_guard lock(lease_.state_mutex());
  if (is_update) {
    optimizer_->update(computed.gradients, options.learning_rate);
    accumulated_.clear();
    accumulated_count_ = 0;
  } else {
    accumulated_ = std::move(computed.gradients);
    accumulated_count_++;
  }
  statistics.commit();
  if (is_update && options_.ema_decay) update_average();
  return result;
}

Trainer::NamedTensors Trainer::gradients(const Batch& batch, const Interrupt& interrupt) {
  check(batch);
  const AllocationCache::Scope scope(cache_);
  const StagedStatistics statistics(trained_norms_);
  auto computed = compute(batch, 1, interrupt);
  NamedTensors gradients;
  for (std::size_t i = 0; i < names_.size(); i++) {
    gradients.emplace_back(names_[i], computed.gradients[i]);
  }
  return gradients;
}

Evaluation Trainer::evaluate(const Batch& batch, const Interrupt& interrupt) {
  check(batch);
  const AllocationCache::Scope scope(cache_);
  const at::NoGradGuard no_grad;
  const auto logits = forward(input(batch), interrupt);
  const auto kind = options_.loss.kind;
  return {loss_of(options_.loss, logits, batch.target).item<double>(), count_correct(logits, batch.target, 1, kind),
          count_correct(logits, batch.target, 5, kind), batch.x.size(0)};
}

Trainer::Computed Trainer::compute(const Batch& batch, double scale, const Interrupt& interrupt) {
  const at::AutoGradMode with_gradients(true);
  const Autocast autocast(options_.bfloat16);
  const auto logits = forward(input(batch), interrupt);
  const auto loss = loss_of(options_.loss, logits, batch.target);
  const auto scaled = scale == 1 ? loss : loss * scale;

  struct Running {  // for the hooks
    const Interrupt*& place;
    Running(const Interrupt*& place, const Interrupt& interrupt) : place(place) { place = &interrupt; }
    ~Running() { place = nullptr; }
  };
  const Running running(interrupt_, interrupt);
  auto gradients = torch::autograd::grad({scaled}, parameters_);
  // Some are channels-last, but the optimizer's kernels pair parameters and gradients by their place in memory.
  for (auto& gradient : gradients) gradient = gradient.contiguous();
  return {loss.item<double>(), count_correct(logits, batch.target, 1, options_.loss.kind), std::move(gradients)};
}

at::Tensor Trainer::forward(const at::Tensor& x, const Interrupt& interrupt) {
  InterruptCheck check(interrupt);
  const ObserverGuard guard(check);
  check_interrupt(interrupt);
  const auto y = lease_.module().forward(x);
  return y.dim() == 4 ? y.mean({2, 3}) : y;  // a block's map, as a ResNet's last one
}

at::Tensor Trainer::input(const Batch& batch) const {
  const auto x = batch.x.scalar_type() == at::kByte ? normalizer_(batch.x) : batch.x.to(at::kFloat);
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

Batch Trainer::mixed(const Batch& batch, const Mix& mix) const {
  return {mix_images(input(batch), mix), mix_targets(batch.target, mix, classes_)};
}

void Trainer::check(const Batch& batch) {
  auto shape = batch.x.sizes().vec();
  if (batch.x.scalar_type() == at::kByte) {
    check_pictures(shape);
    shape = {shape[0], 3, shape[1], shape[2]};
  }
  if (shape != checked_shape_) {
    classes_ = network_->trace(shape).back().output_shape[1];
    if (!trained_norms_.empty()) network_->check_batch_norms(shape);
    const auto& weights = options_.loss.class_weights;
    if (weights.defined() && (weights.dim() != 1 || weights.size(0) != classes_)) {
      throw Error("ERR_ARGUMENT", "classWeights must be one number for each of the " + std::to_string(classes_) +
                                      " classes, but got " + std::to_string(weights.numel()) + ".");
    }
    checked_shape_ = shape;
  }
  check_target(options_.loss, batch.target, shape[0], classes_);
}

void Trainer::update_average() {
  const auto state = network_->state();
  for (std::size_t i = 0; i < state.size(); i++) {
    const auto& value = state[i].second;
    auto& average = average_[i].second;
    if (value.is_floating_point()) {
      average.lerp_(value, 1 - *options_.ema_decay);
    } else {
      average.copy_(value);
    }
  }
}

Trainer::NamedTensors Trainer::writable_state() const {
  NamedTensors state;
  for (const auto& [name, tensor] : network_->state()) state.emplace_back("model." + name, tensor.detach());
  for (const auto& [name, tensor] : average_) state.emplace_back("average." + name, tensor);
  for (const auto& [name, tensor] : optimizer_->state()) state.emplace_back("optimizer." + name, tensor);
  return state;
}

Trainer::NamedTensors Trainer::state() const {
  auto state = writable_state();
  for (auto& [name, tensor] : state) tensor = tensor.clone();
  for (std::size_t i = 0; i < accumulated_.size(); i++) {
    state.emplace_back("gradients." + names_[i], accumulated_[i].clone());
  }
  return state;
}

void Trainer::set_progress(int64_t updates, int64_t accumulated, const NamedTensors& gradients) {
  std::vector<at::Tensor> sums;
  if (accumulated > 0) {
    const std::unordered_map<std::string, at::Tensor> by_name(gradients.begin(), gradients.end());
    for (std::size_t i = 0; i < names_.size(); i++) {
      const auto found = by_name.find(names_[i]);
      if (found == by_name.end() || found->second.sizes() != parameters_[i].sizes()) {
        throw Error("ERR_CHECKPOINT", "The checkpoint has no gradient of " + names_[i] + ", or one of another shape.");
      }
      sums.push_back(found->second);
    }
  }
  accumulated_ = std::move(sums);
  accumulated_count_ = accumulated;
  optimizer_->set_updates(updates);
}

int64_t Trainer::bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : average_) bytes += static_cast<int64_t>(tensor.nbytes());
  for (const auto& [name, tensor] : optimizer_->state()) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

std::vector<std::string> Trainer::trained() const { return names_; }

}  // namespace resnet
