// Sixteen lanes as one AVX-512 register, with the dot product of bf16 pairs (AVX512_BF16). Included
// only by files compiled for it.
#pragma once

#include "simd_avx512.h"

namespace bc::cpu {

struct Avx512Bf16Lanes : Avx512Lanes {};

}  // namespace bc::cpu
