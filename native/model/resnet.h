#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/layers.h"

// "The article", here and everywhere in this project, is He Ruizhi's PaddlePaddle tutorial "ResNet" (2021). It
// reproduces He et al. 2015, "Deep Residual Learning for Image Recognition", arXiv:1512.03385. This folder keeps its
// layer names, its order and its structure; the comments name the matching class in torchvision's models/resnet.py.
namespace resnet {

/// One row of the article's `layers_config`; table 1 of He et al. 2015.
struct Depth {
  enum class Block : std::uint8_t { kBasic, kBottleneck };

  int64_t layers;
  Block block_type;
  std::array<int64_t, 4> num_blocks;    ///< by stage
  std::array<int64_t, 4> out_channels;  ///< by stage
};

inline constexpr std::array<Depth, 5> kDepths{{
    {18, Depth::Block::kBasic, {2, 2, 2, 2}, {64, 128, 256, 512}},
    {34, Depth::Block::kBasic, {3, 4, 6, 3}, {64, 128, 256, 512}},
    {50, Depth::Block::kBottleneck, {3, 4, 6, 3}, {256, 512, 1024, 2048}},
    {101, Depth::Block::kBottleneck, {3, 4, 23, 3}, {256, 512, 1024, 2048}},
    {152, Depth::Block::kBottleneck, {3, 8, 36, 3}, {256, 512, 1024, 2048}},
}};

/// The article's ResNet (section 3): torchvision.models.resnet.ResNet.
/// [N, 3, H, W] -> logits [N, num_classes]; H and W are at least 1.
class ResNetImpl : public Layer {
 public:
  /// @throws Error ERR_UNSUPPORTED_LAYERS, in the article's words, where `layers` is not in kDepths
  explicit ResNetImpl(int64_t layers, int64_t num_classes = 1000);

  Conv2D conv{nullptr};
  BatchNorm2D bn{nullptr};
  ReLU relu{nullptr};
  MaxPool2D max_pool{nullptr};
  torch::nn::Sequential residual_block{nullptr};  ///< the blocks of all stages, one after another
  AdaptiveAvgPool2D avg_pool{nullptr};
  Flatten flatten{nullptr};
  Linear fc{nullptr};

  /// The blocks of `residual_block` by stage: torchvision's layer1 to layer4, conv2_x to conv5_x of He et al. 2015.
  /// Not registered, so that the state dict has the article's flat names.
  std::array<std::vector<std::shared_ptr<Layer>>, 4> stages;

 private:
  at::Tensor compute(const at::Tensor& inputs) override;
};
TORCH_MODULE(ResNet);

}  // namespace resnet
