#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace resnet {

/// Initializes all parameters and statistics of a new network as torchvision's ResNet does: convolutions by Kaiming
/// normal (fan out, ReLU), batch norms with weight 1, bias 0, running mean 0 and variance 1, Linear by PyTorch's
/// default, uniform in +-1/sqrt(in).
///
/// Draws from a CPU generator of its own, layer by layer in order of registration: the same seed gives the same values
/// whatever the process did before, and libtorch's global generator is left alone.
void initialize(torch::nn::Module& network, uint64_t seed);

}  // namespace resnet
