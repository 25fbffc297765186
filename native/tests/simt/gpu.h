// The emulated GPU of cuda/device.h, for tests.
#pragma once

#include <cstdint>

namespace simt {

// Bytes of memory that the GPU has; 1 GiB unless a test changes it.
int64_t& gpu_memory();

}  // namespace simt
