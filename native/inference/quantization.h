#pragma once

#include <cstdint>

namespace resnet {

/// The smallest and the largest number that a value of a plan takes.
struct Range {
  float min = 0, max = 0;
};

/// Affine quantization to uint8, per tensor, as torch.quantize_per_tensor: number = (element - zero_point) * scale.
struct QuantParams {
  float scale = 1;
  int32_t zero_point = 0;
};

}  // namespace resnet
