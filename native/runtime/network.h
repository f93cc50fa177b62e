#pragma once

#include <ATen/ATen.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "model/layer.h"
#include "model/observer.h"
#include "model/trace.h"
#include "runtime/fifo_gate.h"
#include "runtime/interrupt.h"

namespace resnet {

class ResNetImpl;

struct BlockSpec {
  enum class Type : std::uint8_t { kBasic, kBottleneck };
  Type type;
  int64_t input_channels, output_channels, stride;
};

struct ResNetSpec {
  int64_t layers, num_classes;
};

using Spec = std::variant<BlockSpec, ResNetSpec>;

/// A block or ResNet with its device and mode, safe to use from several threads: forwards in eval mode run
/// concurrently, forwards in train mode one at a time in the order of their start, and nothing may change while they
/// run.
class Network {
 public:
  /// Creates the network on the CPU, uninitialized: initialize or load it, then move it.
  /// @param meta for shapes only, as summaries and counts need them; such a network never gets values
  explicit Network(const Spec& spec, bool meta = false);

  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// As resnet::initialize (model/initialize.h).
  void initialize(uint64_t seed);

  /// Queued or running work on a network, which is busy (require_idle) as long as one exists.
  class InFlight {
   public:
    explicit InFlight(std::shared_ptr<Network> network) : network_(std::move(network)), ticket_(network_->gate_) {}

    [[nodiscard]] Network& network() const { return *network_; }

    /// @param x [N, C, H, W] on the CPU, of any floating dtype; converted to float32
    /// @param observer of the forward's layers, optional
    /// @returns float32 on the CPU, contiguous
    /// @throws Error ERR_SHAPE, ERR_DEVICE; ERR_ABORTED if `interrupt` is set or the process is ending
    at::Tensor forward(const at::Tensor& x, const Interrupt& interrupt, Observer* observer = nullptr) const;

    /// In train mode, blocks until all work that was started earlier has ended, because forwards update the running
    /// statistics then.
    void await_turn() const;

   private:
    std::shared_ptr<Network> network_;
    FifoGate::Ticket ticket_;
  };

  /// @throws Error ERR_BUSY, naming `action`, while work is in flight
  void require_idle(const std::string& action) const;

  /// @throws Error ERR_SHAPE unless `shape` is a [N, C, H, W] that this network takes
  void check_input(const std::vector<int64_t>& shape) const;

  /// The network as a ResNet.
  /// @param action what needs one, for the message
  /// @throws Error ERR_ARGUMENT if it is a block
  [[nodiscard]] const ResNetImpl& resnet(const std::string& action) const;

  /// @throws Error ERR_BUSY
  void train(bool mode);
  [[nodiscard]] bool training() const { return module_->is_training(); }

  /// Moves parameters and statistics; on failure they stay where they were.
  /// @throws Error ERR_BUSY; ERR_DEVICE for meta
  void to(c10::Device device);
  [[nodiscard]] c10::Device device() const { return device_; }

  /// As state_of (model/state.h).
  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> state() const;
  /// As resnet::trace (model/trace.h).
  /// @throws Error ERR_SHAPE
  [[nodiscard]] std::vector<TraceRow> trace(const std::vector<int64_t>& input_shape) const;

  /// Memory of the parameters and statistics.
  [[nodiscard]] int64_t bytes() const;

 private:
  at::Tensor forward(const at::Tensor& x, const Interrupt& interrupt, Observer* observer);
  void check_batch_norms(const std::vector<int64_t>& shape) const;

  std::shared_ptr<Layer> module_;
  int64_t input_channels_;
  c10::Device device_;
  FifoGate gate_;
};

}  // namespace resnet
