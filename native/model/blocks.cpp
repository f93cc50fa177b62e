#include "model/blocks.h"

namespace resnet {
namespace {

/// Whether the residual path changes the shape, so that the shortcut must too.
bool needs_down_sampling(int64_t input_channels, int64_t output_channels, int64_t stride) {
  return stride != 1 || input_channels != output_channels;
}

/// The projection shortcut, option B of He et al. 2015: a 1x1 convolution and batch norm.
torch::nn::Sequential down_sample(int64_t input_channels, int64_t output_channels, int64_t stride) {
  return torch::nn::Sequential(Conv2D(input_channels, output_channels, /*kernel_size=*/1, stride),
                               BatchNorm2D(output_channels));
}

}  // namespace

BasicBlockImpl::BasicBlockImpl(int64_t input_channels, int64_t output_channels, int64_t stride) : Layer("BasicBlock") {
  conv_bn_block1 = register_module(
      "conv_bn_block1",
      torch::nn::Sequential(Conv2D(input_channels, output_channels, /*kernel_size=*/3, stride, /*padding=*/1),
                            BatchNorm2D(output_channels), ReLU()));
  conv_bn_block2 = register_module(
      "conv_bn_block2",
      torch::nn::Sequential(Conv2D(output_channels, output_channels, /*kernel_size=*/3, /*stride=*/1, /*padding=*/1),
                            BatchNorm2D(output_channels)));
  if (needs_down_sampling(input_channels, output_channels, stride)) {
    down_sample_block = register_module("down_sample_block", down_sample(input_channels, output_channels, stride));
  }
  relu_out = register_module("relu_out", ReLU());
}

at::Tensor BasicBlockImpl::compute(const at::Tensor& inputs) {
  auto x = conv_bn_block1->forward(inputs);
  x = conv_bn_block2->forward(x);
  const auto shortcut = down_sample_block.is_empty() ? inputs : down_sample_block->forward(inputs);
  return relu_out->forward(at::add(shortcut, x));
}

BottleneckBlockImpl::BottleneckBlockImpl(int64_t input_channels, int64_t output_channels, int64_t stride)
    : Layer("BottleneckBlock") {
  const auto width = output_channels / 4;
  conv_bn_block1 = register_module("conv_bn_block1",
                                   torch::nn::Sequential(Conv2D(input_channels, width, /*kernel_size=*/1, /*stride=*/1),
                                                         BatchNorm2D(width), ReLU()));
  conv_bn_block2 = register_module("conv_bn_block2",
                                   torch::nn::Sequential(Conv2D(width, width, /*kernel_size=*/3, stride, /*padding=*/1),
                                                         BatchNorm2D(width), ReLU()));
  conv_bn_block3 = register_module(
      "conv_bn_block3", torch::nn::Sequential(Conv2D(width, output_channels, /*kernel_size=*/1, /*stride=*/1),
                                              BatchNorm2D(output_channels)));
  if (needs_down_sampling(input_channels, output_channels, stride)) {
    down_sample_block = register_module("down_sample_block", down_sample(input_channels, output_channels, stride));
  }
  relu_out = register_module("relu_out", ReLU());
}

at::Tensor BottleneckBlockImpl::compute(const at::Tensor& inputs) {
  auto x = conv_bn_block1->forward(inputs);
  x = conv_bn_block2->forward(x);
  x = conv_bn_block3->forward(x);
  const auto shortcut = down_sample_block.is_empty() ? inputs : down_sample_block->forward(inputs);
  return relu_out->forward(at::add(shortcut, x));
}

}  // namespace resnet
