#include "model/resnet.h"

#include <algorithm>
#include <string>

#include "error.h"
#include "model/blocks.h"

namespace resnet {
namespace {

const Depth& depth_of(int64_t layers) {
  const auto* found =
      std::find_if(kDepths.begin(), kDepths.end(), [layers](const Depth& depth) { return depth.layers == layers; });
  if (found == kDepths.end()) {
    throw Error("ERR_UNSUPPORTED_LAYERS",
                "Supported layers are [18, 34, 50, 101, 152], but input layer is " + std::to_string(layers) + ".");
  }
  return *found;
}

std::shared_ptr<Layer> make_block(Depth::Block type, int64_t input_channels, int64_t output_channels, int64_t stride) {
  if (type == Depth::Block::kBasic) return std::make_shared<BasicBlockImpl>(input_channels, output_channels, stride);
  return std::make_shared<BottleneckBlockImpl>(input_channels, output_channels, stride);
}

}  // namespace

ResNetImpl::ResNetImpl(int64_t layers, int64_t num_classes) : Layer("ResNet") {
  const auto& depth = depth_of(layers);

  conv = register_module("conv", Conv2D(3, 64, /*kernel_size=*/7, /*stride=*/2, /*padding=*/3));
  bn = register_module("bn", BatchNorm2D(64));
  relu = register_module("relu", ReLU());
  max_pool = register_module("max_pool", MaxPool2D(/*kernel_size=*/3, /*stride=*/2, /*padding=*/1));

  residual_block = register_module("residual_block", torch::nn::Sequential());
  int64_t input_channels = 64;
  for (std::size_t i = 0; i < stages.size(); i++) {
    const auto output_channels = depth.out_channels[i];
    for (int64_t order = 0; order < depth.num_blocks[i]; order++) {
      // The first block of each stage but the first halves height and width.
      const int64_t stride = order == 0 && i != 0 ? 2 : 1;
      stages[i].push_back(make_block(depth.block_type, input_channels, output_channels, stride));
      residual_block->push_back(stages[i].back());
      input_channels = output_channels;
    }
  }

  avg_pool = register_module("avg_pool", AdaptiveAvgPool2D());
  flatten = register_module("flatten", Flatten());
  fc = register_module("fc", Linear(depth.out_channels.back(), num_classes));
}

at::Tensor ResNetImpl::compute(const at::Tensor& inputs) {
  auto x = conv->forward(inputs);
  x = bn->forward(x);
  x = relu->forward(x);
  x = max_pool->forward(x);
  x = residual_block->forward(x);
  x = avg_pool->forward(x);
  x = flatten->forward(x);
  return fc->forward(x);
}

}  // namespace resnet
