#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

namespace resnet {

/// Sees every layer, block and network that finishes a forward, in the order of execution: PyTorch's global forward
/// hook (torch.nn.modules.module.register_module_forward_hook). An exception that it throws ends the forward, so an
/// observer can record a network as well as interrupt it.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_forward(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output) = 0;
};

/// Registers an observer for the forwards of the calling thread, for as long as the guard lives. Guards nest.
class ObserverGuard {
 public:
  explicit ObserverGuard(Observer& observer);
  ~ObserverGuard();
  ObserverGuard(const ObserverGuard&) = delete;
  ObserverGuard& operator=(const ObserverGuard&) = delete;

 private:
  friend void notify_observers(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output);

  Observer& observer_;
  const ObserverGuard* outer_;
};

/// Notifies this thread's observers, the innermost guard's first. Called only by Layer::forward.
void notify_observers(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output);

}  // namespace resnet
