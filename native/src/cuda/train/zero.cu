// zero: every x[i] becomes 0.
//
// Shapes  x [n] f32.
// Method  A thread has eight numbers that lie a block apart, so that a warp writes whole lines.
// Bound   Memory: 4n bytes. n=67108864: 268.4 MB.
//
// Limits  zero_kernel: 32 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/train/rows_backward.cpp
#include "cuda/load.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kN = 8;  // numbers of a thread, which lie a block apart

__global__ void __launch_bounds__(kThreads) zero_kernel(ZeroParams p) {
  const int64_t begin = int64_t{blockIdx.x} * (kThreads * kN) + threadIdx.x;
#pragma unroll
  for (int i = 0; i < kN; ++i) {
    if (begin + i * kThreads < p.n) store(p.x + begin + i * kThreads, 0.0f);
  }
}

}  // namespace

void zero(const ZeroParams& p, void* stream) {
  constexpr int64_t kOfBlock = kThreads * kN;
  const auto blocks = static_cast<unsigned>((p.n + kOfBlock - 1) / kOfBlock);
  launch<zero_kernel>({dim3(blocks), dim3(kThreads), 0, stream}, p);
}

}  // namespace bc::cuda
