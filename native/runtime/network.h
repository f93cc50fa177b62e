#pragma once

#include <ATen/ATen.h>
#include <c10/core/Device.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "model/layer.h"
#include "model/observer.h"
#include "model/trace.h"
#include "runtime/fifo_gate.h"
#include "runtime/inference_threads.h"
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

  /// Exclusive use for training: while it exists, everything that would change the network is ERR_BUSY, and its
  /// forwards belong on queue(), between the steps.
  class Lease {
   public:
    /// @throws Error ERR_BUSY if the network is leased already or work is in flight
    explicit Lease(Network& network);
    ~Lease() { network_.leased_ = false; }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    /// In eval mode between steps.
    [[nodiscard]] Layer& module() const { return *network_.module_; }
    /// To be locked where a step writes what state() returns.
    [[nodiscard]] std::mutex& state_mutex() const { return network_.state_mutex_; }

   private:
    Network& network_;
  };

  /// @throws Error ERR_BUSY, naming `action`, while work is in flight or a trainer has the network
  void require_idle(const std::string& action) const;
  /// @throws Error ERR_BUSY, naming `action`, while a trainer has the network
  void require_no_trainer(const std::string& action) const;

  /// The threads that forwards of this network run on: those of training while it is leased.
  [[nodiscard]] InferenceThreads& queue() const;

  /// To be locked where another thread than queue()'s reads the values of state().
  [[nodiscard]] std::mutex& state_mutex() const { return state_mutex_; }

  /// @throws Error ERR_SHAPE unless `shape` is a [N, C, H, W] that this network takes
  void check_input(const std::vector<int64_t>& shape) const;
  /// @throws Error ERR_SHAPE if a batch norm in train mode would see a single value per channel
  void check_batch_norms(const std::vector<int64_t>& shape) const;

  /// The network as a ResNet.
  /// @param action what needs one, for the message
  /// @throws Error ERR_ARGUMENT if it is a block
  [[nodiscard]] const ResNetImpl& resnet(const std::string& action) const;

  /// @throws Error ERR_BUSY
  void train(bool mode);
  [[nodiscard]] bool training() const { return training_; }

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

  std::shared_ptr<Layer> module_;
  int64_t input_channels_;
  c10::Device device_;
  FifoGate gate_;
  std::atomic<bool> training_{false};  ///< the module's own flag changes during a trainer's step
  std::atomic<bool> leased_{false};
  mutable std::mutex state_mutex_;
};

}  // namespace resnet
