// rms_norm_backward: with f = 1 / sqrt(mean(x^2) + eps) and y = x f weight,
//   dx += f (weight dy - x f^2 mean(x weight dy))          dweight += sum over tokens of dy x f
//
// Shapes  x, dy, dx [T,C] f32; weight [C] f32, f16 or bf16; dweight [C] or none; scratch has f [T] and the
//         sums of 64 tokens at a time [T/64,C].
// Method  rms_norm_backward_kernel: a block takes a token, whose row its second pass finds in cache.
//         rms_norm_weight_kernel: a thread takes a column of 64 tokens, in order; add_rows adds those sums
//         up in order.
// Bound   Memory: 16TC + C weight bytes, and 8TC for dweight, whose sums are TC/16 bytes, twice.
//         T=2048, C=4096: 134.2 MB and 67.1 MB. The second pass asks for 8TC bytes again.
//
// Limits  rms_norm_backward_kernel: 40 registers, 512 threads, 128 bytes of shared memory
//         rms_norm_weight_kernel: 40 registers, 128 threads, 0 bytes of shared memory
//
// Twin    cpu/train/rms_norm_backward_kernel.h
// Source  Zhang and Sennrich 2019, arXiv:1910.07467
#include "cuda/load.cuh"
#include "cuda/reduce.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / kWarp;
constexpr int kColumns = 128;    // of a block that sums over tokens
constexpr int64_t kTokens = 64;  // that are summed at a time

int64_t pieces(int64_t T) { return (T + kTokens - 1) / kTokens; }

template <class W>
__global__ void __launch_bounds__(kThreads)
    rms_norm_backward_kernel(RmsNormBackwardParams p, float* factors) {
  const int64_t t = blockIdx.x;
  const float* const x = p.x + t * p.x_ld;
  const float* const dy = p.dy + t * p.dy_ld;
  float* const dx = p.dx + t * p.dx_ld;
  const W* const weight = static_cast<const W*>(p.weight);
  float squares = 0.0f;
  float products = 0.0f;
#pragma unroll 4
  for (int64_t c = threadIdx.x; c < p.C; c += kThreads) {
    const float v = load(x + c);
    squares = fmaf(v, v, squares);
    products = fmaf(v, widen(load(weight + c)) * load(dy + c), products);
  }
  const Shared<float> scratch = shared_memory<float>();
  const auto C = static_cast<float>(p.C);
  const float f = 1.0f / sqrtf(block_sum(squares, scratch) / C + p.eps);
  const float along = block_sum(products, scratch + kWarps) / C * f * f;
  if (threadIdx.x == 0) store(factors + t, f);
#pragma unroll 4
  for (int64_t c = threadIdx.x; c < p.C; c += kThreads) {
    const float straight = widen(load(weight + c)) * load(dy + c);
    store(dx + c, fmaf(f, straight - load(x + c) * along, load(dx + c)));
  }
}

__global__ void __launch_bounds__(kColumns)
    rms_norm_weight_kernel(RmsNormBackwardParams p, const float* factors, float* sums) {
  const int64_t c = int64_t{blockIdx.x} * kColumns + threadIdx.x;
  const int64_t begin = int64_t{blockIdx.y} * kTokens;
  const int64_t end = begin + kTokens < p.T ? begin + kTokens : p.T;
  if (c >= p.C) return;
  float sum = 0.0f;
#pragma unroll 8
  for (int64_t t = begin; t < end; ++t) {
    const float unit = load(p.x + t * p.x_ld + c) * load(factors + t);
    sum = fmaf(load(p.dy + t * p.dy_ld + c), unit, sum);
  }
  store(sums + blockIdx.y * p.C + c, sum);
}

}  // namespace

int64_t rms_norm_backward_scratch_bytes(const RmsNormBackwardParams& p) {
  const int64_t sums = p.dweight == nullptr ? 0 : pieces(p.T) * p.C;
  return (p.T + sums) * static_cast<int64_t>(sizeof(float));
}

void rms_norm_backward(const RmsNormBackwardParams& p, void* scratch, void* stream) {
  auto* const factors = static_cast<float*>(scratch);
  for_plain(p.weight_type, [&](auto w) {
    launch<rms_norm_backward_kernel<decltype(w)>>(
        {dim3(static_cast<unsigned>(p.T)), dim3(kThreads), 2 * kWarps * sizeof(float), stream}, p,
        factors);
  });
  if (p.dweight == nullptr) return;
  float* const sums = factors + p.T;
  const dim3 grid(static_cast<unsigned>((p.C + kColumns - 1) / kColumns),
                  static_cast<unsigned>(pieces(p.T)));
  launch<rms_norm_weight_kernel>({grid, dim3(kColumns), 0, stream}, p,
                                 static_cast<const float*>(factors), sums);
  add_rows(p.dweight, sums, p.C, pieces(p.T), p.C, stream);
}

}  // namespace bc::cuda
