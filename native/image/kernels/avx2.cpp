#include <immintrin.h>

#include "image/kernels/passes.h"

namespace resnet::resizing {
namespace {

struct Avx2 {
  using Vector = __m256i;
  static constexpr int kRows = 2;
  static constexpr int kBytes = 32;

  static Vector broadcast(int value) { return _mm256_set1_epi32(value); }

  static Vector load_four(const uint8_t* const (&rows)[kRows], int64_t at) {
    const auto load = [&](int row) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[row] + at)); };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load(0)), load(1), 1);
  }
  static Vector load_two(const uint8_t* const (&rows)[kRows], int64_t at) {
    const auto load = [&](int row) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(rows[row] + at)); };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load(0)), load(1), 1);
  }
  /// R, G and B of two pixels, each channel next to its like, widened to 16 bits.
  static Vector first_pair(Vector pixels) {
    const auto order = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
    return _mm256_shuffle_epi8(pixels, _mm256_broadcastsi128_si256(order));
  }
  static Vector second_pair(Vector pixels) {
    const auto order = _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    return _mm256_shuffle_epi8(pixels, _mm256_broadcastsi128_si256(order));
  }
  static Vector multiply_add(Vector pairs, const int16_t* weights, Vector sum) {
    const auto pair = _mm256_set1_epi32(*reinterpret_cast<const int*>(weights));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, pair));
  }
  static Vector to_bytes(const Vector (&sums)[4], int precision) {
    const auto shift = [&](Vector sum) { return _mm256_sra_epi32(sum, _mm_cvtsi32_si128(precision)); };
    return _mm256_packus_epi16(_mm256_packs_epi32(shift(sums[0]), shift(sums[1])),
                               _mm256_packs_epi32(shift(sums[2]), shift(sums[3])));
  }
  static Vector drop_fourths(Vector pixels) {
    const auto order = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    return _mm256_shuffle_epi8(pixels, _mm256_broadcastsi128_si256(order));
  }
  static void store_four(uint8_t* const (&rows)[kRows], int64_t at, Vector pixels) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rows[0] + at), _mm256_castsi256_si128(pixels));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rows[1] + at), _mm256_extracti128_si256(pixels, 1));
  }

  static Vector load(const uint8_t* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
  static Vector interleave_low(Vector a, Vector b) { return _mm256_unpacklo_epi8(a, b); }
  static Vector interleave_high(Vector a, Vector b) { return _mm256_unpackhi_epi8(a, b); }
  static void store(uint8_t* at, Vector bytes, int64_t count) {
    if (count >= kBytes) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), bytes);
    } else {
      alignas(32) uint8_t last[kBytes];
      _mm256_store_si256(reinterpret_cast<__m256i*>(last), bytes);
      __builtin_memcpy(at, last, static_cast<size_t>(count));
    }
  }
};

}  // namespace

const ResizeKernels kAvx2{"AVX2", Avx2::kRows, horizontal<Avx2>, vertical<Avx2>};

}  // namespace resnet::resizing
