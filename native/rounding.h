#pragma once

#include <cstdint>

// Not for kernels/, whose files must share no inline function with the rest (kernels.h says why).
namespace resnet {

/// value / divisor, rounded up; value >= 0, divisor > 0.
constexpr int64_t ceil_div(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }

/// The smallest multiple of `multiple` that is not less than `value`.
constexpr int64_t round_up(int64_t value, int64_t multiple) { return ceil_div(value, multiple) * multiple; }

/// To the nearest integer, ties to even, for values between -2^22 and 2^22: std::nearbyint without the call.
/// Adding 1.5 * 2^23 leaves no bits for a fraction.
inline int32_t round_half_even(float value) {
  constexpr float kShift = 12582912;
  return static_cast<int32_t>((value + kShift) - kShift);
}

}  // namespace resnet
