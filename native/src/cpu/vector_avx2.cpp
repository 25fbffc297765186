// Vector kernels for avx2.
#if defined(__x86_64__)

#include "cpu/simd/simd_avx2.h"
#include "cpu/vector_table.h"

namespace bc::cpu {

constexpr VectorKernels avx2_vector_kernels = kVectorTable<Avx2Lanes>;

}  // namespace bc::cpu

#endif
