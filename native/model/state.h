#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <string>
#include <utility>
#include <vector>

namespace resnet {

/// The state dict, in PyTorch's order: layer by layer as registered, parameters before buffers. Names are the
/// article's members followed by PyTorch's leaf names, e.g. residual_block.0.conv_bn_block1.0.weight. The tensors
/// share memory with the network.
std::vector<std::pair<std::string, at::Tensor>> state_of(const torch::nn::Module& network);

}  // namespace resnet
