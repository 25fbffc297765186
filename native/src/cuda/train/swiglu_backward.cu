// swiglu_backward: with s = 1 / (1 + exp(-gate)) and y = gate s up,
//   dgate = dy up s (1 + gate (1 - s))          dup = dy gate s
//
// Shapes  all [T,F] f32; dgate and dup may be what they are made of.
// Method  One pass. A thread has its twelve numbers in registers before it writes any. Where exp(-gate)
//         overflows, s is 0 and so are both.
// Bound   Memory: 20TF bytes. T=2048, F=11008: 450.9 MB.
//
// Limits  swiglu_backward_kernel: 48 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/train/swiglu_backward_kernel.h
// Source  Shazeer 2020, arXiv:2002.05202
#include "cuda/load.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kN = 4;  // numbers of a thread, which lie a block apart
constexpr int64_t kColumns = kThreads * kN;

__global__ void __launch_bounds__(kThreads) swiglu_backward_kernel(SwigluBackwardParams p) {
  const int64_t t = blockIdx.x;
  const int64_t f0 = int64_t{blockIdx.y} * kColumns + threadIdx.x;
  float gate[kN];
  float up[kN];
  float dy[kN];
#pragma unroll
  for (int i = 0; i < kN; ++i) {
    const int64_t f = f0 + i * kThreads;
    if (f >= p.F) continue;
    gate[i] = load(p.gate + t * p.gate_ld + f);
    up[i] = load(p.up + t * p.up_ld + f);
    dy[i] = load(p.dy + t * p.dy_ld + f);
  }
#pragma unroll
  for (int i = 0; i < kN; ++i) {
    const int64_t f = f0 + i * kThreads;
    if (f >= p.F) continue;
    const float e = expf(-gate[i]);
    const float s = 1.0f / (1.0f + e);
    // 1 - s without cancellation: exp(-gate) s, of which exp may be infinite where s is 0.
    const float rest = fminf(1.0f, fminf(e, 1e38f) * s);
    store(p.dgate + t * p.dgate_ld + f, dy[i] * up[i] * (s * fmaf(gate[i], rest, 1.0f)));
    store(p.dup + t * p.dup_ld + f, dy[i] * (gate[i] * s));
  }
}

}  // namespace

void swiglu_backward(const SwigluBackwardParams& p, void* stream) {
  const dim3 grid(static_cast<unsigned>(p.T),
                  static_cast<unsigned>((p.F + kColumns - 1) / kColumns));
  launch<swiglu_backward_kernel>({grid, dim3(kThreads), 0, stream}, p);
}

}  // namespace bc::cuda
