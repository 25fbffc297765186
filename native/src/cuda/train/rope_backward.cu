// rope_backward: turns the pairs of the heads of queries and keys back, times the scale, and where a head was
// normalized before it was turned goes on as rms_norm_backward does.
//
// Shapes  dqkv [T,(H+2G)D] f32 in place, of which [T,(H+G)D] is touched; qkv before rope where there are
//         norms [D] f32, f16 or bf16; scratch has the sums of 16 tokens at a time [T/16,2,D]. D is a
//         multiple of 8, up to 256.
// Method  A rotation's transpose is the rotation by the negative angle. A block takes a token, whose
//         cosines and sines its threads make once (turn.cuh), and a warp a head, with up to four pairs a
//         lane in registers. Where gradients of norms are asked for, a block takes 16 tokens: a warp
//         adds up what its heads give, the block adds its warps up, and add_rows the blocks, in order.
// Bound   Memory: 8T(H+G)D bytes, and 4T(H+G)D with norms. T=2048, H=G=32, D=128: 134.2 MB, 201.3 MB.
//
// Limits  rope_backward_kernel: 104 registers, 256 threads, 17408 bytes of shared memory
//
// Twin    cpu/train/rope_backward_kernel.h
// Source  Su et al. 2021, arXiv:2104.09864; Henry et al. 2020, arXiv:2010.04245 (norms of queries and keys)
#include "cuda/load.cuh"
#include "cuda/reduce.cuh"
#include "cuda/train/kernels.h"
#include "cuda/turn.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kPairs = 4;        // of a lane
constexpr int64_t kTokens = 16;  // of a block that sums gradients of norms

struct NoNorm {};

// The pairs of a lane: numbers k and k + D/2 of a head, for k = lane, lane + 32 and on.
struct Pairs {
  float low[kPairs], high[kPairs];

  static __device__ __forceinline__ int place(int i) {
    return static_cast<int>(threadIdx.x) % kWarp + i * kWarp;
  }
  template <class W>
  static __device__ __forceinline__ Pairs of(const W* head, int half) {
    Pairs pairs;
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      const int k = place(i);
      pairs.low[i] = k < half ? widen(load(head + k)) : 0.0f;
      pairs.high[i] = k < half ? widen(load(head + half + k)) : 0.0f;
    }
    return pairs;
  }
};

// d, the derivative with respect to x f norm, becomes that with respect to x; sums gains d x f.
__device__ __forceinline__ void norm_back(Pairs& d, const Pairs& x, const Pairs& norm, float width,
                                          float eps, Pairs& sums) {
  float squares = 0.0f;
  float products = 0.0f;
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    squares = fmaf(x.low[i], x.low[i], fmaf(x.high[i], x.high[i], squares));
    products =
        fmaf(x.low[i], norm.low[i] * d.low[i], fmaf(x.high[i], norm.high[i] * d.high[i], products));
  }
  const float f = 1.0f / sqrtf(warp_sum(squares) / width + eps);
  const float along = warp_sum(products) / width * f * f;
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    sums.low[i] = fmaf(d.low[i], x.low[i] * f, sums.low[i]);
    sums.high[i] = fmaf(d.high[i], x.high[i] * f, sums.high[i]);
    d.low[i] = f * (norm.low[i] * d.low[i] - x.low[i] * along);
    d.high[i] = f * (norm.high[i] * d.high[i] - x.high[i] * along);
  }
}

// W is the type of the norms. The frequencies in p are in quarter turns. sums [blocks,2,D] or null.
template <class W>
__global__ void __launch_bounds__(kThreads)
    rope_backward_kernel(const __grid_constant__ RopeBackwardParams p, int64_t tokens,
                         float* sums) {
  constexpr bool kNormed = !std::is_same<W, NoNorm>::value;
  const RopeParams& of = p.forward;
  const auto D = static_cast<int>(of.D);
  const int half = D / 2;
  const auto warp = static_cast<int>(threadIdx.x) / kWarp;
  const Shared<float> cosines = shared_memory<float>();
  const Shared<float> sines = cosines + half;
  const int64_t begin = int64_t{blockIdx.x} * tokens;
  const int64_t end = begin + tokens < of.T ? begin + tokens : of.T;
  Pairs of_norms[2] = {};  // of queries and of keys
  for (int64_t t = begin; t < end; ++t) {
    __syncthreads();  // the table of the token before was read
    for (int k = static_cast<int>(threadIdx.x); k < half; k += kThreads) {
      const Turn it = turn(load(of.positions + t) * of.frequencies[k]);
      cosines[k] = it.cosine * of.scale;
      sines[k] = it.sine * of.scale;
    }
    __syncthreads();
    for (int64_t h = warp; h < of.H + of.G; h += kWarps) {
      float* const head = p.dqkv + t * p.dqkv_ld + h * D;
      Pairs d = Pairs::of(head, half);
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        const int k = Pairs::place(i);
        if (k >= half) continue;
        const float x = d.low[i];
        const float y = d.high[i];
        const float c = cosines[k];
        const float s = sines[k];
        d.low[i] = fmaf(x, c, y * s);
        d.high[i] = fmaf(y, c, -(x * s));
      }
      if constexpr (kNormed) {
        const Pairs x = Pairs::of(p.qkv + t * p.qkv_ld + h * D, half);
        const auto width = static_cast<float>(D);
        if (h < of.H) {
          const Pairs norm = Pairs::of(static_cast<const W*>(of.q_norm), half);
          norm_back(d, x, norm, width, of.eps, of_norms[0]);
        } else {
          const Pairs norm = Pairs::of(static_cast<const W*>(of.k_norm), half);
          norm_back(d, x, norm, width, of.eps, of_norms[1]);
        }
      }
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        const int k = Pairs::place(i);
        if (k >= half) continue;
        store(head + k, d.low[i]);
        store(head + half + k, d.high[i]);
      }
    }
  }
  if constexpr (kNormed) {
    if (sums == nullptr) return;
    const Shared<float> of_warps = shared_memory<float>(static_cast<uint32_t>(D) * sizeof(float));
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      const int k = Pairs::place(i);
      if (k >= half) continue;
#pragma unroll
      for (int of_key = 0; of_key < 2; ++of_key) {
        of_warps[(warp * 2 + of_key) * D + k] = of_norms[of_key].low[i];
        of_warps[(warp * 2 + of_key) * D + half + k] = of_norms[of_key].high[i];
      }
    }
    __syncthreads();
    for (int d = static_cast<int>(threadIdx.x); d < 2 * D; d += kThreads) {
      float sum = 0.0f;
      for (int w = 0; w < kWarps; ++w) sum += of_warps[w * 2 * D + d];
      store(sums + int64_t{blockIdx.x} * 2 * D + d, sum);
    }
  }
}

int64_t tokens_of_block(const RopeBackwardParams& p) { return p.dq_norm == nullptr ? 1 : kTokens; }

int64_t blocks_of(const RopeBackwardParams& p) {
  return (p.forward.T + tokens_of_block(p) - 1) / tokens_of_block(p);
}

template <class W>
void launch_rope_backward(const RopeBackwardParams& p, float* sums, void* stream) {
  RopeBackwardParams in_quarters = p;
  in_quarters.forward = quarters(p.forward);
  const int64_t floats = p.forward.D * (sums == nullptr ? 1 : 1 + 2 * kWarps);
  launch<rope_backward_kernel<W>>({dim3(static_cast<unsigned>(blocks_of(p))), dim3(kThreads),
                                   static_cast<size_t>(floats) * sizeof(float), stream},
                                  in_quarters, tokens_of_block(p), sums);
}

}  // namespace

int64_t rope_backward_scratch_bytes(const RopeBackwardParams& p) {
  return p.dq_norm == nullptr
             ? 0
             : blocks_of(p) * 2 * p.forward.D * static_cast<int64_t>(sizeof(float));
}

void rope_backward(const RopeBackwardParams& p, void* scratch, void* stream) {
  const RopeParams& of = p.forward;
  if (of.q_norm == nullptr) return launch_rope_backward<NoNorm>(p, nullptr, stream);
  auto* const sums = p.dq_norm == nullptr ? nullptr : static_cast<float*>(scratch);
  for_plain(of.norm_type, [&](auto w) { launch_rope_backward<decltype(w)>(p, sums, stream); });
  if (sums == nullptr) return;
  add_rows(p.dq_norm, sums, 2 * of.D, blocks_of(p), of.D, stream);
  add_rows(p.dk_norm, sums + of.D, 2 * of.D, blocks_of(p), of.D, stream);
}

}  // namespace bc::cuda
