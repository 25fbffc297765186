// Stages in shared memory between warps that fill them and warps that use them, round and round. A
// stage has an mbarrier whose phase ends when it is full, and one whose phase ends when it is empty.
#pragma once

#include "cuda/ptx/sm90.cuh"

namespace bc::cuda {

// Where a role is. parity: of the phase that ends the filling of the stage; its use before had the
// other one.
template <int kStages>
struct StageTurn {
  int stage = 0;
  uint32_t parity = 0;

  __device__ __forceinline__ void next() {
    if (++stage < kStages) return;
    stage = 0;
    parity ^= 1;
  }
};

// Until the phase of this parity is over.
__device__ __forceinline__ void wait_phase(Shared<uint64_t> barrier, uint32_t parity SIMT_SITE) {
  while (!ptx::mbarrier_try_wait_parity(barrier, parity SIMT_PASS)) {
  }
}

}  // namespace bc::cuda
