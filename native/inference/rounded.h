#pragma once

#include <cstdint>

namespace resnet {

/// To the nearest integer, halves to the even one, of a value between -2^22 and 2^22: std::nearbyint without the call.
/// Adding 1.5 * 2^23 leaves no bit for a fraction.
inline int32_t rounded(float value) {
  constexpr float kShift = 12582912;
  return static_cast<int32_t>((value + kShift) - kShift);
}

}  // namespace resnet
