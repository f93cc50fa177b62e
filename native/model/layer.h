#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <string>

namespace resnet {

/// Base of every layer, block and network: a torch::nn::Module whose subclasses write `compute`, which reads like a
/// PyTorch forward(). What all of them share is in forward(): meta tensors and observers (observer.h).
class Layer : public torch::nn::Module {
 public:
  /// Runs the layer, then notifies this thread's observers.
  /// @param x may be a meta tensor, which has a shape and no values; the result is then one too, and no parameter is
  /// read
  at::Tensor forward(const at::Tensor& x);

 protected:
  explicit Layer(const std::string& name) : Module(name) {}

 private:
  virtual at::Tensor compute(const at::Tensor& x) = 0;

  /// The result for a meta tensor. To be overridden where `compute` uses parameters, which are never meta tensors, or
  /// a libtorch function that does not take them.
  virtual at::Tensor compute_meta(const at::Tensor& x) { return compute(x); }
};

}  // namespace resnet
