// Sums and maxima over a warp and a block. Their order depends on the block's size alone, so the same
// input gives the same bits. Blocks are one-dimensional.
#pragma once

#include "cuda/ptx/ptx.cuh"

namespace bc::cuda {

__device__ __forceinline__ float warp_sum(float x SIMT_SITE) {
#pragma unroll
  for (uint32_t mask = kWarp / 2; mask > 0; mask /= 2) x += ptx::shfl_bfly(x, mask SIMT_PASS);
  return x;
}

__device__ __forceinline__ float warp_max(float x SIMT_SITE) {
#pragma unroll
  for (uint32_t mask = kWarp / 2; mask > 0; mask /= 2)
    x = fmaxf(x, ptx::shfl_bfly(x, mask SIMT_PASS));
  return x;
}

// The sum over kLanes neighbouring lanes, for instance those that hold one row of an mma fragment.
template <int kLanes>
__device__ __forceinline__ float group_sum(float x SIMT_SITE) {
#pragma unroll
  for (uint32_t mask = kLanes / 2; mask > 0; mask /= 2) x += ptx::shfl_bfly(x, mask SIMT_PASS);
  return x;
}

template <int kLanes>
__device__ __forceinline__ float group_max(float x SIMT_SITE) {
#pragma unroll
  for (uint32_t mask = kLanes / 2; mask > 0; mask /= 2)
    x = fmaxf(x, ptx::shfl_bfly(x, mask SIMT_PASS));
  return x;
}

// Every thread gets the sum over the block. scratch: a float per warp; a barrier must stand between
// its last use and this one.
__device__ __forceinline__ float block_sum(float x, Shared<float> scratch SIMT_SITE) {
  const uint32_t lane = threadIdx.x % kWarp;
  x = warp_sum(x SIMT_PASS);
  if (lane == 0) scratch[threadIdx.x / kWarp] = x;
  __syncthreads(SIMT_PASS_ONLY);
  const float mine = lane < blockDim.x / kWarp ? static_cast<float>(scratch[lane]) : 0.0f;
  return warp_sum(mine SIMT_PASS);
}

__device__ __forceinline__ float block_max(float x, Shared<float> scratch SIMT_SITE) {
  const uint32_t lane = threadIdx.x % kWarp;
  x = warp_max(x SIMT_PASS);
  if (lane == 0) scratch[threadIdx.x / kWarp] = x;
  __syncthreads(SIMT_PASS_ONLY);
  const float mine = lane < blockDim.x / kWarp ? static_cast<float>(scratch[lane]) : scratch[0];
  return warp_max(mine SIMT_PASS);
}

}  // namespace bc::cuda
