// The emulated GPU of cuda/device.h, for tests.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simt {

// Bytes of memory that the GPU has; 1 GiB unless a test changes it.
int64_t& gpu_memory();

// Its compute capability, for launches and for devices opened from here on: what the environment says
// in BC_SIMT_CAPABILITY, or 80, unless a test changes it.
int& gpu_capability();

// Bytes of shared memory that a block may have.
size_t shared_memory_of(int capability);

}  // namespace simt
