#pragma once

#include <ATen/core/Tensor.h>

namespace resnet {

/// An uninitialized tensor on the CPU for large and long-lived data: weights and workspaces.
///
/// From kMinMappedBytes up it is mapped directly and unmapped when it is freed. malloc would place it between the
/// short-lived maps of forwards and then keep the gaps: 45 MB after the first forward of a ResNet-18, and more with
/// every network loaded after it.
/// @param shape with no negative dimension
/// @throws Error ERR_OUT_OF_MEMORY if a control group allows less
/// @throws c10::Error where the system has no more memory
at::Tensor allocate_persistent(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat);

/// The bytes that this process has requested from allocate_persistent() so far; for tests.
int64_t persistent_bytes();

/// In bytes: where malloc starts to map blocks, too, until it has freed a large one and raises its threshold.
inline constexpr int64_t kMinMappedBytes = int64_t{1} << 17;

}  // namespace resnet
