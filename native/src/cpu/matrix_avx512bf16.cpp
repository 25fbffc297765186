// Matrix kernels for avx512_bf16.
#if defined(__x86_64__)

#include "kernels.h"
#include "matmul_kernel.h"
#include "quantize_kernel.h"
#include "simd_avx512bf16.h"

namespace bc::cpu {

constexpr MatrixKernels avx512_bf16_matrix_kernels = {&Matmul<Avx512Bf16Lanes>::kernel,
                                                      &Quantize<Avx512Bf16Lanes>::run};

}  // namespace bc::cpu

#endif
