#pragma once

#include "image/kernels/kernels.h"

namespace resnet::resizing {
namespace {  // each including file has a copy of its own, compiled for its instructions

// `Isa` brings an instruction set's registers, as lanes of 128 bits that no instruction here crosses. In the
// horizontal pass each lane is a row of its own; in the vertical pass the lanes are neighbors in one row.

/// A pixel of each row, as 32-bit channels R, G, B and 0: `sum` plus the pixels from `at` on times their weights.
template <class Isa>
[[gnu::always_inline]] inline auto weighted_sum(const uint8_t* const (&inputs)[Isa::kRows], int64_t at,
                                                const int16_t* weights, int64_t taps, typename Isa::Vector sum) {
  int64_t t = 0;
  for (; t + 4 <= taps; t += 4) {
    const auto four = Isa::load_four(inputs, at + 3 * t);
    sum = Isa::multiply_add(Isa::first_pair(four), weights + t, sum);
    sum = Isa::multiply_add(Isa::second_pair(four), weights + t + 2, sum);
  }
  if (t < taps) sum = Isa::multiply_add(Isa::first_pair(Isa::load_two(inputs, at + 3 * t)), weights + t, sum);
  return sum;
}

template <class Isa>
void horizontal(const HorizontalPass& pass) {
  const uint8_t* inputs[Isa::kRows];
  uint8_t* outputs[Isa::kRows];
  for (int row = 0; row < Isa::kRows; row++) {
    inputs[row] = pass.inputs[row];
    outputs[row] = pass.outputs[row];
  }
  const auto half = Isa::broadcast(1 << (pass.precision - 1));
  const int16_t* weights = pass.weights;
  for (int64_t x = 0; x < pass.pixels; x += kPixels) {
    typename Isa::Vector sums[kPixels];
#pragma GCC unroll 4
    for (int pixel = 0; pixel < kPixels; pixel++, weights += pass.taps) {
      sums[pixel] = weighted_sum<Isa>(inputs, 3 * pass.starts[x + pixel], weights, pass.taps, half);
    }
    Isa::store_four(outputs, 3 * x, Isa::drop_fourths(Isa::to_bytes(sums, pass.precision)));
  }
}

template <class Isa>
void vertical(const VerticalPass& pass) {
  const auto half = Isa::broadcast(1 << (pass.precision - 1));
  for (int64_t x = 0; x < pass.bytes; x += Isa::kBytes) {
    typename Isa::Vector sums[4]{half, half, half, half};
    for (int64_t t = 0; t < pass.taps; t += 2) {
      const auto upper = Isa::load(pass.inputs[t] + x);
      const auto lower = Isa::load(pass.inputs[t + 1] + x);
      const auto left = Isa::interleave_low(upper, lower);
      const auto right = Isa::interleave_high(upper, lower);
      const auto zero = Isa::broadcast(0);
      sums[0] = Isa::multiply_add(Isa::interleave_low(left, zero), pass.weights + t, sums[0]);
      sums[1] = Isa::multiply_add(Isa::interleave_high(left, zero), pass.weights + t, sums[1]);
      sums[2] = Isa::multiply_add(Isa::interleave_low(right, zero), pass.weights + t, sums[2]);
      sums[3] = Isa::multiply_add(Isa::interleave_high(right, zero), pass.weights + t, sums[3]);
    }
    Isa::store(pass.output + x, Isa::to_bytes(sums, pass.precision), pass.bytes - x);
  }
}

}  // namespace
}  // namespace resnet::resizing
