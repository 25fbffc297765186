// Which instruction sets the kernels may use on this processor.
#pragma once

namespace bc::cpu {

enum class Isa { scalar = 0, avx2 = 1, avx512 = 2 };

// The best that this processor has: avx512 means F, BW, VL, DQ, VNNI; avx2 means AVX2, FMA and
// F16C.
Isa best_isa();

// The best, lowered by the environment variable BC_ISA (avx512, avx2, scalar) as it was at the
// first call.
Isa isa();

const char* name_of(Isa isa);

}  // namespace bc::cpu
