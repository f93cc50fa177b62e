#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

#include "model/layers.h"

namespace resnet {

// The two residual blocks of the article (resnet.h), section 3, and of He et al. 2015, figure 5. Members have the
// article's names and are registered in its order; the state dict follows from both.

/// The block of ResNet-18 and ResNet-34, two 3x3 convolutions: torchvision.models.resnet.BasicBlock.
/// [N, input_channels, H, W] -> [N, output_channels, ceil(H / stride), ceil(W / stride)]
class BasicBlockImpl : public Layer {
 public:
  /// @param stride of the first convolution
  BasicBlockImpl(int64_t input_channels, int64_t output_channels, int64_t stride);

  torch::nn::Sequential conv_bn_block1{nullptr}, conv_bn_block2{nullptr};
  torch::nn::Sequential down_sample_block{nullptr};  ///< null where the shortcut is the identity
  ReLU relu_out{nullptr};

 private:
  at::Tensor compute(const at::Tensor& inputs) override;
};
TORCH_MODULE(BasicBlock);

/// The block of ResNet-50, -101 and -152: 1x1 to a quarter of the output channels (rounded down), 3x3, and 1x1 back up.
/// torchvision.models.resnet.Bottleneck, which likewise has the stride in the 3x3 convolution. Shapes as for
/// BasicBlock.
class BottleneckBlockImpl : public Layer {
 public:
  /// @param stride of the 3x3 convolution
  BottleneckBlockImpl(int64_t input_channels, int64_t output_channels, int64_t stride);

  torch::nn::Sequential conv_bn_block1{nullptr}, conv_bn_block2{nullptr}, conv_bn_block3{nullptr};
  torch::nn::Sequential down_sample_block{nullptr};  ///< null where the shortcut is the identity
  ReLU relu_out{nullptr};

 private:
  at::Tensor compute(const at::Tensor& inputs) override;
};
TORCH_MODULE(BottleneckBlock);

}  // namespace resnet
