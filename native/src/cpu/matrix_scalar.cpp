// Matrix kernels for scalar.
#include "kernels.h"
#include "matmul_kernel.h"
#include "quantize_kernel.h"
#include "simd_scalar.h"

namespace bc::cpu {

constexpr MatrixKernels scalar_matrix_kernels = {&Matmul<ScalarLanes>::kernel,
                                                 &Quantize<ScalarLanes>::run};

}  // namespace bc::cpu
