// top_k: the K largest of each row, largest first, ties by lower index. A NaN counts as above every
// number, so that none goes unseen.
//
// Shapes  x [T,V]; values, ids [T,K] contiguous; masks [M,ceil(V/32)]; K <= V, K at most 1024, V at
//         most 131072.
//
// Method  Blocks take 16384 numbers of a row each and write the keys (rank.cuh) of their K largest
//         to scratch [T,ceil(V/16384),K]; a second kernel, a block for a row, takes the K largest of
//         those and sorts them. Both keep their keys in registers and find the K-th largest bit by
//         bit, from the highest on: a bit stays set if at least K keys are no smaller. The search
//         ends as soon as exactly K keys are no smaller. With distinct numbers that takes about
//         log2(16384) bits that matter, and never more than 49. The sort is bitonic, with a key in
//         each thread and shuffles inside a warp. Keys in scratch have no order; the sort makes one.
//         A number that the row's mask leaves out has rank 0, below every other, as have the places
//         beyond V. The mask is read beside the row, not before it: one latency, where few rows
//         leave most of the GPU idle, is more than the sectors that a sparse mask would spare.
//
// Bound   Memory: 4TV bytes, V/8 more for a masked row, 16TK ceil(V/16384) of scratch, and 40TK of
//         results, whose values are read again, a sector each. T=1, V=125696, K=64: 513.5 KB, and
//         529.2 KB with a mask.
//
// Limits  top_k_kernel: 64 registers, 1024 threads, 272 bytes of shared memory
//         top_k_merge_kernel: 64 registers, 1024 threads, 8464 bytes of shared memory
//
// Twin    cpu/top_k.cpp
// Source  Bitonic sort: Batcher 1968, Sorting networks and their applications
#include "cuda/kernels.h"
#include "cuda/rank.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kKeys = 16;  // that a thread holds; 8 when pieces are merged
constexpr int64_t kPiece = int64_t{kThreads} * kKeys;
constexpr int kMergeKeys = 8;
static_assert(kMergeKeys * kThreads >= kMaxSearchWidth / kPiece * kMaxTopK,
              "the merging block holds the keys of all pieces");

// Shared memory of a selection: two rounds of a count for each warp, and the places taken.
constexpr int kCounts = 2 * kThreads / kWarp;
constexpr uint32_t kSelectBytes = (kCounts + 4) * sizeof(uint32_t);

int64_t pieces_of(int64_t V) { return (V + kPiece - 1) / kPiece; }

// Sums over the block. Two rounds take turns with the scratch, so that one barrier a round is enough.
__device__ __forceinline__ int block_count(int mine, Shared<uint32_t> counts, int round SIMT_SITE) {
  const Shared<uint32_t> of_warp = counts + round % 2 * (kThreads / kWarp);
  const int sum = ptx::redux_add(mine SIMT_PASS);
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = static_cast<uint32_t>(sum);
  __syncthreads(SIMT_PASS_ONLY);
  const uint32_t other = of_warp[threadIdx.x % kWarp];
  return ptx::redux_add(static_cast<int32_t>(other) SIMT_PASS);
}

// The K-th largest of the block's keys, or a number between it and the next smaller one. If there are
// no more than K keys, the result is below every key. key(j) is the j-th key of this thread.
template <int kCount, class Key>
__device__ __forceinline__ uint64_t kth_largest(int K, Shared<uint32_t> counts, Key&& key) {
  const auto reach = [&](uint64_t threshold, int round) {
    int mine = 0;
#pragma unroll
    for (int j = 0; j < kCount; ++j) mine += key(j) >= threshold ? 1 : 0;
    return block_count(mine, counts, round);
  };
  int round = 0;
  constexpr uint64_t kLowest = uint64_t{1} << 32;  // no number has rank 0
  if (reach(kLowest, round++) <= K) return kLowest;
  uint64_t threshold = 0;
  for (int bit = 63; bit >= 0; --bit) {
    if (bit == 31) bit = kIndexBits - 1;  // between rank and index there are zeros
    const uint64_t higher = threshold | uint64_t{1} << bit;
    const int n = reach(higher, round++);
    if (n >= K) threshold = higher;
    if (n == K) break;
  }
  return threshold;
}

// Gives every chosen key of the block a place of its own; neighbouring lanes get neighbouring places.
__device__ __forceinline__ uint32_t place_of(bool mine, Shared<uint32_t> taken SIMT_SITE) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t all = ptx::vote_ballot(mine SIMT_PASS);
  uint32_t place = 0;
  if (lane == 0 && all != 0)
    place = ptx::atom_shared_add(taken, static_cast<uint32_t>(ptx::popc(all)) SIMT_PASS);
  const uint32_t before = all & ((1u << lane) - 1);
  return ptx::shfl_idx(place, 0 SIMT_PASS) + static_cast<uint32_t>(ptx::popc(before));
}

__global__ void __launch_bounds__(kThreads) top_k_kernel(TopKParams p) {
  const int64_t t = blockIdx.x;
  const float* x = p.x + t * p.x_ld;
  const uint32_t* mask = nullptr;
  if (p.masks != nullptr) {
    const int32_t which = load(p.mask_of + t);
    if (which >= 0) mask = p.masks + which * p.masks_ld;
  }
  uint64_t* keys = static_cast<uint64_t*>(p.scratch) + (t * gridDim.y + blockIdx.y) * p.K;
  const int64_t first = blockIdx.y * kPiece + threadIdx.x * 4;
  Vec<uint32_t, 4> ranks[kKeys / 4];
#pragma unroll
  for (int v = 0; v < kKeys / 4; ++v) ranks[v] = ranks_at(x, mask, first + v * kThreads * 4, p.V);
  const auto key = [&](int j) {
    return key_of(ranks[j / 4][j % 4], static_cast<uint32_t>(first) + j / 4 * kThreads * 4 + j % 4);
  };

  const Shared<uint32_t> counts = shared_memory<uint32_t>();
  const Shared<uint32_t> taken = counts + kCounts;
  if (threadIdx.x == 0) taken[0] = 0;
  const uint64_t threshold = kth_largest<kKeys>(static_cast<int>(p.K), counts, key);
#pragma unroll
  for (int j = 0; j < kKeys; ++j) {
    const bool mine = key(j) >= threshold;
    const uint32_t place = place_of(mine, taken);
    if (mine) store(keys + place, key(j));
  }
  __syncthreads();  // a short piece, or one with few allowed numbers, leaves places without a key
  if (threadIdx.x >= taken[0] && threadIdx.x < p.K) store(keys + threadIdx.x, kNoKey);
}

__device__ __forceinline__ uint64_t shfl_bfly(uint64_t x, uint32_t mask SIMT_SITE) {
  const uint32_t high = ptx::shfl_bfly(static_cast<uint32_t>(x >> 32), mask SIMT_PASS);
  const uint32_t low = ptx::shfl_bfly(static_cast<uint32_t>(x), mask SIMT_PASS);
  return uint64_t{high} << 32 | low;
}

// Sorts the keys of threads 0 to n - 1, a power of two, largest first. All threads take part.
__device__ __forceinline__ uint64_t sorted(uint64_t key, uint32_t n, Shared<uint64_t> exchange) {
  for (uint32_t size = 2; size <= n; size *= 2) {
    for (uint32_t stride = size / 2; stride > 0; stride /= 2) {
      uint64_t other;
      if (stride < kWarp) {
        other = shfl_bfly(key, stride);
      } else {
        exchange[threadIdx.x] = key;
        __syncthreads();
        other = exchange[threadIdx.x ^ stride];
        __syncthreads();
      }
      const bool descending = (threadIdx.x & size) == 0;
      const bool first = (threadIdx.x & stride) == 0;
      if ((first == descending) == (other > key)) key = other;
    }
  }
  return key;
}

__global__ void __launch_bounds__(kThreads) top_k_merge_kernel(TopKParams p, int64_t pieces) {
  const int64_t t = blockIdx.x;
  const uint64_t* from = static_cast<const uint64_t*>(p.scratch) + t * pieces * p.K;
  uint64_t keys[kMergeKeys];
#pragma unroll
  for (int j = 0; j < kMergeKeys; ++j) {
    const int64_t i = j * kThreads + threadIdx.x;
    keys[j] = i < pieces * p.K ? load(from + i) : kNoKey;
  }

  const Shared<uint32_t> counts = shared_memory<uint32_t>();
  const Shared<uint32_t> taken = counts + kCounts;
  const Shared<uint64_t> exchange = shared_memory<uint64_t>(kSelectBytes);
  if (threadIdx.x == 0) taken[0] = 0;
  const uint64_t threshold =
      kth_largest<kMergeKeys>(static_cast<int>(p.K), counts, [&](int j) { return keys[j]; });
#pragma unroll
  for (int j = 0; j < kMergeKeys; ++j) {
    const bool mine = keys[j] >= threshold;
    const uint32_t place = place_of(mine, taken);
    if (mine) exchange[place] = keys[j];
  }
  __syncthreads();
  uint64_t key = kNoKey;
  // The sort exchanges keys there without a barrier before it: a thread first overwrites its own place,
  // which no other thread has read, and program order suffices inside one thread.
  if (threadIdx.x < taken[0]) key = exchange[threadIdx.x];  // K, or all that the mask allows
  uint32_t n = 1;
  while (n < p.K) n *= 2;
  key = sorted(key, n, exchange);
  if (threadIdx.x >= p.K) return;
  int32_t id = -1;
  float value = ptx::from_bits(0xff800000u);  // -inf
  if (key != kNoKey) {
    id = index_of(key);
    value = load(p.x + t * p.x_ld + id);  // -0 and NaN as they are
  }
  store(p.ids + t * p.K + threadIdx.x, id);
  store(p.values + t * p.K + threadIdx.x, value);
}

}  // namespace

int64_t top_k_scratch_bytes(int64_t T, int64_t V, int64_t K) {
  return T * pieces_of(V) * K * static_cast<int64_t>(sizeof(uint64_t));
}

void top_k(const TopKParams& p, void* stream) {
  const int64_t pieces = pieces_of(p.V);
  const auto T = static_cast<unsigned>(p.T);
  const dim3 grid(T, static_cast<unsigned>(pieces));
  launch<top_k_kernel>({grid, dim3(kThreads), kSelectBytes, stream}, p);
  launch<top_k_merge_kernel>(
      {dim3(T), dim3(kThreads), kSelectBytes + kMaxTopK * sizeof(uint64_t), stream}, p, pieces);
}

}  // namespace bc::cuda
