#include "model/resnet.h"

#include <algorithm>
#include <string>

#include "error.h"
#include "model/blocks.h"
#include "model/observer.h"

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

}  // namespace

ResNetImpl::ResNetImpl(int64_t layers, int64_t num_classes) : Module("ResNet") {
  const auto& depth = depth_of(layers);

  conv = register_module("conv", Conv2D(3, 64, /*kernel_size=*/7, /*stride=*/2, /*padding=*/3));
  bn = register_module("bn", BatchNorm2D(64));
  relu = register_module("relu", ReLU());
  max_pool = register_module("max_pool", MaxPool2D(/*kernel_size=*/3, /*stride=*/2, /*padding=*/1));

  residual_block = torch::nn::Sequential();
  int64_t input_channels = 64;
  for (std::size_t i = 0; i < depth.num_blocks.size(); i++) {
    for (int64_t order = 0; order < depth.num_blocks[i]; order++) {
      // The first block of each stage but the first halves the map.
      const int64_t stride = order == 0 && i != 0 ? 2 : 1;
      if (depth.block_type == Depth::Block::kBasic) {
        residual_block->push_back(BasicBlock(input_channels, depth.out_channels[i], stride));
      } else {
        residual_block->push_back(BottleneckBlock(input_channels, depth.out_channels[i], stride));
      }
      input_channels = depth.out_channels[i];
    }
  }
  register_module("residual_block", residual_block);

  avg_pool = register_module("avg_pool", AdaptiveAvgPool2D());
  flatten = register_module("flatten", Flatten());
  fc = register_module("fc", Linear(depth.out_channels.back(), num_classes));
}

at::Tensor ResNetImpl::forward(at::Tensor x) {
  const auto inputs = x;
  x = conv->forward(x);
  x = bn->forward(x);
  x = relu->forward(x);
  x = max_pool->forward(x);
  x = residual_block->forward(x);
  x = avg_pool->forward(x);
  x = flatten->forward(x);
  x = fc->forward(x);
  return notify_observers(*this, inputs, x);
}

}  // namespace resnet
