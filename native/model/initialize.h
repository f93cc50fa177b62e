#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace resnet {

/// Initializes all parameters and statistics of a new network as torchvision's ResNet does: convolutions by Kaiming
/// normal (fan out, ReLU), batch norms with weight 1, bias 0, running mean 0 and variance 1, Linear by PyTorch's
/// default, uniform in +-1/sqrt(in).
///
/// Draws from its own CPU generator, layer by layer in order of registration. The same seed always gives the same
/// values, and libtorch's global generator is not used.
void initialize(torch::nn::Module& network, uint64_t seed);

}  // namespace resnet
