// matmul_decode: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k], for few tokens
//
// Shapes  x [M,K], out [M,N], row_scale [N] or null; w [N,K] rows of 16 bits, or panels of q8 or q4.
//         M is 1 to 32. K is a multiple of 8; of q8 and q4, of 32.
//
// Method  A block has 16 rows of w; its 8 warps have an eighth of K each. Weights go from global
//         memory to the registers of the tensor cores, with several steps under way; x comes from
//         L1. The eight sums meet in shared memory and are added in order.
//
// Bound   Memory: the weights, 2NK bytes (q8: 1.0625 NK, q4: 0.5625 NK), x 2MK and out 2MN (f32:
//         4MN). M=1, N=4096, K=4096: 33.6 MB, 17.8 MB, 9.5 MB. Each block reads x again, from L1 or
//         L2: 2MK ceil(N/16) bytes.
//
// Limits  matmul_decode_kernel: 128 registers, 256 threads, 20480 bytes of shared memory
//
// Twin    ../cpu/matmul.cpp
#include "weights.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = kWarp * kSplits;
constexpr int kRowsOfBlock = 16;
// Between tokens in shared memory: lanes of an accumulator are 2 tokens apart, 40 floats, and so
// fall into different banks.
constexpr int kSumLd = 20;

// Steps under way: enough bytes in flight, but no more registers than two blocks leave.
template <class T, class W, int kTiles>
constexpr int kDepth = kTiles == 4                    ? 2
                       : sizeof(typename W::Raw) > 16 ? 4
                                                      : 8 / kTiles;

// kTiles: of 8 tokens.
template <class T, class W, int kTiles>
__global__ void __launch_bounds__(kThreads, 2) matmul_decode_kernel(MatmulParams p) {
  const int64_t n0 = int64_t{blockIdx.x} * kRowsOfBlock;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(ptx::lane_id());
  const int steps = steps_of(p.K);
  const int part = steps_of_part(steps);
  const int begin = warp * part;
  const int end = begin + part < steps ? begin + part : steps;

  struct Under {
    typename W::Raw w;
    Vec<T, 8> x[kTiles];
  };
  const W weights(p, n0);
  const T* x = static_cast<const T*>(p.x) + lane / 4 * p.x_ld + lane % 4 * 8;
  const auto fetch = [&](int step) {
    Under under;
    under.w = weights.load(step);
    const int64_t k = int64_t{step} * kStep;
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      under.x[tile] = {};
      if (lane / 4 + 8 * tile < p.M && k + lane % 4 * 8 < p.K)
        under.x[tile] = load<8>(x + 8 * tile * p.x_ld + k);
    }
    return under;
  };

  constexpr int kN = kDepth<T, W, kTiles>;
  Under under[kN];
  Accumulator sum[kTiles];
#pragma unroll
  for (int i = 0; i < kN; ++i) {
    if (begin + i < end) under[i] = fetch(begin + i);
  }
  for (int s = begin; s < end; s += kN) {
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      if (s + i >= end) break;
      const typename W::Step w = W::unpack(under[i].w);
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile)
        W::multiply(sum[tile], w, step_x<T>(under[i].x[tile]));
      if (s + i + kN < end) under[i] = fetch(s + i + kN);
    }
  }

  constexpr int kTokens = 8 * kTiles;
  const Shared<float> sums = shared_memory<float>();  // [kSplits][kTokens][16]
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int m = tile * 8 + Accumulator::col(i);
      sums[(warp * kTokens + m) * kSumLd + Accumulator::row(i)] = sum[tile].r[i];
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < kTokens * kRowsOfBlock; i += kThreads) {
    // Half warps read tokens 4 apart, 80 floats, which lie in the other half of the banks.
    const int pair = i / kRowsOfBlock;
    const int m = pair / 8 * 8 + pair % 2 * 4 + pair % 8 / 2;
    const int64_t n = n0 + i % kRowsOfBlock;
    if (m >= p.M || n >= p.N) continue;
    float total = 0.0f;
    for (int j = 0; j < kSplits; ++j) total += sums[(j * kTokens + m) * kSumLd + i % kRowsOfBlock];
    store_out<T>(p, m, n, total);
  }
}

template <class T, class W>
struct Decode {
  template <int kTiles>
  static void with(const MatmulParams& p, void* stream) {
    const auto blocks = static_cast<unsigned>((p.N + kRowsOfBlock - 1) / kRowsOfBlock);
    cuda::launch<matmul_decode_kernel<T, W, kTiles>>(
        {dim3(blocks), dim3(kThreads), kSplits * kTiles * 8 * kSumLd * sizeof(float), stream}, p);
  }
  static void launch(const MatmulParams& p, void* stream) {
    p.M <= 8 ? with<1>(p, stream) : p.M <= 16 ? with<2>(p, stream) : with<4>(p, stream);
  }
};

}  // namespace

void matmul_decode(const MatmulParams& p, void* stream) { for_weights<Decode>(p, stream); }

}  // namespace bc::cuda
