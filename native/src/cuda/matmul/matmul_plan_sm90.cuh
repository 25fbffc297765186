// How matmul_sm90.cu shares out its work: pairs of tiles, 2 x 128 rows of w by the same tokens, of which
// a cluster of two blocks has one at a time.
//
// Pairs of the same rows of w follow each other, over 12 tiles of tokens: 66 clusters have 2304
// tokens by 1408 rows at a time, for K=5120 24 and 14 MB, which L2 holds. w comes from memory once
// for 2304 tokens.
//
// Pairs that fill rounds of all clusters are whole. Each of the rest may be an item for every part
// of K, whose sums a second kernel adds up in the same order. plan_of chooses; the bits of out are
// the same. M=2048, N=K=5120: 220 pairs, of which 22 are split: 3 1/2 rounds in place of 4, where 3
// 1/3 would be without a rest.
#pragma once

#include <algorithm>

#include "cuda/matmul/weights_sm90.cuh"

namespace bc::cuda::many_sm90 {

constexpr int kConsumers = 2;           // warpgroups that multiply; one more brings the operands
constexpr int kRows = kConsumers * 64;  // of w in a tile
constexpr int kCluster = 2;             // blocks with the same tokens
constexpr int kTilesOfGroup = 12;       // of tokens

__host__ __device__ constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Which pairs of tiles are whole and which are split: see plan_of.
struct Plan {
  int tokens;  // of a tile
  int whole;   // the first pairs, each of them an item of work for a cluster
  int split;   // the other pairs, each of them an item for every part of K
  int items;
  HopperParts parts;
};

// Parts `begin` to `end` of pair `tile`.
struct Work {
  int tile, begin, end;
};

__device__ __forceinline__ Work work_of(const Plan& plan, int item) {
  const int parts = plan.parts.parts;
  if (item < plan.whole) return {item, 0, parts};
  const int at = item - plan.whole;
  const int part = at % parts;
  return {plan.whole + at / parts, part, part + 1};
}

template <int kTokens>
struct Place {
  int m0, n0;
  // rank: of the block in its cluster, whose rows follow those of the one before.
  __device__ __forceinline__ Place(const MatmulParams& p, int tile, int rank) {
    constexpr int kPairRows = kCluster * kRows;
    const auto across = static_cast<int>((p.M + kTokens - 1) / kTokens);
    const auto down = static_cast<int>((p.N + kPairRows - 1) / kPairRows);
    const int group = tile / (kTilesOfGroup * down);
    const int first = group * kTilesOfGroup;
    const int width = across - first < kTilesOfGroup ? across - first : kTilesOfGroup;
    const int at = tile - first * down;
    m0 = (first + at % width) * kTokens;
    n0 = at / width * kPairRows + rank * kRows;
  }
};

// --- On the host ---------------------------------------------------------------------------------

inline int64_t scratch_bytes(const Plan& plan) {
  return int64_t{plan.split} * plan.parts.parts * kCluster * plan.tokens * kRows *
         static_cast<int64_t>(sizeof(float));
}

inline int clusters_of(const Facts& gpu) { return std::max(gpu.sms / kCluster, 1); }

// The tiles that fill rounds of all clusters are whole. What is left may be split.
inline Plan share_out(const MatmulParams& p, const Facts& gpu, int tokens, bool split) {
  const int64_t tiles = ceil_div(p.M, tokens) * ceil_div(p.N, kCluster * kRows);
  const int64_t rest = split ? tiles % clusters_of(gpu) : 0;
  const HopperParts parts(p.K);
  return {tokens, static_cast<int>(tiles - rest), static_cast<int>(rest),
          static_cast<int>(tiles - rest + rest * parts.parts), parts};
}

// About how long a plan takes: the longest row of items of a block, then the scratch and the kernel
// that adds it up.
inline int64_t clocks(const MatmulParams& p, const Facts& gpu, const Plan& plan) {
  constexpr int64_t kL2 = 24;        // bytes a clock and SM
  constexpr int64_t kTensor = 2048;  // products
  constexpr int64_t kLaunch = 3000;
  const HopperParts& parts = plan.parts;
  const int64_t w_bytes =  // of a row
      is_quantized(p.w_type) ? group_bytes(p.w_type) / kPanel * kGroupsOfStep : 2 * kHopperStep;
  const int64_t step = std::max(plan.tokens * kRows * kHopperStep / kTensor,
                                (plan.tokens * 2 * kHopperStep / kCluster + kRows * w_bytes) / kL2);
  const int64_t rounds = ceil_div(plan.whole, clusters_of(gpu)) * parts.parts +
                         ceil_div(plan.split * parts.parts, clusters_of(gpu));
  const int64_t sum = 2 * scratch_bytes(plan) / (kCluster * clusters_of(gpu) * kL2) + kLaunch;
  return rounds * parts.of_part * step + (plan.split > 0 ? sum : 0);
}

inline Plan plan_of(const MatmulParams& p, const Facts& gpu) {
  Plan best = share_out(p, gpu, 192, false);
  for (const int tokens : {192, 128, 64}) {
    for (const bool split : {false, true}) {
      const Plan plan = share_out(p, gpu, tokens, split);
      if (clocks(p, gpu, plan) < clocks(p, gpu, best)) best = plan;
    }
  }
  return best;
}

}  // namespace bc::cuda::many_sm90
