#pragma once

#include <c10/core/Device.h>

#include <string>

namespace resnet {

/// Parses 'cpu', 'cuda' (the same as 'cuda:0'), 'cuda:N' or 'meta', and makes sure that the device can be used.
///
/// @throws Error ERR_DEVICE if the name is malformed; ERR_CUDA_VARIANT, ERR_CUDA_LIBRARY, ERR_CUDA_DRIVER or
///         ERR_CUDA_INDEX if it is a CUDA device that is not available
c10::Device device_named(const std::string& name);

}  // namespace resnet
