#pragma once

#include "inference/kernels/kernels.h"

namespace resnet::kernels {
namespace {  // each file that includes this has a copy of its own, compiled for its instructions

/// The loop that nearly all of the inference time goes into. `Isa` provides an instruction set's registers (kVectors of
/// them hold a panel) and element type. A tile of kMaxPixels pixels by one panel fills the registers with sums: each
/// weight loaded is used for every pixel, and each value for every channel.
template <class Isa, int kPixels>
[[gnu::always_inline]] inline void tile(const ConvRow& row, int64_t first) {
  typename Isa::Sum sums[kPixels][Isa::kVectors];
#pragma GCC unroll 8
  for (int pixel = 0; pixel < kPixels; pixel++) {
#pragma GCC unroll 4
    for (int vector = 0; vector < Isa::kVectors; vector++) sums[pixel][vector] = Isa::zero();
  }
  const char* weights = row.weights;
  const char* window = row.input + first * row.input_pixel_stride;
  const int64_t pixel_stride = row.input_pixel_stride;
  for (int64_t window_row = 0; window_row < row.window_rows; window_row++, window += row.input_row_stride) {
    for (int64_t word = 0; word < row.row_words; word++, weights += Isa::kVectors * Isa::kBytes) {
      typename Isa::Weights loaded[Isa::kVectors];
      for (int vector = 0; vector < Isa::kVectors; vector++) loaded[vector] = Isa::load(weights + vector * Isa::kBytes);
#pragma GCC unroll 8
      for (int pixel = 0; pixel < kPixels; pixel++) {
        const auto value = Isa::broadcast(window + pixel * pixel_stride + word * 4);
        for (int vector = 0; vector < Isa::kVectors; vector++) {
          sums[pixel][vector] = Isa::multiply_add(value, loaded[vector], sums[pixel][vector]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int pixel = 0; pixel < kPixels; pixel++) {
    const int64_t at = (first + pixel) * row.output_stride;
#pragma GCC unroll 4
    for (int vector = 0; vector < Isa::kVectors; vector++) Isa::finish(row, at, vector, sums[pixel][vector]);
  }
}

/// A tile of `pixels` pixels, at most kPixels.
template <class Isa, int kPixels>
[[gnu::always_inline]] inline void tile_of(int64_t pixels, const ConvRow& row, int64_t first) {
  if (pixels == kPixels) {
    tile<Isa, kPixels>(row, first);
  } else if constexpr (kPixels > 1) {
    tile_of<Isa, kPixels - 1>(pixels, row, first);
  }
}

/// Covers the row with tiles of as equal a size as possible: a last tile of one pixel would load as many weights as a
/// full one.
template <class Isa>
[[gnu::always_inline]] inline void conv(const ConvRow& row) {
  const int64_t tiles = (row.pixels + Isa::kMaxPixels - 1) / Isa::kMaxPixels;
  for (int64_t i = 0; i < tiles; i++) {
    const int64_t first = row.pixels * i / tiles;
    tile_of<Isa, Isa::kMaxPixels>(row.pixels * (i + 1) / tiles - first, row, first);
  }
}

/// Numbers without a sign compare like their bits, read as the integer `Bits`, and NaN is larger than any other.
/// `kMagnitude` masks the sign, which -0 and NaN may have even after a ReLU.
template <class Bits, Bits kMagnitude>
[[gnu::always_inline]] inline void max_pool(const PoolRow& row) {
  const int64_t channels = row.channels;
  for (int64_t pixel = 0; pixel < row.pixels; pixel++) {
    Bits* __restrict output = reinterpret_cast<Bits*>(row.output) + pixel * channels;
    for (int y = 0; y < kPoolKernel; y++) {
      const auto* __restrict input =
          reinterpret_cast<const Bits*>(row.input + y * row.input_row_stride) + pixel * row.stride * channels;
      for (int64_t c = 0; c < channels; c++) {
        Bits max = y == 0 ? Bits{0} : output[c];
        for (int x = 0; x < kPoolKernel; x++) {
          const Bits magnitude = input[x * channels + c] & kMagnitude;
          max = magnitude > max ? magnitude : max;
        }
        output[c] = max;
      }
    }
  }
}

}  // namespace
}  // namespace resnet::kernels
