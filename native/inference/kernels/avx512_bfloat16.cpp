#include <immintrin.h>

#include "inference/kernels/tile.h"

namespace resnet::kernels {
namespace {

__m512 widened(const char* at) {
  const auto bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

struct BFloat16 {
  using Sum = __m512;
  using Weights = __m512bh;
  static constexpr int kVectors = 4;
  static constexpr int kBytes = 64;
  static constexpr int kMostPixels = 7;

  static Sum zero() { return _mm512_setzero_ps(); }
  static Weights load(const char* at) { return (__m512bh)_mm512_loadu_si512(at); }
  static __m512bh broadcast(const char* at) { return (__m512bh)_mm512_set1_epi32(*reinterpret_cast<const int*>(at)); }
  static Sum multiply_add(__m512bh value, Weights weights, Sum sum) { return _mm512_dpbf16_ps(sum, value, weights); }

  static void finish(const ConvRow& row, int64_t at, int vector, Sum sum) {
    at += vector * 32;
    sum = _mm512_add_ps(sum, _mm512_loadu_ps(row.bias + 16 * vector));
    if (row.shortcut != nullptr) sum = _mm512_add_ps(sum, widened(row.shortcut + at));
    if (row.relu) sum = _mm512_max_ps(sum, _mm512_setzero_ps());
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row.output + at), (__m256i)_mm512_cvtneps_pbh(sum));
  }
};

void sum(const SumRow& row) {
  const char* input = row.input;
  for (int64_t pixel = 0; pixel < row.pixels; pixel++, input += 2 * row.channels) {
    for (int64_t c = 0; c < row.channels; c += 16) {
      _mm512_storeu_ps(row.output + c, _mm512_add_ps(_mm512_loadu_ps(row.output + c), widened(input + 2 * c)));
    }
  }
}

}  // namespace

const Kernels kAvx512BFloat16{"AVX-512 BF16", Element::kBFloat16, conv<BFloat16>, max_pool<uint16_t>, sum, nullptr,
                              nullptr};

}  // namespace resnet::kernels
