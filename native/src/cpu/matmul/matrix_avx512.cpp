// Matrix kernels for avx512.
#if defined(__x86_64__)

#include "cpu/matmul/matmul_kernel.h"
#include "cpu/matmul/matrix_kernels.h"
#include "cpu/quantize_kernel.h"
#include "cpu/simd/simd_avx512.h"

namespace bc::cpu {

constexpr MatrixKernels avx512_matrix_kernels = {&Matmul<Avx512Lanes>::kernel,
                                                 &Quantize<Avx512Lanes>::run};

}  // namespace bc::cpu

#endif
