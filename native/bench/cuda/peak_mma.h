// The most that mma.sync gives, which is the ceiling of kernels that use it.
#pragma once

#include <cstdint>

#include "check.h"

namespace bc::bench {

constexpr int kPeakThreads = 256;
constexpr int kPeakChains = 8;  // independent sums in a warp

constexpr double peak_mma_flops(int64_t blocks, int64_t steps) {
  return 2.0 * 16 * 8 * 16 * kPeakChains * (kPeakThreads / 32.0) * static_cast<double>(blocks) *
         static_cast<double>(steps);
}

// out [blocks,kPeakThreads]: what each thread summed.
void peak_mma(float* out, int64_t blocks, int64_t steps, void* stream);
// Compares `out` of one block with the same sums on the host, which are exact.
void check_peak_mma(test::Check& check, const float* out, int64_t steps);

}  // namespace bc::bench
