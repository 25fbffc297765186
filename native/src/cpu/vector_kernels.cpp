#include "cpu/vector_kernels.h"

namespace bc::cpu {

const VectorKernels& vector_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512_bf16) return avx512_bf16_vector_kernels;
  if (isa == Isa::avx512) return avx512_vector_kernels;
  if (isa == Isa::avx2_vnni || isa == Isa::avx2) return avx2_vector_kernels;
#else
  static_cast<void>(isa);
#endif
  return scalar_vector_kernels;
}

const VectorKernels& vector_kernels() { return vector_kernels(isa()); }

}  // namespace bc::cpu
