#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <array>
#include <cstdint>

#include "model/layers.h"

namespace resnet {

/// One row of the article's layers_config.
struct Depth {
  enum class Block : std::uint8_t { kBasic, kBottleneck };

  int64_t layers;
  Block block_type;
  std::array<int64_t, 4> num_blocks;
  std::array<int64_t, 4> out_channels;
};

inline constexpr std::array<Depth, 5> kDepths{{
    {18, Depth::Block::kBasic, {2, 2, 2, 2}, {64, 128, 256, 512}},
    {34, Depth::Block::kBasic, {3, 4, 6, 3}, {64, 128, 256, 512}},
    {50, Depth::Block::kBottleneck, {3, 4, 6, 3}, {256, 512, 1024, 2048}},
    {101, Depth::Block::kBottleneck, {3, 4, 23, 3}, {256, 512, 1024, 2048}},
    {152, Depth::Block::kBottleneck, {3, 8, 36, 3}, {256, 512, 1024, 2048}},
}};

/// The article's ResNet (section 3). [N, 3, H, W] -> [N, num_classes]; any H and W from 1 up.
class ResNetImpl : public torch::nn::Module {
 public:
  /// @throws Error ERR_UNSUPPORTED_LAYERS, in the article's words, where `layers` is not in kDepths
  explicit ResNetImpl(int64_t layers, int64_t num_classes = 1000);
  at::Tensor forward(at::Tensor x);

  Conv2D conv{nullptr};
  BatchNorm2D bn{nullptr};
  ReLU relu{nullptr};
  MaxPool2D max_pool{nullptr};
  torch::nn::Sequential residual_block{nullptr};
  AdaptiveAvgPool2D avg_pool{nullptr};
  Flatten flatten{nullptr};
  Linear fc{nullptr};
};
TORCH_MODULE(ResNet);

}  // namespace resnet
