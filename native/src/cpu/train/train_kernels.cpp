#include "cpu/train/train_kernels.h"

namespace bc::cpu {

const TrainKernels& train_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512_bf16) return avx512_bf16_train_kernels;
  if (isa == Isa::avx512) return avx512_train_kernels;
  if (isa == Isa::avx2_vnni || isa == Isa::avx2) return avx2_train_kernels;
#else
  static_cast<void>(isa);
#endif
  return scalar_train_kernels;
}

const TrainKernels& train_kernels() { return train_kernels(isa()); }

}  // namespace bc::cpu
