// Which instruction sets the kernels may use on this processor.
#pragma once

#include <string>

namespace bc::cpu {

// avx2 means AVX2, FMA and F16C; avx2_vnni AVX-VNNI as well; avx512 means F, BW, VL, DQ and VNNI;
// avx512_bf16 BF16 as well.
enum class Isa { scalar, avx2, avx2_vnni, avx512, avx512_bf16 };
constexpr Isa kIsas[] = {Isa::scalar, Isa::avx2, Isa::avx2_vnni, Isa::avx512, Isa::avx512_bf16};

bool has(Isa isa);

// The best set that this processor has.
Isa best_isa();

// The best set, or the one that the environment variable BC_ISA named at the first call.
Isa isa();

// Says what is wrong with BC_ISA; empty if nothing is.
const std::string& isa_error();

const char* name_of(Isa isa);

}  // namespace bc::cpu
