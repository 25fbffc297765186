// cross_entropy: loss = log(sum(exp(x))) - x[target]; x becomes (softmax(x) - one_hot(target)) scale, by rows.
//
// Shapes  x [T,V] f32 in place; targets [T], -1 for a row without a loss, which becomes 0; scales, loss [T].
// Method  A block takes a row. Pass 1: each thread has a maximum and the sum of exp(x - maximum), eight
//         numbers at a time; those of the block are added up. Pass 2 writes the quotients.
// Bound   Memory: 12TV bytes, of which the rows that are under way at once may still be in L2: 8TV are
//         distinct. T=2048, V=125696: 3.1 GB.
//
// Limits  cross_entropy_kernel: 64 registers, 512 threads, 128 bytes of shared memory
//
// Twin    cpu/train/cross_entropy_kernel.h
// Source  Milakov and Gimelshein 2018, arXiv:1805.02867 (the sum beside the maximum)
#include "cuda/load.cuh"
#include "cuda/reduce.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / kWarp;
constexpr int kN = 8;  // numbers of a thread that are under way at once
constexpr int64_t kStep = kThreads * kN;

// By what a sum relative to one maximum is multiplied for a higher one.
__device__ __forceinline__ float rescale(float max, float higher) {
  return max == higher ? 1.0f : expf(max - higher);
}

__global__ void __launch_bounds__(kThreads) cross_entropy_kernel(CrossEntropyParams p) {
  const int64_t t = blockIdx.x;
  float* const x = p.x + t * p.x_ld;
  const int32_t target = load(p.targets + t);
  if (target < 0) {
    for (int64_t v = threadIdx.x; v < p.V; v += kThreads) store(x + v, 0.0f);
    if (threadIdx.x == 0) store(p.loss + t, 0.0f);
    return;
  }
  const float right = load(x + target);  // before another thread writes it
  float max = -INFINITY;
  float sum = 0.0f;
  for (int64_t v0 = threadIdx.x; v0 < p.V; v0 += kStep) {
    float of[kN];
    float higher = max;
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      const int64_t v = v0 + i * kThreads;
      of[i] = v < p.V ? load(x + v) : -INFINITY;
      higher = fmaxf(higher, of[i]);
    }
    sum *= rescale(max, higher);
    max = higher;
    const float less = max == -INFINITY ? 0.0f : max;
#pragma unroll
    for (int i = 0; i < kN; ++i) sum += expf(of[i] - less);
  }
  const Shared<float> scratch = shared_memory<float>();
  const float top = block_max(max, scratch);
  const float total = block_sum(sum * rescale(max, top), scratch + kWarps);
  const float scale = load(p.scales + t);
  if (threadIdx.x == 0) {
    const double loss =
        log(static_cast<double>(total)) + (static_cast<double>(top) - static_cast<double>(right));
    store(p.loss + t, static_cast<float>(loss));
  }
  const float factor = scale / total;
  for (int64_t v0 = threadIdx.x; v0 < p.V; v0 += kStep) {
    float of[kN];
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      const int64_t v = v0 + i * kThreads;
      if (v < p.V) of[i] = load(x + v);
    }
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      const int64_t v = v0 + i * kThreads;
      if (v < p.V) store(x + v, expf(of[i] - top) * factor - (v == target ? scale : 0.0f));
    }
  }
}

}  // namespace

void cross_entropy(const CrossEntropyParams& p, void* stream) {
  launch<cross_entropy_kernel>(
      {dim3(static_cast<unsigned>(p.T)), dim3(kThreads), 2 * kWarps * sizeof(float), stream}, p);
}

}  // namespace bc::cuda
