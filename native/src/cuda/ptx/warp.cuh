// Lanes of a warp exchange registers.
#pragma once

#include "cuda/ptx/arithmetic.cuh"

namespace bc::cuda::ptx {

// --- Lanes of a warp exchange registers ----------------------------------------------------------

// The value of lane `source`.
__device__ __forceinline__ uint32_t shfl_idx(uint32_t x, uint32_t source SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_sync(0xffffffffu, x, static_cast<int>(source));
#else
  return simt::exchange("shfl.idx", x, site)[source % 32];
#endif
}

// The value of lane (mine ^ mask).
__device__ __forceinline__ uint32_t shfl_bfly(uint32_t x, uint32_t mask SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_xor_sync(0xffffffffu, x, static_cast<int>(mask));
#else
  return simt::exchange("shfl.bfly", x, site)[(simt::lane() ^ mask) % 32];
#endif
}

// The value of the lane `delta` above, or my own where there is none.
__device__ __forceinline__ uint32_t shfl_down(uint32_t x, uint32_t delta SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_down_sync(0xffffffffu, x, delta);
#else
  const uint32_t source = simt::lane() + delta;
  return simt::exchange("shfl.down", x, site)[source < 32 ? source : simt::lane()];
#endif
}

// The value of the lane `delta` below, or my own where there is none.
__device__ __forceinline__ uint32_t shfl_up(uint32_t x, uint32_t delta SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_up_sync(0xffffffffu, x, delta);
#else
  const uint32_t lane = simt::lane();
  return simt::exchange("shfl.up", x, site)[lane >= delta ? lane - delta : lane];
#endif
}

// The same for floats and signed integers.
__device__ __forceinline__ float shfl_idx(float x, uint32_t source SIMT_SITE) {
  return from_bits(shfl_idx(bits(x), source SIMT_PASS));
}
__device__ __forceinline__ float shfl_bfly(float x, uint32_t mask SIMT_SITE) {
  return from_bits(shfl_bfly(bits(x), mask SIMT_PASS));
}
__device__ __forceinline__ float shfl_down(float x, uint32_t delta SIMT_SITE) {
  return from_bits(shfl_down(bits(x), delta SIMT_PASS));
}
__device__ __forceinline__ float shfl_up(float x, uint32_t delta SIMT_SITE) {
  return from_bits(shfl_up(bits(x), delta SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_idx(int32_t x, uint32_t source SIMT_SITE) {
  return static_cast<int32_t>(shfl_idx(static_cast<uint32_t>(x), source SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_bfly(int32_t x, uint32_t mask SIMT_SITE) {
  return static_cast<int32_t>(shfl_bfly(static_cast<uint32_t>(x), mask SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_down(int32_t x, uint32_t delta SIMT_SITE) {
  return static_cast<int32_t>(shfl_down(static_cast<uint32_t>(x), delta SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_up(int32_t x, uint32_t delta SIMT_SITE) {
  return static_cast<int32_t>(shfl_up(static_cast<uint32_t>(x), delta SIMT_PASS));
}

// Bit l is lane l's answer.
__device__ __forceinline__ uint32_t vote_ballot(bool yes SIMT_SITE) {
#ifdef __CUDACC__
  return __ballot_sync(0xffffffffu, yes);
#else
  const uint32_t* answers = simt::exchange("vote.ballot", yes ? 1 : 0, site);
  uint32_t ballot = 0;
  for (uint32_t l = 0; l < 32; ++l) ballot |= answers[l] << l;
  return ballot;
#endif
}

__device__ __forceinline__ bool vote_any(bool yes SIMT_SITE) {
#ifdef __CUDACC__
  return __any_sync(0xffffffffu, yes) != 0;
#else
  return vote_ballot(yes, site) != 0;
#endif
}

__device__ __forceinline__ bool vote_all(bool yes SIMT_SITE) {
#ifdef __CUDACC__
  return __all_sync(0xffffffffu, yes) != 0;
#else
  return vote_ballot(yes, site) == 0xffffffffu;
#endif
}

__device__ __forceinline__ int32_t redux_add(int32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return __reduce_add_sync(0xffffffffu, x);
#else
  const uint32_t* values = simt::exchange("redux.add", static_cast<uint32_t>(x), site);
  uint32_t sum = 0;
  for (uint32_t l = 0; l < 32; ++l) sum += values[l];
  return static_cast<int32_t>(sum);
#endif
}

__device__ __forceinline__ uint32_t redux_max(uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return __reduce_max_sync(0xffffffffu, x);
#else
  const uint32_t* values = simt::exchange("redux.max", x, site);
  uint32_t max = 0;
  for (uint32_t l = 0; l < 32; ++l) max = values[l] > max ? values[l] : max;
  return max;
#endif
}

__device__ __forceinline__ uint32_t redux_min(uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return __reduce_min_sync(0xffffffffu, x);
#else
  const uint32_t* values = simt::exchange("redux.min", x, site);
  uint32_t min = 0xffffffffu;
  for (uint32_t l = 0; l < 32; ++l) min = values[l] < min ? values[l] : min;
  return min;
#endif
}

}  // namespace bc::cuda::ptx
