// Vector kernels for scalar.
#include "cpu/simd/simd_scalar.h"
#include "cpu/vector_table.h"

namespace bc::cpu {

constexpr VectorKernels scalar_vector_kernels = kVectorTable<ScalarLanes>;

}  // namespace bc::cpu
