// Matrix kernels for avx2_vnni.
#if defined(__x86_64__)

#include "cpu/matmul/matmul_kernel.h"
#include "cpu/matmul/matrix_kernels.h"
#include "cpu/quantize_kernel.h"
#include "cpu/simd/simd_avx2vnni.h"

namespace bc::cpu {

constexpr MatrixKernels avx2_vnni_matrix_kernels = {&Matmul<Avx2VnniLanes>::kernel,
                                                    &Quantize<Avx2VnniLanes>::run};

}  // namespace bc::cpu

#endif
