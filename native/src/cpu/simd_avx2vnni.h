// Sixteen lanes as two AVX2 registers, with the dot product of bytes in one instruction (AVX-VNNI).
// Included only by files compiled for it.
#pragma once

#include "simd_avx2.h"

namespace bc::cpu {

struct Avx2VnniLanes : Avx2Lanes {
  static constexpr int32_t q8_offset = 128;

  static I dot4(I acc, I w, const int8_t* a) {
    const __m256i q = broadcast4(a);
    return {_mm256_dpbusd_avx_epi32(acc.a, w.a, q), _mm256_dpbusd_avx_epi32(acc.b, w.b, q)};
  }
  static I dot8(I acc, I w, const int8_t* a) { return dot4(acc, w, a); }
};

}  // namespace bc::cpu
