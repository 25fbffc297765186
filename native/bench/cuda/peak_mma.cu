// peak_mma: products of 16x16 and 16x8 tiles of bf16 in registers, over and over.
//
// Shapes  out [blocks,256] f32: the sum of the 32 numbers that a thread has at the end.
// Method  A warp adds to eight sums in turn, so that no product waits for the one before. Nothing is
//         loaded. The factors are small integers of both signs, which differ from lane to lane:
//         zeros or ones would draw less power and clock higher than real numbers do.
// Bound   Tensor cores: 2 * 16 * 8 * 16 flops a product.
//
// Limits  peak_mma_kernel: 64 registers, 256 threads, 0 bytes of shared memory
#include "cuda/mma.cuh"
#include "peak_mma.h"

namespace bc::bench {
namespace {

using namespace bc::cuda;

// Element i of 512 factors, -3 to 3.
__host__ __device__ __forceinline__ int factor(uint32_t i) {
  return static_cast<int>((i * 2654435761u >> 13) % 7u) - 3;
}

// Registers hold two neighbours of a row (a) or column (b); see mma.cuh.
__device__ __forceinline__ uint32_t pair_of(int row, int col, int cols) {
  const auto at = static_cast<uint32_t>(row * cols + col);
  return narrow_pair<bf16>(static_cast<float>(factor(at)), static_cast<float>(factor(at + 1)));
}

__global__ void __launch_bounds__(kPeakThreads) peak_mma_kernel(float* out, int64_t steps) {
  const int group = static_cast<int>(ptx::lane_id()) / 4;
  const int t = static_cast<int>(ptx::lane_id()) % 4;
  FragmentA<bf16> a;
  for (int r = 0; r < 4; ++r) a.r[r] = pair_of(group + 8 * (r % 2), 2 * t + 8 * (r / 2), 16);
  FragmentB<bf16> b[kPeakChains];
  for (int i = 0; i < kPeakChains; ++i) {
    for (int r = 0; r < 2; ++r) b[i].r[r] = pair_of(8 * i + group, 2 * t + 8 * r, 16);
  }
  Accumulator sums[kPeakChains];
  for (int64_t step = 0; step < steps; ++step) {
#pragma unroll
    for (int i = 0; i < kPeakChains; ++i) mma(sums[i], a, b[i]);
  }
  float sum = 0.0f;
  for (const Accumulator& d : sums) {
    for (const float x : d.r) sum += x;
  }
  store(out + static_cast<int64_t>(blockIdx.x) * kPeakThreads + threadIdx.x, sum);
}

}  // namespace

void peak_mma(float* out, int64_t blocks, int64_t steps, void* stream) {
  launch<peak_mma_kernel>({dim3(static_cast<unsigned>(blocks)), dim3(kPeakThreads), 0, stream}, out,
                          steps);
}

void check_peak_mma(test::Check& check, const float* out, int64_t steps) {
  bool same = true;
  for (int thread = 0; thread < kPeakThreads; ++thread) {
    int64_t sum = 0;
    for (int i = 0; i < kPeakChains; ++i) {
      for (int j = 0; j < 4; ++j) {
        const int row = thread % 32 / 4 + j / 2 * 8;
        const int col = 8 * i + thread % 4 * 2 + j % 2;
        for (int k = 0; k < 16; ++k)
          sum += factor(static_cast<uint32_t>(row * 16 + k)) *
                 factor(static_cast<uint32_t>(col * 16 + k));
      }
    }
    same &= out[thread] == static_cast<float>(sum * steps);
  }
  check.that(same, "peak_mma: sums are not those of the host");
}

}  // namespace bc::bench
