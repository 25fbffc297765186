// Matrix kernels for scalar.
#include "cpu/matmul/matmul_kernel.h"
#include "cpu/matmul/matrix_kernels.h"
#include "cpu/quantize_kernel.h"
#include "cpu/simd/simd_scalar.h"

namespace bc::cpu {

constexpr MatrixKernels scalar_matrix_kernels = {&Matmul<ScalarLanes>::kernel,
                                                 &Quantize<ScalarLanes>::run};

}  // namespace bc::cpu
