// rms_norm: out[t,c] = x[t,c] * weight[c] / sqrt(mean_c(x[t,c]^2) + eps)
// add_rms_norm: x += delta first, rounded to the type of x.
//
// Shapes  x, delta, out [T,C]; weight [C]. C is a multiple of 8, up to 16384.
//
// Method  One block per token. A thread keeps 16 elements in registers from the sum of squares to
//         the scaling, so that every row is read once. Their weights, which no kernel ahead writes,
//         are loaded before the wait for these kernels: after it, and after the sum over the block,
//         nothing comes from memory any more.
//
// Bound   Memory: TC (x + out) + C weight bytes; of bf16: 4TC + 2C. With delta, which is read, and
//         x, which is written back: 8TC + 2C. T=2048, C=4096: 33.6 MB and 67.1 MB. Each block reads
//         the weight again, from L2.
//
// Limits  rms_norm_kernel: 64 registers, 1024 threads, 128 bytes of shared memory
//
// Twin    cpu/rms_norm.cpp
// Source  Zhang & Sennrich 2019, arXiv:1910.07467
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/reduce.cuh"

namespace bc::cuda {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kElements = 16;  // of a thread
static_assert(kElements * kMaxThreads == kMaxNormWidth, "the largest block holds a row");

// Elements of one access: 16 bytes of the widest of the three types. An access of a warp then
// covers whole sectors in every one of them.
template <class X, class W>
constexpr int kVector = sizeof(X) == 4 || sizeof(W) == 4 ? 4 : 8;

template <class T, class X, class W>
__global__ void __launch_bounds__(kMaxThreads) rms_norm_kernel(RmsNormParams p) {
  ptx::griddepcontrol_launch_dependents();
  const int64_t t = blockIdx.x;
  T* out = static_cast<T*>(p.out) + t * p.out_ld;
  X* x = static_cast<X*>(p.x) + t * p.x_ld;
  const T* delta = static_cast<const T*>(p.delta) + t * p.delta_ld;
  const W* weight = static_cast<const W*>(p.weight);

  constexpr int kN = kVector<X, W>;
  Vec<W, kN> weights[kElements / kN];
#pragma unroll
  for (int i = 0; i < kElements / kN; ++i) {
    const int64_t c = (i * blockDim.x + threadIdx.x) * kN;
    if (c < p.C) weights[i] = load<kN>(weight + c);
  }
  ptx::griddepcontrol_wait();
  Vec<float, kN> row[kElements / kN];
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < kElements / kN; ++i) {
    const int64_t c = (i * blockDim.x + threadIdx.x) * kN;
    if (c >= p.C) continue;
    row[i] = widen(load<kN>(x + c));
    if (p.delta != nullptr) {
      const Vec<float, kN> d = widen(load<kN>(delta + c));
      for (int k = 0; k < kN; ++k) row[i][k] += d[k];
      const Vec<X, kN> sum = narrow<X>(row[i]);
      store(x + c, sum);
      row[i] = widen(sum);  // what the next op will read
    }
    for (int k = 0; k < kN; ++k) squares = fmaf(row[i][k], row[i][k], squares);
  }

  const float mean = block_sum(squares, shared_memory<float>()) / static_cast<float>(p.C);
  const float factor = 1.0f / sqrtf(mean + p.eps);
#pragma unroll
  for (int i = 0; i < kElements / kN; ++i) {
    const int64_t c = (i * blockDim.x + threadIdx.x) * kN;
    if (c >= p.C) continue;
    const Vec<float, kN> w = widen(weights[i]);
    for (int k = 0; k < kN; ++k) row[i][k] *= factor * w[k];
    store(out + c, narrow<T>(row[i]));
  }
}

template <class T, class X, class W>
void launch_rms_norm(const RmsNormParams& p, void* stream) {
  const int64_t a_warp = kWarp * kElements;
  const auto warps = static_cast<unsigned>((p.C + a_warp - 1) / a_warp);
  launch<rms_norm_kernel<T, X, W>>({dim3(static_cast<unsigned>(p.T)), dim3(warps * kWarp),
                                    warps * sizeof(float), stream, p.weight_at_rest},
                                   p);
}

template <class T, class X>
void for_weight(const RmsNormParams& p, void* stream) {
  for_plain(p.weight_type, [&](auto w) { launch_rms_norm<T, X, decltype(w)>(p, stream); });
}

template <class T>
void for_residual(const RmsNormParams& p, void* stream) {
  p.x_type == Type::f32 ? for_weight<T, float>(p, stream) : for_weight<T, T>(p, stream);
}

}  // namespace

void rms_norm(const RmsNormParams& p, void* stream) {
  p.out_type == Type::bf16 ? for_residual<bf16>(p, stream) : for_residual<f16>(p, stream);
}

}  // namespace bc::cuda
