#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace resnet {

// The article's seven layers, under the names that it and its summary tables use, on libtorch's functions.
//
// torch::nn has layers of its own; these differ in two ways. A new layer's values are unwritten (the system gives
// it no memory until then) and it draws no random number: initialize() or loading writes them. And a forward of a
// meta tensor (a shape without values) works out shapes alone, which is how a summary is traced.

/// Convolution without bias, as everywhere in the article (torch.nn.Conv2d, bias=False).
/// [N, in, H, W] -> [N, out, H', W'], H' = (H + 2 padding - kernel) / stride + 1, rounded down.
class Conv2DImpl : public torch::nn::Module {
 public:
  Conv2DImpl(int64_t in_channels, int64_t out_channels, int64_t kernel_size, int64_t stride, int64_t padding = 0);
  at::Tensor forward(const at::Tensor& x);

  at::Tensor weight;  ///< [out, in, kernel, kernel]
  int64_t stride;
  int64_t padding;

 private:
  [[nodiscard]] at::Tensor shape_of_output(const at::Tensor& x) const;
};
TORCH_MODULE(Conv2D);

/// Batch normalization per channel (torch.nn.BatchNorm2d: eps 1e-5, momentum 0.1). In train mode it normalizes
/// by the batch and moves the running statistics; needs more than one value per channel then.
class BatchNorm2DImpl : public torch::nn::Module {
 public:
  static constexpr double kEpsilon = 1e-5;
  static constexpr double kMomentum = 0.1;

  explicit BatchNorm2DImpl(int64_t num_features);
  at::Tensor forward(const at::Tensor& x);

  at::Tensor weight, bias;                                    ///< learnable, [C]
  at::Tensor running_mean, running_var, num_batches_tracked;  ///< statistics, [C], [C] and []
};
TORCH_MODULE(BatchNorm2D);

/// max(x, 0)
class ReLUImpl : public torch::nn::Module {
 public:
  ReLUImpl();
  at::Tensor forward(const at::Tensor& x);
};
TORCH_MODULE(ReLU);

/// Largest value of each window; what lies outside counts as minus infinity.
class MaxPool2DImpl : public torch::nn::Module {
 public:
  MaxPool2DImpl(int64_t kernel_size, int64_t stride, int64_t padding);
  at::Tensor forward(const at::Tensor& x);

  int64_t kernel_size, stride, padding;
};
TORCH_MODULE(MaxPool2D);

/// Mean over height and width: [N, C, H, W] -> [N, C, 1, 1] (the article's output_size=1).
class AdaptiveAvgPool2DImpl : public torch::nn::Module {
 public:
  AdaptiveAvgPool2DImpl();
  at::Tensor forward(const at::Tensor& x);
};
TORCH_MODULE(AdaptiveAvgPool2D);

/// [N, C, 1, 1] -> [N, C]
class FlattenImpl : public torch::nn::Module {
 public:
  FlattenImpl();
  at::Tensor forward(const at::Tensor& x);
};
TORCH_MODULE(Flatten);

/// x * weight^T + bias: [N, in] -> [N, out]
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in_features, int64_t out_features);
  at::Tensor forward(const at::Tensor& x);

  at::Tensor weight;  ///< [out, in], as PyTorch has it (PaddlePaddle: [in, out])
  at::Tensor bias;    ///< [out]
};
TORCH_MODULE(Linear);

}  // namespace resnet
