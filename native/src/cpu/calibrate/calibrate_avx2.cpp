// Kernels of calibrated rounding for avx2.
#if defined(__x86_64__)

#include "cpu/calibrate/calibrate_table.h"
#include "cpu/simd/simd_avx2.h"

namespace bc::cpu {

constexpr CalibrateKernels avx2_calibrate_kernels = kCalibrateTable<Avx2Lanes>;

}  // namespace bc::cpu

#endif
