// Sixteen lanes as one AVX-512 register, with the dot product of bf16 pairs (AVX512_BF16). Included
// only by files compiled for it.
#pragma once

#include "simd_avx512.h"

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
};

}  // namespace bc::cpu
