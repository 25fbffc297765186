// silu, the activation of swiglu.
#pragma once

#include "cuda/softmax.cuh"

namespace bc::cuda {

// x / (1 + exp(-x))
__device__ __forceinline__ float silu(float x) {
  return x * ptx::rcp(1.0f + ptx::ex2(-kLog2E * x));
}

}  // namespace bc::cuda
