// argmax: index of the largest number of each row, ties by lower index. A NaN counts as above every
// number, so that none goes unseen.
//
// Shapes  x [T,V]; ids [T]. V is at most 131072.
//
// Method  Blocks take 2048 numbers of a row each; threads keep the largest key (rank.cuh) of their
//         eight, warps find theirs by two reductions, of the rank and of what follows it. The
//         block's key goes to scratch [T,ceil(V/2048)], of which a second kernel finds the largest,
//         a warp for a row. Maxima are the same in every order.
//
// Bound   Memory: 4TV bytes, and V/128 of scratch. T=1, V=125696: 502.8 KB.
//
// Limits  argmax_kernel: 40 registers, 256 threads, 64 bytes of shared memory
//         argmax_merge_kernel: 64 registers, 32 threads, 0 bytes of shared memory
//
// Twin    cpu/argmax.cpp
#include "cuda/kernels.h"
#include "cuda/rank.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kVectors = 2;  // of four numbers, of a thread
constexpr int64_t kPiece = int64_t{kThreads} * kVectors * 4;

int64_t pieces_of(int64_t V) { return (V + kPiece - 1) / kPiece; }

__device__ __forceinline__ uint64_t warp_largest(uint64_t key) {
  const auto rank = static_cast<uint32_t>(key >> 32);
  const uint32_t largest = ptx::redux_max(rank);
  const uint32_t rest = ptx::redux_max(rank == largest ? static_cast<uint32_t>(key) : 0);
  return uint64_t{largest} << 32 | rest;
}

__global__ void __launch_bounds__(kThreads) argmax_kernel(ArgmaxParams p) {
  const int64_t t = blockIdx.x;
  const float* x = p.x + t * p.x_ld;
  uint64_t key = kNoKey;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int64_t i = blockIdx.y * kPiece + (v * kThreads + threadIdx.x) * 4;
    const Vec<uint32_t, 4> ranks = ranks_at(x, i, p.V);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const uint64_t other = key_of(ranks[k], static_cast<uint32_t>(i) + k);
      if (ranks[k] != 0 && other > key) key = other;
    }
  }

  const Shared<uint64_t> of_warp = shared_memory<uint64_t>();
  const uint32_t warp = threadIdx.x / kWarp;
  const uint32_t lane = threadIdx.x % kWarp;
  key = warp_largest(key);
  if (lane == 0) of_warp[warp] = key;
  __syncthreads();
  if (warp != 0) return;
  key = kNoKey;
  if (lane < kThreads / kWarp) key = of_warp[lane];
  key = warp_largest(key);
  if (lane == 0) store(static_cast<uint64_t*>(p.scratch) + t * gridDim.y + blockIdx.y, key);
}

__global__ void __launch_bounds__(kWarp) argmax_merge_kernel(ArgmaxParams p, int64_t pieces) {
  const int64_t t = blockIdx.x;
  const uint64_t* keys = static_cast<const uint64_t*>(p.scratch) + t * pieces;
  uint64_t key = kNoKey;
  for (int64_t i = threadIdx.x; i < pieces; i += kWarp) {
    const uint64_t other = load(keys + i);
    if (other > key) key = other;
  }
  key = warp_largest(key);
  if (threadIdx.x == 0) store(p.ids + t, index_of(key));
}

}  // namespace

int64_t argmax_scratch_bytes(int64_t T, int64_t V) {
  return T * pieces_of(V) * static_cast<int64_t>(sizeof(uint64_t));
}

void argmax(const ArgmaxParams& p, void* stream) {
  const int64_t pieces = pieces_of(p.V);
  const auto T = static_cast<unsigned>(p.T);
  const dim3 grid(T, static_cast<unsigned>(pieces));
  launch<argmax_kernel>({grid, dim3(kThreads), kThreads / kWarp * sizeof(uint64_t), stream}, p);
  launch<argmax_merge_kernel>({dim3(T), dim3(kWarp), 0, stream}, p, pieces);
}

}  // namespace bc::cuda
