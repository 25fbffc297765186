// The emulated GPU of cuda/device.h, for tests.
#pragma once

#include <cstdint>

namespace simt {

// Bytes of memory that the GPU has; 1 GiB unless a test changes it.
int64_t& gpu_memory();

// Its compute capability, for devices opened from here on: what the environment says in
// BC_SIMT_CAPABILITY, or 80, unless a test changes it. 90 has more shared memory.
int& gpu_capability();

}  // namespace simt
