// Kernels of calibrated rounding for scalar.
#include "cpu/calibrate/calibrate_table.h"
#include "cpu/simd/simd_scalar.h"

namespace bc::cpu {

constexpr CalibrateKernels scalar_calibrate_kernels = kCalibrateTable<ScalarLanes>;

}  // namespace bc::cpu
