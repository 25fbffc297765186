// Matrix kernels for avx512_bf16.
#if defined(__x86_64__)

#include "cpu/matmul/matmul_kernel.h"
#include "cpu/matmul/matrix_kernels.h"
#include "cpu/quantize_kernel.h"
#include "cpu/simd/simd_avx512bf16.h"

namespace bc::cpu {

constexpr MatrixKernels avx512_bf16_matrix_kernels = {&Matmul<Avx512Bf16Lanes>::kernel,
                                                      &Quantize<Avx512Bf16Lanes>::run};

}  // namespace bc::cpu

#endif
