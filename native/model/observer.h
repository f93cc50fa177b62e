#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

namespace resnet {

/// Told of each layer and block of a forward, after it ran and in the order of execution. What it throws ends
/// the forward, so an observer can trace a network as well as interrupt it.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void ran(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output) = 0;
};

/// Observes the forwards of this thread while it lives, beside those that did so before.
class Observing {
 public:
  explicit Observing(Observer& observer);
  ~Observing();
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;

 private:
  friend at::Tensor notify_observers(const torch::nn::Module& layer, const at::Tensor& input, at::Tensor output);

  Observer& observer_;
  const Observing* previous_;
};

/// What a layer's forward returns through: tells this thread's observers, the latest first, and passes `output` on.
at::Tensor notify_observers(const torch::nn::Module& layer, const at::Tensor& input, at::Tensor output);

}  // namespace resnet
