// swiglu: out[t,f] = gate[t,f] / (1 + exp(-gate[t,f])) * up[t,f]
//
// Shapes  gate, up, out [T,F]; out may be gate or up. F is a multiple of 8.
// Method  A thread takes eight numbers of gate and of up, in one pass.
// Bound   Memory: 6TF bytes. T=2048, F=11008: 135.3 MB.
//
// Limits  swiglu_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/swiglu.cpp
// Source  Shazeer 2020, arXiv:2002.05202
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/silu.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kN = 8;  // elements in an access

template <class T>
__global__ void __launch_bounds__(kThreads) swiglu_kernel(SwigluParams p) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t t = blockIdx.x;
  const int64_t f = (int64_t{blockIdx.y} * kThreads + threadIdx.x) * kN;
  if (f >= p.F) return;
  const Vec<float, kN> gate = widen(load<kN>(static_cast<const T*>(p.gate) + t * p.gate_ld + f));
  const Vec<float, kN> up = widen(load<kN>(static_cast<const T*>(p.up) + t * p.up_ld + f));
  Vec<float, kN> out;
#pragma unroll
  for (int k = 0; k < kN; ++k) out[k] = silu(gate[k]) * up[k];
  store(static_cast<T*>(p.out) + t * p.out_ld + f, narrow<T>(out));
}

template <class T>
void launch_swiglu(const SwigluParams& p, void* stream) {
  constexpr int64_t kColumns = kThreads * kN;
  const dim3 grid(static_cast<unsigned>(p.T),
                  static_cast<unsigned>((p.F + kColumns - 1) / kColumns));
  launch<swiglu_kernel<T>>({grid, dim3(kThreads), 0, stream, true}, p);
}

}  // namespace

void swiglu(const SwigluParams& p, void* stream) {
  p.type == Type::bf16 ? launch_swiglu<bf16>(p, stream) : launch_swiglu<f16>(p, stream);
}

}  // namespace bc::cuda
