// Which generation of kernels a device runs: those of sm_90a on every sm_90, those of sm_80 elsewhere,
// on later generations too. BC_GPU_KERNELS=sm_80 chooses the latter everywhere, to compare them. And
// whether it lets kernels start before those ahead have ended.
#pragma once

#include <cstdlib>
#include <cstring>

#include "error.h"

namespace bc::cuda {

// Fails with BC_DEVICE when the environment names no generation, or one that the device cannot run.
inline bool use_hopper_kernels(int capability) {
  const bool can = capability == 90;  // sm_90a: later generations do not have its instructions
  const char* wish = std::getenv("BC_GPU_KERNELS");
  if (wish == nullptr || *wish == '\0') return can;
  if (std::strcmp(wish, "sm_80") == 0) return false;
  if (std::strcmp(wish, "sm_90a") != 0)
    fail(BC_DEVICE, "environment: BC_GPU_KERNELS has value %s, expected sm_80 or sm_90a", wish);
  if (!can) {
    fail(
        BC_DEVICE,
        "environment: BC_GPU_KERNELS has value sm_90a, but the device has compute capability %d.%d",
        capability / 10, capability % 10);
  }
  return true;
}

// Programmatic launches came with compute capability 9.0. Steps can be recorded with them from CUDA
// 12.3 on: that of the runtime that is linked, and that of the driver that is installed, which may be
// older than it.
constexpr bool can_start_early(int capability, int runtime, int driver) {
  constexpr int kRecords = 12030;
  return capability >= 90 && runtime >= kRecords && driver >= kRecords;
}

// The current device's. device.cpp, tests/simt/gpu.cpp
bool starts_early();

}  // namespace bc::cuda
