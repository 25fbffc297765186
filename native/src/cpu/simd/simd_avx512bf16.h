// Sixteen lanes as one AVX-512 register, with the dot product of bf16 pairs (AVX512_BF16). Included
// only by files compiled for it.
#pragma once

#include "cpu/simd/simd_avx512.h"

namespace bc::cpu {

struct Avx512Bf16Lanes : Avx512Lanes {
  static constexpr bool pairs = true;

  static __m512bh load_pairs(const bf16* p) {
    return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p));
  }
  static __m512bh load_pairs(const bf16* p, int64_t n) {
    return reinterpret_cast<__m512bh>(
        _mm512_maskz_loadu_epi16(static_cast<__mmask32>((uint64_t{1} << n) - 1), p));
  }
  static F dot_pairs(F sum, __m512bh a, __m512bh b) { return _mm512_dpbf16_ps(sum, a, b); }

  // For products of tiles (tile_products.h): a pair in all lanes, and sixteen pairs of two vectors.
  static __m512bh broadcast_pair(const bf16* p) {
    return reinterpret_cast<__m512bh>(broadcast_int(reinterpret_cast<const uint8_t*>(p)));
  }
  static void store_pairs(bf16* p, F first, F second) {
    const auto bits = [](F x) {
      return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
    };
    _mm512_storeu_si512(p, _mm512_or_si512(bits(first), _mm512_slli_epi32(bits(second), 16)));
  }
  // Rounds to nearest even; subnormal numbers become 0, as dot_pairs takes them.
  static void store_rounded(bf16* p, F a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a)));
  }

  // For attention: words of two bf16 (attention_words.h).
  using Pairs = __m512bh;
  static Pairs as_pairs(F words) { return reinterpret_cast<Pairs>(words); }
  static Pairs first_of_pairs(Pairs words) {
    return reinterpret_cast<Pairs>(
        _mm512_and_si512(reinterpret_cast<__m512i>(words), _mm512_set1_epi32(0xffff)));
  }
  static Pairs second_of_pairs(Pairs words) {
    return reinterpret_cast<Pairs>(
        _mm512_andnot_si512(_mm512_set1_epi32(0xffff), reinterpret_cast<__m512i>(words)));
  }
  // Rounds to nearest even; subnormal numbers become 0, as dot_pairs takes them.
  static void store_rounded(float* words, F a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(words),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a)));
  }
  // n elements, a multiple of 8 up to 32, as words; zeros follow.
  static F neighbours(const bf16* p, int64_t n) {
    return reinterpret_cast<F>(n == 32 ? load_pairs(p) : load_pairs(p, n));
  }
  static F neighbours(const int8_t* p, int64_t n) {
    const __m256i bytes =
        n == 32 ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))
                : _mm256_maskz_loadu_epi8(static_cast<__mmask32>((uint64_t{1} << n) - 1), p);
    const __m512i x = _mm512_cvtepi8_epi16(bytes);
    return whole_pairs(_mm512_srai_epi32(_mm512_slli_epi32(x, 16), 16), _mm512_srai_epi32(x, 16));
  }
  // Words, each of one element of either row, for 16 columns.
  static F interleaved(const bf16* low, const bf16* high) {
    const __m512i a =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(low)));
    const __m512i b =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(high)));
    return _mm512_castsi512_ps(_mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
  }
  // The first n lanes, the others 0.
  template <class E>
  static F interleaved(const E* low, const E* high, int64_t n) {
    E padded[2][16] = {};
    __builtin_memcpy(static_cast<void*>(padded[0]), low, static_cast<size_t>(n) * sizeof(E));
    __builtin_memcpy(static_cast<void*>(padded[1]), high, static_cast<size_t>(n) * sizeof(E));
    return interleaved(padded[0], padded[1]);
  }
  static F interleaved(const int8_t* low, const int8_t* high) {
    return whole_pairs(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(high))));
  }
  // bf16 holds whole numbers up to 256 exactly, in the upper half of their f32.
  static F whole_pairs(I low, I high) {
    const __m512i a = _mm512_castps_si512(_mm512_cvtepi32_ps(low));
    const __m512i b = _mm512_castps_si512(_mm512_cvtepi32_ps(high));
    return _mm512_castsi512_ps(_mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(a, 16), b));
  }
};

}  // namespace bc::cpu
