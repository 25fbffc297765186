// Matrix kernels for avx2.
#if defined(__x86_64__)

#include "cpu/matmul/matmul_kernel.h"
#include "cpu/matmul/matrix_kernels.h"
#include "cpu/quantize_kernel.h"
#include "cpu/simd/simd_avx2.h"

namespace bc::cpu {

constexpr MatrixKernels avx2_matrix_kernels = {&Matmul<Avx2Lanes>::kernel,
                                               &Quantize<Avx2Lanes>::run};

}  // namespace bc::cpu

#endif
