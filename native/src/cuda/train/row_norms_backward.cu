// row_norms_backward: for rows u = r w with r = 1 / |w|, dw = r (du - (u . du) u), in place of du.
//
// Shapes  dw [N,K] f32 in place; w [N,K] f32, f16 or bf16; norms [N]: r.
// Method  A warp takes a row, which its second pass finds in cache.
// Bound   Memory: NK (8 + w) + 4N bytes; w is 2 in bf16. N=125696, K=5120, bf16: 6.4 GB. The second pass
//         asks for NK (4 + w) bytes again.
//
// Limits  row_norms_backward_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/train/row_norms_backward_kernel.h
#include "cuda/load.cuh"
#include "cuda/reduce.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = kThreads / kWarp;  // that a block takes

template <class W>
__global__ void __launch_bounds__(kThreads) row_norms_backward_kernel(RowNormsBackwardParams p) {
  const int64_t n = int64_t{blockIdx.x} * kRows + threadIdx.x / kWarp;
  if (n >= p.N) return;
  const uint32_t lane = threadIdx.x % kWarp;
  float* const dw = p.dw + n * p.dw_ld;
  const W* const w = static_cast<const W*>(p.w) + n * p.w_ld;
  float sum = 0.0f;
#pragma unroll 4
  for (int64_t k = lane; k < p.K; k += kWarp) sum = fmaf(widen(load(w + k)), load(dw + k), sum);
  const float r = load(p.norms + n);
  const float along = warp_sum(sum) * r * r;
#pragma unroll 4
  for (int64_t k = lane; k < p.K; k += kWarp)
    store(dw + k, r * (load(dw + k) - widen(load(w + k)) * along));
}

}  // namespace

void row_norms_backward(const RowNormsBackwardParams& p, void* stream) {
  const auto blocks = static_cast<unsigned>((p.N + kRows - 1) / kRows);
  for_plain(p.w_type, [&](auto w) {
    launch<row_norms_backward_kernel<decltype(w)>>({dim3(blocks), dim3(kThreads), 0, stream}, p);
  });
}

}  // namespace bc::cuda
