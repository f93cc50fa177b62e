#include "runtime/network.h"

#include <optional>

#include "error.h"
#include "model/blocks.h"
#include "model/initialize.h"
#include "model/observer.h"
#include "model/resnet.h"
#include "model/state.h"
#include "runtime/input.h"
#include "runtime/interrupt_check.h"

namespace resnet {
namespace {

std::shared_ptr<Layer> build(const Spec& spec) {
  if (const auto* resnet = std::get_if<ResNetSpec>(&spec)) {
    return std::make_shared<ResNetImpl>(resnet->layers, resnet->num_classes);
  }
  const auto& [type, input_channels, output_channels, stride] = std::get<BlockSpec>(spec);
  if (type == BlockSpec::Type::kBasic) {
    return std::make_shared<BasicBlockImpl>(input_channels, output_channels, stride);
  }
  return std::make_shared<BottleneckBlockImpl>(input_channels, output_channels, stride);
}

int64_t input_channels_of(const Spec& spec) {
  const auto* block = std::get_if<BlockSpec>(&spec);
  return block == nullptr ? 3 : block->input_channels;
}

}  // namespace

Network::Network(const Spec& spec, bool meta)
    : module_(build(spec)), input_channels_(input_channels_of(spec)), device_(meta ? c10::kMeta : c10::kCPU) {
  module_->eval();
}

void Network::initialize(uint64_t seed) {
  const at::NoGradGuard no_grad;
  resnet::initialize(*module_, seed);
}

at::Tensor Network::InFlight::forward(const at::Tensor& x, const Interrupt& interrupt, Observer* observer) const {
  await_turn();
  return network_->forward(x, interrupt, observer);
}

void Network::InFlight::await_turn() const {
  if (network_->training()) ticket_.wait();
}

at::Tensor Network::forward(const at::Tensor& x, const Interrupt& interrupt, Observer* observer) {
  if (device_.is_meta()) {
    throw Error("ERR_DEVICE", "A network on device 'meta' has shapes and no values; it cannot run.");
  }
  const auto shape = x.sizes().vec();
  check_input(shape);
  const c10::InferenceMode inference;
  const auto run = [&] {
    std::optional<ObserverGuard> guard;
    if (observer != nullptr) guard.emplace(*observer);
    return module_->forward(x.to(device_, at::kFloat)).to(at::kCPU).contiguous();
  };

  if (training()) {
    // Not interruptible, and refused in advance: all running statistics are updated or none.
    check_batch_norms(shape);
    return run();
  }
  InterruptCheck check(interrupt);
  const ObserverGuard guard(check);
  check_interrupt(interrupt);
  return run();
}

Network::Lease::Lease(Network& network) : network_(network) {
  network.require_idle("new Trainer()");
  network.module_->eval();
  network.training_ = false;
  network.leased_ = true;
}

InferenceThreads& Network::queue() const { return leased_ ? InferenceThreads::training() : InferenceThreads::shared(); }

void Network::require_no_trainer(const std::string& action) const {
  if (leased_) throw Error("ERR_BUSY", action + " must wait: a trainer is using this module; dispose of it first.");
}

void Network::require_idle(const std::string& action) const {
  require_no_trainer(action);
  const int running = gate_.count();
  if (running == 0) return;
  throw Error("ERR_BUSY", action + " must wait: " + std::to_string(running) +
                              (running == 1 ? " forward is" : " forwards are") + " in flight on this module.");
}

void Network::check_input(const std::vector<int64_t>& shape) const { resnet::check_input(shape, input_channels_); }

const ResNetImpl& Network::resnet(const std::string& action) const {
  const auto* found = module_->as<ResNetImpl>();
  if (found == nullptr) throw Error("ERR_ARGUMENT", action + " is for a ResNet, not for a single block.");
  return *found;
}

void Network::check_batch_norms(const std::vector<int64_t>& shape) const {
  for (const auto& row : trace(shape)) {
    if (row.type != "BatchNorm2D") continue;
    const auto& x = row.input_shape;
    if (x[0] * x[2] * x[3] > 1) continue;
    throw Error("ERR_SHAPE", "x of shape " + text_of(shape) + " cannot be taken in train mode: a batch norm sees " +
                                 text_of(x) + ", and needs more than one value per channel.");
  }
}

void Network::train(bool mode) {
  require_idle(mode ? "train()" : "eval()");
  module_->train(mode);
  training_ = mode;
}

void Network::to(c10::Device device) {
  require_idle("to()");
  if (device == device_) return;
  if (device.is_meta() || device_.is_meta()) {
    throw Error("ERR_DEVICE", "A network cannot be moved to or from device 'meta'; make it anew.");
  }
  const at::NoGradGuard no_grad;
  // Copies all before it replaces any: a device without room for the last one leaves the network as it was.
  std::vector<at::Tensor> moved;
  const auto tensors = state();
  for (const auto& [name, tensor] : tensors) moved.push_back(tensor.to(device));
  for (std::size_t i = 0; i < moved.size(); i++) at::Tensor(tensors[i].second).set_data(moved[i]);
  device_ = device;
}

std::vector<std::pair<std::string, at::Tensor>> Network::state() const { return state_of(*module_); }

std::vector<TraceRow> Network::trace(const std::vector<int64_t>& input_shape) const {
  check_input(input_shape);
  return resnet::trace(*module_, input_shape);
}

int64_t Network::bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : state()) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace resnet
