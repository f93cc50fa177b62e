#pragma once

#include <c10/core/Device.h>

#include <string>

namespace resnet {

/// 'cpu', 'cuda', 'cuda:N' or 'meta' as a device that can be used now; 'cuda' is 'cuda:0'.
///
/// @throws Error ERR_DEVICE where the name is malformed; ERR_CUDA_VARIANT, ERR_CUDA_LIBRARY, ERR_CUDA_DRIVER or
///         ERR_CUDA_INDEX where CUDA is asked for and not to be had
c10::Device device_named(const std::string& name);

}  // namespace resnet
