#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

#include "model/layers.h"

namespace resnet {

// The residual blocks of the article (section 3) and of He et al. 2015, figure 5. Members, their names and
// their order of registration are the article's.

/// The residual block of ResNet-18 and -34: two 3x3 convolutions.
/// [N, input_channels, H, W] -> [N, output_channels, ceil(H / stride), ceil(W / stride)]
class BasicBlockImpl : public torch::nn::Module {
 public:
  /// @param stride of the first convolution; 2 halves the map
  BasicBlockImpl(int64_t input_channels, int64_t output_channels, int64_t stride);
  at::Tensor forward(const at::Tensor& inputs);

  torch::nn::Sequential conv_bn_block1{nullptr}, conv_bn_block2{nullptr};
  torch::nn::Sequential down_sample_block{nullptr};  ///< null where the shortcut is the identity
  ReLU relu_out{nullptr};
};
TORCH_MODULE(BasicBlock);

/// The residual block of ResNet-50, -101 and -152: 1x1 to a quarter of the channels (rounded down), 3x3, and 1x1
/// back up. Shapes as for BasicBlock.
class BottleneckBlockImpl : public torch::nn::Module {
 public:
  /// @param stride of the 3x3 convolution; 2 halves the map
  BottleneckBlockImpl(int64_t input_channels, int64_t output_channels, int64_t stride);
  at::Tensor forward(const at::Tensor& inputs);

  torch::nn::Sequential conv_bn_block1{nullptr}, conv_bn_block2{nullptr}, conv_bn_block3{nullptr};
  torch::nn::Sequential down_sample_block{nullptr};  ///< null where the shortcut is the identity
  ReLU relu_out{nullptr};
};
TORCH_MODULE(BottleneckBlock);

}  // namespace resnet
