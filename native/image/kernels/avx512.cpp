#include <immintrin.h>

#include "image/kernels/passes.h"

namespace resnet::resizing {
namespace {

struct Avx512 {
  using Vector = __m512i;
  static constexpr int kRows = 4;
  static constexpr int kBytes = 64;

  static Vector broadcast(int value) { return _mm512_set1_epi32(value); }

  static Vector load_four(const uint8_t* const (&rows)[kRows], int64_t at) {
    return lanes([&](int row) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[row] + at)); });
  }
  static Vector load_two(const uint8_t* const (&rows)[kRows], int64_t at) {
    return lanes([&](int row) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(rows[row] + at)); });
  }
  /// R, G and B of two pixels, each channel next to its like, widened to 16 bits.
  static Vector first_pair(Vector pixels) {
    const auto order = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
    return _mm512_shuffle_epi8(pixels, _mm512_broadcast_i32x4(order));
  }
  static Vector second_pair(Vector pixels) {
    const auto order = _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    return _mm512_shuffle_epi8(pixels, _mm512_broadcast_i32x4(order));
  }
  static Vector multiply_add(Vector pairs, const int16_t* weights, Vector sum) {
    const auto pair = _mm512_set1_epi32(*reinterpret_cast<const int*>(weights));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, pair));
  }
  static Vector to_bytes(const Vector (&sums)[4], int precision) {
    const auto shift = [&](Vector sum) { return _mm512_sra_epi32(sum, _mm_cvtsi32_si128(precision)); };
    return _mm512_packus_epi16(_mm512_packs_epi32(shift(sums[0]), shift(sums[1])),
                               _mm512_packs_epi32(shift(sums[2]), shift(sums[3])));
  }
  static Vector drop_fourths(Vector pixels) {
    const auto order = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    return _mm512_shuffle_epi8(pixels, _mm512_broadcast_i32x4(order));
  }
  static void store_four(uint8_t* const (&rows)[kRows], int64_t at, Vector pixels) {
    const auto store = [&](int row, __m128i lane) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(rows[row] + at), lane);
    };
    store(0, _mm512_castsi512_si128(pixels));
    store(1, _mm512_extracti32x4_epi32(pixels, 1));
    store(2, _mm512_extracti32x4_epi32(pixels, 2));
    store(3, _mm512_extracti32x4_epi32(pixels, 3));
  }

  static Vector load(const uint8_t* at) { return _mm512_loadu_si512(at); }
  static Vector interleave_low(Vector a, Vector b) { return _mm512_unpacklo_epi8(a, b); }
  static Vector interleave_high(Vector a, Vector b) { return _mm512_unpackhi_epi8(a, b); }
  static void store(uint8_t* at, Vector bytes, int64_t count) {
    _mm512_mask_storeu_epi8(at, count < kBytes ? (__mmask64{1} << count) - 1 : ~__mmask64{0}, bytes);
  }

 private:
  template <class Load>
  static Vector lanes(const Load& load) {
    auto all = _mm512_castsi128_si512(load(0));
    all = _mm512_inserti32x4(all, load(1), 1);
    all = _mm512_inserti32x4(all, load(2), 2);
    return _mm512_inserti32x4(all, load(3), 3);
  }
};

}  // namespace

const ResizeKernels kAvx512{"AVX-512", Avx512::kRows, horizontal<Avx512>, vertical<Avx512>};

}  // namespace resnet::resizing
