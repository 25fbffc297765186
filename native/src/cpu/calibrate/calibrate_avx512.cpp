// Kernels of calibrated rounding for avx512.
#if defined(__x86_64__)

#include "cpu/calibrate/calibrate_table.h"
#include "cpu/simd/simd_avx512.h"

namespace bc::cpu {

constexpr CalibrateKernels avx512_calibrate_kernels = kCalibrateTable<Avx512Lanes>;

}  // namespace bc::cpu

#endif
