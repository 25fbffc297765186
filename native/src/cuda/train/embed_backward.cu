// embed_backward: dtable[ids[t],:] += dx[t,:]
//
// Shapes  dtable [V,C], dx [T,C] f32; ids [T].
// Method  A block takes a token, and all tokens of the same id in their order if none of them came before:
//         it looks for them in 256 ids at a time. So a row has one block, and the CPU's bits.
// Bound   Memory: 12TC bytes where every id is another one. T=2048, C=4096: 100.7 MB. Each block asks for
//         ids up to the first of its own, of which 4T bytes are distinct.
//
// Limits  embed_backward_kernel: 40 registers, 256 threads, 32 bytes of shared memory
//
// Twin    cpu/train/rows_backward.cpp
#include "cuda/load.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;

__global__ void __launch_bounds__(kThreads) embed_backward_kernel(EmbedBackwardParams p) {
  const int64_t mine = blockIdx.x;
  const int32_t id = load(p.ids + mine);
  float* const row = p.dtable + id * p.dtable_ld;
  const Shared<uint32_t> same = shared_memory<uint32_t>();  // a bit for each of the ids looked at
  for (int64_t t0 = 0; t0 < p.T; t0 += kThreads) {
    const int64_t t = t0 + threadIdx.x;
    const uint32_t ballot = ptx::vote_ballot(t < p.T && load(p.ids + t) == id);
    if (threadIdx.x % kWarp == 0) same[threadIdx.x / kWarp] = ballot;
    __syncthreads();
    for (int w = 0; w < kWarps; ++w) {
      for (uint32_t left = same[w]; left != 0; left &= left - 1) {
        const int64_t of = t0 + w * kWarp + ptx::popc((left & (0u - left)) - 1);
        if (of < mine) return;  // its block takes the row, as all threads see
        const float* const dx = p.dx + of * p.dx_ld;
#pragma unroll 4
        for (int64_t c = threadIdx.x; c < p.C; c += kThreads)
          store(row + c, load(row + c) + load(dx + c));
      }
    }
    __syncthreads();
  }
}

}  // namespace

void embed_backward(const EmbedBackwardParams& p, void* stream) {
  launch<embed_backward_kernel>(
      {dim3(static_cast<unsigned>(p.T)), dim3(kThreads), kWarps * sizeof(uint32_t), stream}, p);
}

}  // namespace bc::cuda
