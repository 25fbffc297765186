#include "cpu/calibrate/calibrate_kernels.h"

namespace bc::cpu {

const CalibrateKernels& calibrate_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512_bf16 || isa == Isa::avx512) return avx512_calibrate_kernels;
  if (isa == Isa::avx2_vnni || isa == Isa::avx2) return avx2_calibrate_kernels;
#else
  static_cast<void>(isa);
#endif
  return scalar_calibrate_kernels;
}

const CalibrateKernels& calibrate_kernels() { return calibrate_kernels(isa()); }

}  // namespace bc::cpu
