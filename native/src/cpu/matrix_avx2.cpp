// Matrix kernels for avx2.
#if defined(__x86_64__)

#include "kernels.h"
#include "matmul_kernel.h"
#include "quantize_kernel.h"
#include "simd_avx2.h"

namespace bc::cpu {

constexpr MatrixKernels avx2_matrix_kernels = {&Matmul<Avx2Lanes>::kernel,
                                               &Quantize<Avx2Lanes>::run};

}  // namespace bc::cpu

#endif
