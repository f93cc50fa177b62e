#include <immintrin.h>

#include "inference/kernels/tile.h"

namespace resnet::kernels {
namespace {

/// Keeps NaN: max returns the second operand if either is NaN.
__m512 relu(__m512 value) { return _mm512_max_ps(_mm512_setzero_ps(), value); }

struct Float32 {
  using Sum = __m512;
  using Weights = __m512;
  static constexpr int kVectors = 4;
  static constexpr int kBytes = 64;
  static constexpr int kMaxPixels = 7;

  static Sum zero() { return _mm512_setzero_ps(); }
  static Weights load(const char* at) { return _mm512_loadu_ps(at); }
  static __m512 broadcast(const char* at) { return _mm512_set1_ps(*reinterpret_cast<const float*>(at)); }
  static Sum multiply_add(__m512 value, Weights weights, Sum sum) { return _mm512_fmadd_ps(value, weights, sum); }

  static void finish(const ConvRow& row, int64_t at, int vector, Sum sum) {
    sum = _mm512_add_ps(sum, _mm512_loadu_ps(row.bias + 16 * vector));
    if (row.shortcut != nullptr) sum = _mm512_add_ps(sum, _mm512_loadu_ps(row.shortcut + at + vector * kBytes));
    if (row.relu) sum = relu(sum);
    _mm512_storeu_ps(row.output + at + vector * kBytes, sum);
  }
};

void sum(const SumRow& row) {
  const auto* input = reinterpret_cast<const float*>(row.input);
  float* __restrict output = row.output;
  for (int64_t pixel = 0; pixel < row.pixels; pixel++, input += row.channels) {
    for (int64_t c = 0; c < row.channels; c++) output[c] += input[c];
  }
}

void winograd_input(const WinogradInput& tile) {
  for (int64_t c = 0; c < tile.channels; c += 16) {
    __m512 rows[4][4];
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      const auto d0 = _mm512_loadu_ps(tile.pixels[0][x] + c);
      const auto d1 = _mm512_loadu_ps(tile.pixels[1][x] + c);
      const auto d2 = _mm512_loadu_ps(tile.pixels[2][x] + c);
      const auto d3 = _mm512_loadu_ps(tile.pixels[3][x] + c);
      rows[0][x] = _mm512_sub_ps(d0, d2);
      rows[1][x] = _mm512_add_ps(d1, d2);
      rows[2][x] = _mm512_sub_ps(d2, d1);
      rows[3][x] = _mm512_sub_ps(d1, d3);
    }
#pragma GCC unroll 4
    for (int y = 0; y < 4; y++) {
      float* to = tile.output + c + 4 * y * tile.output_stride;
      _mm512_storeu_ps(to, _mm512_sub_ps(rows[y][0], rows[y][2]));
      _mm512_storeu_ps(to + tile.output_stride, _mm512_add_ps(rows[y][1], rows[y][2]));
      _mm512_storeu_ps(to + 2 * tile.output_stride, _mm512_sub_ps(rows[y][2], rows[y][1]));
      _mm512_storeu_ps(to + 3 * tile.output_stride, _mm512_sub_ps(rows[y][1], rows[y][3]));
    }
  }
}

void winograd_output(const WinogradOutput& tile) {
  for (int64_t c = 0; c < kPanel; c += 16) {
    __m512 rows[2][4];
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      const auto product = [&](int y) {
        return _mm512_loadu_ps(tile.products + (4 * y + x) * tile.products_stride + c);
      };
      const auto middle = product(1);
      const auto lower = product(2);
      rows[0][x] = _mm512_add_ps(_mm512_add_ps(product(0), middle), lower);
      rows[1][x] = _mm512_sub_ps(_mm512_sub_ps(middle, lower), product(3));
    }
    const auto bias = _mm512_loadu_ps(tile.bias + c);
#pragma GCC unroll 2
    for (int y = 0; y < 2; y++) {
      const __m512 sums[2]{_mm512_add_ps(_mm512_add_ps(rows[y][0], rows[y][1]), rows[y][2]),
                           _mm512_sub_ps(_mm512_sub_ps(rows[y][1], rows[y][2]), rows[y][3])};
#pragma GCC unroll 2
      for (int x = 0; x < 2; x++) {
        if (tile.outputs[y][x] == nullptr) continue;
        auto value = _mm512_add_ps(sums[x], bias);
        if (tile.shortcuts[y][x] != nullptr) value = _mm512_add_ps(value, _mm512_loadu_ps(tile.shortcuts[y][x] + c));
        if (tile.relu) value = relu(value);
        _mm512_storeu_ps(tile.outputs[y][x] + c, value);
      }
    }
  }
}

}  // namespace

const Kernels kAvx512Float32{"AVX-512", Element::kFloat32, conv<Float32>,  max_pool<uint32_t, 0x7FFFFFFF>,
                             sum,       nullptr,           winograd_input, winograd_output};

}  // namespace resnet::kernels
