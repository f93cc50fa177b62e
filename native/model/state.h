#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <string>
#include <utility>
#include <vector>

namespace resnet {

/// The network's state in the order of torch's state_dict: layer by layer as registered, parameters before
/// buffers. Names are the article's members with torch's leaf names, e.g. residual_block.0.conv_bn_block1.0.weight.
/// The tensors are the network's own, not copies.
std::vector<std::pair<std::string, at::Tensor>> state_of(const torch::nn::Module& network);

}  // namespace resnet
