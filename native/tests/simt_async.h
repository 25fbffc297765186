// What the tests of bulk copies, mbarriers and proxies share.
#pragma once

#include "cuda/stages_sm90.cuh"
#include "simt_test.h"

namespace bc::test {

// Of messages.
constexpr const char* kLanding = "has not been waited for";
constexpr const char* kNothing = "nothing was written there";
constexpr const char* kRace = "race: ";

// One barrier at the start of shared memory, of one arrival a phase.
__device__ __forceinline__ Shared<uint64_t> one_barrier() {
  Shared<uint64_t> barrier = shared_memory<uint64_t>();
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(barrier, 1);
    ptx::fence_mbarrier_init();
  }
  __syncthreads();
  return barrier;
}

}  // namespace bc::test
