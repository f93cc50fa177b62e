#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace resnet {

/// Writes every value of a new network as torchvision's ResNet does: convolutions Kaiming normal (fan out, ReLU),
/// batch norms 1 and 0 with running statistics 0 and 1, Linear by PyTorch's default, uniform in +-1/sqrt(in).
///
/// Draws from a CPU generator of its own, in order of registration: the same seed gives the same values on every
/// machine state, and the global generator stays as it was.
void initialize(torch::nn::Module& network, uint64_t seed);

}  // namespace resnet
