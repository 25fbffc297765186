// Matrix kernels for avx2_vnni.
#if defined(__x86_64__)

#include "kernels.h"
#include "matmul_kernel.h"
#include "quantize_kernel.h"
#include "simd_avx2vnni.h"

namespace bc::cpu {

constexpr MatrixKernels avx2_vnni_matrix_kernels = {&Matmul<Avx2VnniLanes>::kernel,
                                                    &Quantize<Avx2VnniLanes>::run};

}  // namespace bc::cpu

#endif
