// The most that the device gives, measured in the same run as the kernels that are compared with it.
#pragma once

#include "check.h"
#include "cuda/device.h"

namespace bc::bench {

struct Ceilings {
  double bytes_per_second;  // a large copy on the device, read and written
  double flops_per_second;  // mma.sync on bf16 (peak_mma.cu)
  int64_t l2_bytes;

  // Seconds that the work takes at least.
  double bound(double bytes, double flops) const {
    const double memory = bytes / bytes_per_second;
    const double tensor = flops / flops_per_second;
    return memory > tensor ? memory : tensor;
  }
  bool memory_bound(double bytes, double flops) const {
    return bytes / bytes_per_second >= flops / flops_per_second;
  }
};

Ceilings measure_ceilings(cuda::Device& device, test::Check& check);

}  // namespace bc::bench
