// The order that top_k searches in: larger first, ties by lower index, a NaN above every
// number. A key holds both: of two keys the larger comes first, and no two of a row are the same.
#pragma once

#include "cuda/kernels.h"
#include "cuda/load.cuh"

namespace bc::cuda {

// The key of a place without a number: below every other key.
constexpr uint64_t kNoKey = 0;
constexpr uint32_t kIndexBits = 17;
static_assert(int64_t{1} << kIndexBits == kMaxSearchWidth, "a key holds every index");

// A number's bits, changed so that they sort as the numbers do: -0 counts as 0, -inf is 0x007fffff, and
// a NaN comes last.
__device__ __forceinline__ uint32_t rank_of(float x) {
  if (x != x) return 0xffffffffu;
  const uint32_t u = ptx::bits(x + 0.0f);  // -0 + 0 is 0
  return (u >> 31) != 0 ? ~u : u | 0x80000000u;
}

__device__ __forceinline__ uint64_t key_of(uint32_t rank, uint32_t index) {
  return uint64_t{rank} << 32 | ((1u << kIndexBits) - 1 - index);
}

__device__ __forceinline__ int32_t index_of(uint64_t key) {
  return static_cast<int32_t>((1u << kIndexBits) - 1 - static_cast<uint32_t>(key));
}

// The ranks of four numbers from x[i] on, i a multiple of 4; 0 at and beyond n, and where the mask, if
// there is one, has no bit.
__device__ __forceinline__ Vec<uint32_t, 4> ranks_at(const float* x, const uint32_t* mask,
                                                     int64_t i, int64_t n) {
  Vec<uint32_t, 4> ranks = {};
  uint32_t allowed = ~0u;
  if (mask != nullptr && i < n) allowed = load(mask + i / 32) >> i % 32;
  if (i + 4 <= n) {
    const Vec<float, 4> four = load_once<4>(x + i);
#pragma unroll
    for (int k = 0; k < 4; ++k) ranks[k] = (allowed >> k & 1u) != 0 ? rank_of(four[k]) : 0;
  } else {
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      if (i + k < n && (allowed >> k & 1u) != 0) ranks[k] = rank_of(load(x + i + k));
    }
  }
  return ranks;
}

}  // namespace bc::cuda
