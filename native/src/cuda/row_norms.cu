// row_norms: out[n] = 1 / max(||w[n,:]||_2, 1e-12): NormHead's factor for each row of the head.
//
// Shapes  w [N,K] f32, f16 or bf16; out [N] f32. K is a multiple of 8.
//
// Method  A warp takes a row, 16 bytes a lane, and sums squares in f32. That is right for norms up to
//         1e19; squares too small for f32 belong to numbers far below 1e-12. Done once, at load.
//
// Bound   Memory: NK bytes of an element + 4N. N=125696, K=4096, bf16: 1.03 GB.
//
// Limits  row_norms_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/quantize.cpp
// Source  NormHead: Yang et al. 2023, arXiv:2309.10305
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/reduce.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = kThreads / kWarp;  // that a block takes

template <class W>
__global__ void __launch_bounds__(kThreads) row_norms_kernel(RowNormsParams p) {
  constexpr int kN = 16 / sizeof(W);
  const int64_t n = int64_t{blockIdx.x} * kRows + threadIdx.x / kWarp;
  if (n >= p.N) return;
  const uint32_t lane = threadIdx.x % kWarp;
  const W* row = static_cast<const W*>(p.w) + n * p.w_ld;
  // Each element of a vector has a sum of its own, so that no addition waits for the one before it.
  Vec<float, kN> sums = {};
#pragma unroll 4
  for (int64_t k = lane * kN; k < p.K; k += kWarp * kN) {
    const Vec<float, kN> w = widen(load_once<kN>(row + k));
#pragma unroll
    for (int i = 0; i < kN; ++i) sums[i] = fmaf(w[i], w[i], sums[i]);
  }
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kN; ++i) sum += sums[i];
  sum = warp_sum(sum);
  if (lane == 0) store(p.out + n, 1.0f / fmaxf(sqrtf(sum), 1e-12f));
}

template <class W>
void launch_row_norms(const RowNormsParams& p, void* stream) {
  const auto blocks = static_cast<unsigned>((p.N + kRows - 1) / kRows);
  launch<row_norms_kernel<W>>({dim3(blocks), dim3(kThreads), 0, stream}, p);
}

}  // namespace

void row_norms(const RowNormsParams& p, void* stream) {
  for_plain(p.w_type, [&](auto w) { launch_row_norms<decltype(w)>(p, stream); });
}

}  // namespace bc::cuda
