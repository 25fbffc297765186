// matmul_decode for weights W of any kind (weights.cuh, weights_codes.cuh). How it works:
// matmul_decode.cu.
#pragma once

#include "cuda/matmul/matmul.h"
#include "cuda/matmul/weights.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = kWarp * kParts;
// Between tokens in shared memory: lanes of a pair of sums are 2 tokens apart, 40 floats, and so
// fall into different banks.
constexpr int kSumLd = 20;

template <class W, int kTiles>
constexpr int kPanels = kTiles == 1  ? 1
                        : kTiles > 2 ? W::kMostPanels
                        : W::kPacked ? 2
                                     : 1;

// Steps under way: enough bytes in flight, but no more registers than there are.
template <class W, int kTiles>
constexpr int kDepth = kTiles > 2                     ? (W::kPacked ? 2 : 3)
                       : !W::kPacked                  ? 4
                       : kTiles == 1                  ? 8
                       : sizeof(typename W::Raw) > 16 ? 2
                                                      : 3;

// kTiles: of 8 tokens.
template <class T, class W, int kTiles>
__device__ __forceinline__ void multiply_few(const MatmulParams& p) {
  constexpr int kP = kPanels<W, kTiles>;
  const int64_t n0 = int64_t{blockIdx.x} * kP * kPanel;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(ptx::lane_id());
  const Parts parts(p.K);
  const int begin = parts.begin(warp);
  const int end = parts.begin(warp + 1);

  struct Under {
    typename W::Raw w[kP];
    Vec<T, 8> x[kTiles];
  };
  W weights[kP];
#pragma unroll
  for (int panel = 0; panel < kP; ++panel) weights[panel] = W(p, n0 + panel * kPanel);
  const T* x = static_cast<const T*>(p.x) + lane / 4 * p.x_ld + lane % 4 * 8;
  constexpr int kN = kDepth<W, kTiles>;
  Under under[kN];
  const auto fetch_w = [&](int i, int step) {
    if (step >= end) return;
#pragma unroll
    for (int panel = 0; panel < kP; ++panel) under[i].w[panel] = weights[panel].load(step);
  };
  const auto fetch_x = [&](int i, int step) {
    if (step >= end) return;
    const int64_t k = int64_t{step} * kStep;
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      under[i].x[tile] = {};
      if (lane / 4 + 8 * tile < p.M && k + lane % 4 * 8 < p.K)
        under[i].x[tile] = load<8>(x + 8 * tile * p.x_ld + k);
    }
  };

  Accumulator sum[kP][kTiles];
#pragma unroll
  for (int i = 0; i < kN; ++i) fetch_w(i, begin + i);
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
#pragma unroll
  for (int i = 0; i < kN; ++i) fetch_x(i, begin + i);
  for (int s = begin; s < end; s += kN) {
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      if (s + i >= end) break;
      typename W::X of_step[kTiles];
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) of_step[tile] = weights[0].x_of(under[i].x[tile]);
#pragma unroll
      for (int panel = 0; panel < kP; ++panel) {
        const typename W::Step w = weights[panel].unpack(under[i].w[panel]);
        if (weights[panel].lifts()) {
#pragma unroll
          for (int tile = 0; tile < kTiles; ++tile) W::lift(sum[panel][tile], w, of_step[tile]);
        }
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) W::multiply(sum[panel][tile], w, of_step[tile]);
      }
      fetch_w(i, s + i + kN);
      fetch_x(i, s + i + kN);
    }
  }

  constexpr int kTokens = 8 * kTiles;
  const Shared<float> sums = shared_memory<float>();  // [kParts][kP][kTokens][16]
#pragma unroll
  for (int panel = 0; panel < kP; ++panel) {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int m = tile * 8 + token_of_sum(i);
        const Vec<float, 2> pair = {{sum[panel][tile].r[i], sum[panel][tile].r[i + 2]}};
        store(sums + ((warp * kP + panel) * kTokens + m) * kSumLd + row_of_sum(0), pair);
      }
    }
  }
  __syncthreads();
  constexpr int kPairs = kPanel / 2;
  for (int i = static_cast<int>(threadIdx.x); i < kP * kTokens * kPairs; i += kThreads) {
    // Half warps read tokens 4 apart, 80 floats, which lie in the other half of the banks.
    const int row = i / kPairs;  // of [kP][kTokens]
    const int turned = row / 8 * 8 + row % 2 * 4 + row % 8 / 2;
    const int64_t m = turned % kTokens;
    const int64_t n = n0 + turned / kTokens * kPanel + i % kPairs * 2;
    if (m >= p.M || n >= p.N) continue;
    const Shared<float> from = sums + turned * kSumLd + i % kPairs * 2;
    Vec<float, 2> total = load<2>(from);
#pragma unroll
    for (int part = 1; part < kParts; ++part) {
      if (part >= parts.parts) break;
      const Vec<float, 2> more = load<2>(from + part * kP * kTokens * kSumLd);
      total[0] += more[0];
      total[1] += more[1];
    }
    store_out<T>(p, m, n, total[0], total[1]);
  }
}

// Up to 16 tokens: two blocks share an SM.
template <class T, class W, int kTiles>
__global__ void __launch_bounds__(kThreads, 2) matmul_decode_kernel(MatmulParams p) {
  multiply_few<T, W, kTiles>(p);
}

// Up to 32 tokens.
template <class T, class W, int kTiles>
__global__ void __launch_bounds__(kThreads, 1) matmul_batch_kernel(MatmulParams p) {
  multiply_few<T, W, kTiles>(p);
}

template <class T, class W>
struct Decode {
  template <int kTiles>
  static void with(const MatmulParams& p, void* stream) {
    constexpr int kP = kPanels<W, kTiles>;
    constexpr int64_t kRows = kP * kPanel;
    const auto blocks = static_cast<unsigned>((p.N + kRows - 1) / kRows);
    constexpr size_t kSharedBytes = kParts * kP * kTiles * 8 * kSumLd * sizeof(float);
    const Launch how = {dim3(blocks), dim3(kThreads), kSharedBytes, stream, p.w_at_rest};
    if constexpr (kTiles <= 2) {
      cuda::launch<matmul_decode_kernel<T, W, kTiles>>(how, p);
    } else {
      cuda::launch<matmul_batch_kernel<T, W, kTiles>>(how, p);
    }
  }
  static void launch(const MatmulParams& p, const Facts&, void* stream) {
    if (p.M <= 8) return with<1>(p, stream);
    if (p.M <= 16) return with<2>(p, stream);
    if constexpr (W::kOfThreeTiles) {
      if (p.M <= 24) return with<3>(p, stream);
    }
    with<4>(p, stream);
  }
};

}  // namespace
}  // namespace bc::cuda
