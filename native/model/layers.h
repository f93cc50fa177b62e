#pragma once

#include <torch/nn/pimpl.h>

#include <cstdint>

#include "model/layer.h"

namespace resnet {

// The seven layer types of the article (resnet.h), under its names, which are PaddlePaddle's; each class gives
// PyTorch's counterpart.
//
// They stand in for torch::nn's own because of two differences. A new layer is uninitialized: it draws no random
// numbers and its memory is not touched until initialize() or a weight file writes it. And forward() takes meta
// tensors, which is how a summary is traced without computing anything.

/// torch.nn.Conv2d with bias=False, square kernels.
/// [N, in, H, W] -> [N, out, H', W'], H' = (H + 2 padding - kernel) / stride + 1, rounded down; W' likewise.
class Conv2DImpl : public Layer {
 public:
  Conv2DImpl(int64_t in_channels, int64_t out_channels, int64_t kernel_size, int64_t stride, int64_t padding = 0);

  at::Tensor weight;  ///< [out, in, kernel, kernel]
  int64_t stride;
  int64_t padding;

 private:
  at::Tensor compute(const at::Tensor& x) override;
  at::Tensor compute_meta(const at::Tensor& x) override;
};
TORCH_MODULE(Conv2D);

/// torch.nn.BatchNorm2d, eps 1e-5 and momentum 0.1. In train mode it normalizes by the batch, which must have more than
/// one value per channel, and updates the running statistics. [N, C, H, W] -> the same shape.
class BatchNorm2DImpl : public Layer {
 public:
  static constexpr double kEpsilon = 1e-5;
  static constexpr double kMomentum = 0.1;

  explicit BatchNorm2DImpl(int64_t num_features);

  at::Tensor weight, bias;                                    ///< learnable, [C]
  at::Tensor running_mean, running_var, num_batches_tracked;  ///< statistics: [C], [C], int64 []

 private:
  at::Tensor compute(const at::Tensor& x) override;
  at::Tensor compute_meta(const at::Tensor& x) override { return at::empty_like(x); }
};
TORCH_MODULE(BatchNorm2D);

/// torch.nn.ReLU: max(x, 0), any shape.
class ReLUImpl : public Layer {
 public:
  ReLUImpl() : Layer("ReLU") {}

 private:
  at::Tensor compute(const at::Tensor& x) override { return at::relu(x); }
  at::Tensor compute_meta(const at::Tensor& x) override { return at::empty_like(x); }
};
TORCH_MODULE(ReLU);

/// torch.nn.MaxPool2d, square windows, padded with minus infinity. Shapes as for Conv2D, with out = in.
class MaxPool2DImpl : public Layer {
 public:
  MaxPool2DImpl(int64_t kernel_size, int64_t stride, int64_t padding);

  int64_t kernel_size, stride, padding;

 private:
  at::Tensor compute(const at::Tensor& x) override { return at::max_pool2d(x, kernel_size, stride, padding); }
};
TORCH_MODULE(MaxPool2D);

/// torch.nn.AdaptiveAvgPool2d(1), the mean over height and width. [N, C, H, W] -> [N, C, 1, 1]
class AdaptiveAvgPool2DImpl : public Layer {
 public:
  AdaptiveAvgPool2DImpl() : Layer("AdaptiveAvgPool2D") {}

 private:
  at::Tensor compute(const at::Tensor& x) override { return at::adaptive_avg_pool2d(x, {1, 1}); }
};
TORCH_MODULE(AdaptiveAvgPool2D);

/// torch.nn.Flatten. [N, C, 1, 1] -> [N, C]
class FlattenImpl : public Layer {
 public:
  FlattenImpl() : Layer("Flatten") {}

 private:
  at::Tensor compute(const at::Tensor& x) override { return at::flatten(x, 1); }
};
TORCH_MODULE(Flatten);

/// torch.nn.Linear: x weight^T + bias. [N, in] -> [N, out]
class LinearImpl : public Layer {
 public:
  LinearImpl(int64_t in_features, int64_t out_features);

  at::Tensor weight;  ///< [out, in] as in PyTorch; PaddlePaddle stores [in, out]
  at::Tensor bias;    ///< [out]

 private:
  at::Tensor compute(const at::Tensor& x) override;
  at::Tensor compute_meta(const at::Tensor& x) override;
};
TORCH_MODULE(Linear);

}  // namespace resnet
