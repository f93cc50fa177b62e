#pragma once

#include "inference/kernels/kernels.h"

namespace resnet {

/// Operations per second (a multiply-add counts as two) of the convolution kernel on a matrix product whose operands
/// fit into a core's own cache, on as many threads as a forward of the calling thread would have: an upper bound for
/// what a network can reach on this machine. Takes about `seconds`.
double measure_peak(const kernels::Kernels& kernels, double seconds);

}  // namespace resnet
