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

/// A block or ResNet with its device, its mode and the rules that keep it whole while several threads use it:
/// forwards in eval mode run side by side, those in train mode one at a time in the order of their start, and nothing
/// changes under them.
class Network {
 public:
  /// The values are unwritten: initialize or load them, on the CPU, then move.
  /// @param meta shapes alone, for summaries and counts: such a network never gets values
  explicit Network(const Spec& spec, bool meta = false);

  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  void initialize(uint64_t seed);

  /// Work on a network that is queued or runs: while one is alive the network is busy.
  class InFlight {
   public:
    explicit InFlight(std::shared_ptr<Network> network) : network_(std::move(network)), ticket_(network_->gate_) {}

    [[nodiscard]] Network& network() const { return *network_; }

    /// @param x float32 [N, C, H, W] on the CPU, or another floating dtype, which is converted
    /// @param observer is told of each layer, where there is one
    /// @returns float32 on the CPU, contiguous
    /// @throws Error ERR_SHAPE, ERR_DEVICE; ERR_ABORTED where `interrupt` was set or the process is ending
    at::Tensor forward(const at::Tensor& x, const Interrupt& interrupt, Observer* observer = nullptr) const;

    /// In train mode, until what was started before has ended: forwards there move the running statistics.
    void await_turn() const;

   private:
    std::shared_ptr<Network> network_;
    FifoGate::Ticket ticket_;
  };

  /// @throws Error ERR_BUSY, naming `action`, while forwards are in flight
  void require_idle(const std::string& action) const;

  /// @throws Error ERR_SHAPE where `shape` is no [N, C, H, W] that this network takes
  void check_input(const std::vector<int64_t>& shape) const;

  /// @throws Error ERR_ARGUMENT, naming `action`, where it is a block
  [[nodiscard]] const ResNetImpl& resnet(const std::string& action = "optimize()") const;

  void train(bool mode);
  [[nodiscard]] bool training() const { return module_->is_training(); }

  void to(c10::Device device);
  [[nodiscard]] c10::Device device() const { return device_; }

  [[nodiscard]] std::vector<std::pair<std::string, at::Tensor>> state() const;
  [[nodiscard]] std::vector<TraceRow> trace(const std::vector<int64_t>& input_shape) const;

  /// Size of the parameters and statistics.
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
