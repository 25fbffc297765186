// The kernels of one instruction set, for its lanes V: each calibrate_*.cpp has one such table, and no more.
#pragma once

#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/calibrate/round_weights_kernel.h"
#include "cpu/calibrate/solve_kernel.h"

namespace bc::cpu {

// In the order of the fields.
template <class V>
constexpr CalibrateKernels kCalibrateTable = {&TileProducts<V>::template add<float>, &Solve<V>::run,
                                              &RoundWeights<V>::run};

}  // namespace bc::cpu
