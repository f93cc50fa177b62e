#pragma once

#include "inference/kernels/kernels.h"

namespace resnet {

/// Operations per second (a multiply-add is two) that this machine's kernel reaches on a matrix product whose operands
/// stay in a core's own cache, on as many threads as a forward of the calling thread has: what a network could reach
/// at best. Takes about `seconds`.
double measured_peak(const kernels::Kernels& kernels, double seconds);

}  // namespace resnet
