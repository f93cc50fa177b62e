#include <immintrin.h>

#include "inference/kernels/tile.h"

namespace resnet::kernels {
namespace {

__m512 widen(const char* at) {
  const auto bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

struct BFloat16 {
  using Sum = __m512;
  using Weights = __m512bh;
  static constexpr int kVectors = 4;
  static constexpr int kBytes = 64;
  static constexpr int kMaxPixels = 7;

  static Sum zero() { return _mm512_setzero_ps(); }
  static Weights load(const char* at) { return (__m512bh)_mm512_loadu_si512(at); }
  static __m512bh broadcast(const char* at) { return (__m512bh)_mm512_set1_epi32(*reinterpret_cast<const int*>(at)); }
  static Sum multiply_add(__m512bh value, Weights weights, Sum sum) { return _mm512_dpbf16_ps(sum, value, weights); }

  static void finish(const ConvRow& row, int64_t at, int vector, Sum sum) {
    at += vector * 32;
    sum = _mm512_add_ps(sum, _mm512_loadu_ps(row.bias + 16 * vector));
    if (row.shortcut != nullptr) sum = _mm512_add_ps(sum, widen(row.shortcut + at));
    if (row.relu) sum = _mm512_max_ps(_mm512_setzero_ps(), sum);  // keeps NaN, which max takes from its second operand
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row.output + at), (__m256i)_mm512_cvtneps_pbh(sum));
  }
};

void sum(const SumRow& row) {
  const char* input = row.input;
  for (int64_t pixel = 0; pixel < row.pixels; pixel++, input += 2 * row.channels) {
    for (int64_t c = 0; c < row.channels; c += 16) {
      _mm512_storeu_ps(row.output + c, _mm512_add_ps(_mm512_loadu_ps(row.output + c), widen(input + 2 * c)));
    }
  }
}

bool interleave(const PlanesRow& row) {
  const auto first = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const auto last = _mm512_add_epi32(first, _mm512_set1_epi32(8));
  for (int64_t x = 0; x < row.pixels; x += 16) {
    const auto left = row.pixels - x;
    const auto mask = static_cast<__mmask16>(left < 16 ? (1 << left) - 1 : 0xFFFF);
    const auto channel = [&](int c) {
      return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, row.planes[c] + x)));
    };
    const auto low = _mm512_or_si512(channel(0), _mm512_slli_epi32(channel(1), 16));
    const auto high = channel(2);
    char* to = row.output + 8 * x;
    const auto word_mask = [&](int64_t pixels) {
      return static_cast<__mmask16>(pixels <= 0 ? 0 : pixels < 8 ? (1 << 2 * pixels) - 1 : 0xFFFF);
    };
    _mm512_mask_storeu_epi32(to, word_mask(left), _mm512_permutex2var_epi32(low, first, high));
    _mm512_mask_storeu_epi32(to + 64, word_mask(left - 8), _mm512_permutex2var_epi32(low, last, high));
  }
  return true;
}

}  // namespace

const Kernels kAvx512BFloat16{
    "AVX-512 BF16", Element::kBFloat16, conv<BFloat16>, max_pool<uint16_t, 0x7FFF>, sum, interleave, nullptr, nullptr};

}  // namespace resnet::kernels
