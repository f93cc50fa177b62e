#pragma once

#include <ATen/core/Tensor.h>

namespace resnet {

/// A tensor on the CPU, not written yet, for what is large and stays: weights, the memory of a plan.
///
/// From kOwnPages bytes up it lies in pages of its own, which go back to the system when it is freed. From malloc it
/// would lie between the maps of a forward, which come and go, and what is free around it stays with the process:
/// 45 MB after the first forward of a ResNet-18, and more with every network that is loaded after it.
/// @param shape not negative
/// @throws Error ERR_OUT_OF_MEMORY where a control group allows less
/// @throws c10::Error where the system has no more
at::Tensor allocate_persistent(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat);

/// Bytes that allocate_persistent() was asked for so far, by the whole process; for tests.
int64_t persistent_bytes();

/// Less is not worth a mapping. In bytes; malloc's own line, until the first large block that is freed moves it.
inline constexpr int64_t kOwnPages = int64_t{1} << 17;

}  // namespace resnet
