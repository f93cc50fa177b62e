#include <immintrin.h>

#include "inference/kernels/tile.h"

namespace resnet::kernels {
namespace {

struct Float32 {
  using Sum = __m512;
  using Weights = __m512;
  static constexpr int kVectors = 4;
  static constexpr int kBytes = 64;
  static constexpr int kMostPixels = 7;

  static Sum zero() { return _mm512_setzero_ps(); }
  static Weights load(const char* at) { return _mm512_loadu_ps(at); }
  static __m512 broadcast(const char* at) { return _mm512_set1_ps(*reinterpret_cast<const float*>(at)); }
  static Sum multiply_add(__m512 value, Weights weights, Sum sum) { return _mm512_fmadd_ps(value, weights, sum); }

  static void finish(const ConvRow& row, int64_t at, int vector, Sum sum) {
    sum = _mm512_add_ps(sum, _mm512_loadu_ps(row.bias + 16 * vector));
    if (row.shortcut != nullptr) sum = _mm512_add_ps(sum, _mm512_loadu_ps(row.shortcut + at + vector * kBytes));
    if (row.relu) sum = _mm512_max_ps(sum, _mm512_setzero_ps());
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

}  // namespace

const Kernels kAvx512Float32{"AVX-512", Element::kFloat32, conv<Float32>, max_pool<int32_t>, sum};

}  // namespace resnet::kernels
