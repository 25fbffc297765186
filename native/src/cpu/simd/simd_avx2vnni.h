// Sixteen lanes as two AVX2 registers, with the dot product of bytes in one instruction (AVX-VNNI).
// Included only by files compiled for it.
#pragma once

#include "cpu/simd/simd_avx2.h"

namespace bc::cpu {

struct Avx2VnniLanes : Avx2Lanes {
  static constexpr bool wide = true;
  static constexpr bool signed_bytes = false;

  static I dot_nibbles(I sum, I w, __m256i x) {
    return {_mm256_dpbusd_avx_epi32(sum.a, w.a, x), _mm256_dpbusd_avx_epi32(sum.b, w.b, x)};
  }
  static I total(I sum) { return sum; }
  static I code_bytes(I w) { return w; }
  static I less_offset(I w, int offset) {
    const __m256i o = _mm256_set1_epi8(static_cast<char>(128 - offset));
    return {_mm256_add_epi8(w.a, o), _mm256_add_epi8(w.b, o)};
  }
  static I bytes_start(const uint8_t* minus_sum) {
    const __m256i s = _mm256_slli_epi32(broadcast4(minus_sum), 7);
    return {s, s};
  }
  static I dot_bytes(I sum, I w, __m256i x) { return dot_nibbles(sum, w, x); }
  static I offset_bytes(I zero) {
    const __m256i base = _mm256_set1_epi32(128);
    const __m256i each = _mm256_set1_epi32(0x01010101);
    return {_mm256_mullo_epi32(_mm256_sub_epi32(base, zero.a), each),
            _mm256_mullo_epi32(_mm256_sub_epi32(base, zero.b), each)};
  }
  static I eight_plus(I w, I offset) {
    return {_mm256_add_epi8(_mm256_slli_epi16(w.a, 3), offset.a),
            _mm256_add_epi8(_mm256_slli_epi16(w.b, 3), offset.b)};
  }
};

}  // namespace bc::cpu
