#include <immintrin.h>

#include "inference/kernels/tile.h"

namespace resnet::kernels {
namespace {

__m512 widen(const char* at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))));
}

/// Quiet NaN, infinity, minus infinity and signaling NaN: bits of vfpclassps.
constexpr int kNotFinite = 0x01 | 0x08 | 0x10 | 0x80;

/// uint8 values, int8 weights, int32 sums.
struct UInt8 {
  using Sum = __m512i;
  using Weights = __m512i;
  static constexpr int kVectors = 4;
  static constexpr int kBytes = 64;
  static constexpr int kMaxPixels = 6;

  static Sum zero() { return _mm512_setzero_si512(); }
  static Weights load(const char* at) { return _mm512_loadu_si512(at); }
  static __m512i broadcast(const char* at) { return _mm512_set1_epi32(*reinterpret_cast<const int*>(at)); }
  static Sum multiply_add(__m512i value, Weights weights, Sum sum) {
    // As _mm512_dpbusd_epi32, around which g++ 12 copies the sum through memory.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(value), "v"(weights));
    return sum;
  }

  static void finish(const ConvRow& row, int64_t at, int vector, Sum integers) {
    at += vector * 16;
    auto sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(integers), _mm512_loadu_ps(row.scale + 16 * vector),
                               _mm512_loadu_ps(row.bias + 16 * vector));
    if (row.shortcut != nullptr) {
      sum = _mm512_fmadd_ps(widen(row.shortcut + at), _mm512_set1_ps(row.shortcut_scale), sum);
    }
    // Unsigned conversion saturates: what is too large becomes the largest integer, and so 255. NaN becomes 0.
    const auto rounded = _mm512_cvtps_epu32(_mm512_max_ps(sum, _mm512_setzero_ps()));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(row.output + at), _mm512_cvtusepi32_epi8(rounded));
  }
};

void sum(const SumRow& row) {
  const char* input = row.input;
  for (int64_t pixel = 0; pixel < row.pixels; pixel++, input += row.channels) {
    for (int64_t c = 0; c < row.channels; c += 16) {
      _mm512_storeu_ps(row.output + c, _mm512_add_ps(_mm512_loadu_ps(row.output + c), widen(input + c)));
    }
  }
}

bool interleave(const PlanesRow& row) {
  const auto scale = _mm512_set1_ps(row.scale);
  const auto zero_point = _mm512_set1_ps(row.zero_point);
  __mmask16 not_finite = 0;
  for (int64_t x = 0; x < row.pixels; x += 16) {
    const auto left = row.pixels - x;
    const auto mask = static_cast<__mmask16>(left < 16 ? (1 << left) - 1 : 0xFFFF);
    const auto channel = [&](int c) {
      const auto value = _mm512_maskz_loadu_ps(mask, row.planes[c] + x);
      not_finite = _kor_mask16(not_finite, _mm512_fpclass_ps_mask(value, kNotFinite));
      const auto element = _mm512_add_ps(_mm512_div_ps(value, scale), zero_point);
      // NaN becomes 0 in this order of operands: max returns the second one if either is NaN.
      const auto non_negative = _mm512_max_ps(element, _mm512_setzero_ps());
      return _mm512_cvtps_epu32(_mm512_min_ps(non_negative, _mm512_set1_ps(255)));
    };
    auto pixels = _mm512_slli_epi32(_mm512_cvtps_epu32(zero_point), 24);
    for (int c = 0; c < 3; c++) pixels = _mm512_or_si512(pixels, _mm512_slli_epi32(channel(c), 8 * c));
    _mm512_mask_storeu_epi32(row.output + 4 * x, mask, pixels);
  }
  return not_finite == 0;
}

}  // namespace

const Kernels kAvx512UInt8{"AVX-512 VNNI", Element::kUInt8, conv<UInt8>, max_pool<uint8_t, 0xFF>, sum,
                           interleave,     nullptr,         nullptr};

}  // namespace resnet::kernels
