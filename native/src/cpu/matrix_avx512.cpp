// Matrix kernels for avx512.
#if defined(__x86_64__)

#include "kernels.h"
#include "matmul_kernel.h"
#include "quantize_kernel.h"
#include "simd_avx512.h"

namespace bc::cpu {

constexpr MatrixKernels avx512_matrix_kernels = {&Matmul<Avx512Lanes>::kernel,
                                                 &Quantize<Avx512Lanes>::run};

}  // namespace bc::cpu

#endif
