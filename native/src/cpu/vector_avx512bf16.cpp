// Vector kernels for avx512_bf16.
#if defined(__x86_64__)

#include "cpu/simd/simd_avx512bf16.h"
#include "cpu/vector_table.h"

namespace bc::cpu {

constexpr VectorKernels avx512_bf16_vector_kernels = kVectorTable<Avx512Bf16Lanes>;

}  // namespace bc::cpu

#endif
