// Vector kernels for avx512.
#if defined(__x86_64__)

#include "cpu/simd/simd_avx512.h"
#include "cpu/vector_table.h"

namespace bc::cpu {

constexpr VectorKernels avx512_vector_kernels = kVectorTable<Avx512Lanes>;

}  // namespace bc::cpu

#endif
