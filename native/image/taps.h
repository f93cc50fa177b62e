#pragma once

#include <cstdint>
#include <vector>

namespace resnet {

enum class Interpolation : std::uint8_t { kBilinear, kBicubic };

/// A height or a width that is resized, and the part of the result that is computed.
struct ResizedAxis {
  int64_t input, output;  ///< lengths, pixels
  int64_t first, count;   ///< of the output's pixels
};

/// What each output pixel of one axis is made of, in fixed point: output i is the sum over t < size of
/// weights[i][t] * input[starts[i] + t], plus a half, shifted right by `precision` and clamped to 8 bits.
struct Taps {
  int64_t size;  ///< of each window, even. Windows end within the input, unless it is shorter than `size`.
  int precision;
  int64_t count;
  // For kernels that take several pixels at a time, there are up to three more of these, with weights of 0.
  std::vector<int64_t> starts;   ///< [count], nondecreasing
  std::vector<int16_t> weights;  ///< [count][size]
};

/// The antialiasing filters of Pillow and libtorch (bicubic with a = -0.5), with the very weights and precision that
/// at::_upsample_bilinear2d_aa and at::_upsample_bicubic2d_aa use for 8-bit images.
Taps antialiasing_taps(const ResizedAxis& axis, Interpolation interpolation);

}  // namespace resnet
