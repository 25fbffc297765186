#include "vector_kernels.h"

namespace bc::cpu {

const VectorKernels& vector_kernels(Isa isa) {
  static const VectorKernels scalar = scalar_vector_kernels();
#if defined(__x86_64__)
  static const VectorKernels avx2 = avx2_vector_kernels();
  static const VectorKernels avx512 = avx512_vector_kernels();
  if (isa == Isa::avx512) return avx512;
  if (isa == Isa::avx2) return avx2;
#endif
  static_cast<void>(isa);
  return scalar;
}

const VectorKernels& vector_kernels() { return vector_kernels(isa()); }

}  // namespace bc::cpu
