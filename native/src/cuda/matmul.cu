// matmul: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k]
//
// Shapes  x [M,K], out [M,N], row_scale [N] or null; w [N,K] rows of 16 bits, or panels of q8 or q4.
//         K is a multiple of 8; of q8 and q4, of 32. Up to 32 tokens: matmul_decode.cu.
//
// Method  A block has 64 tokens and 128 rows of w, 32 for each of its 4 warps. x comes through
//         shared memory, with 3 steps of 32 columns under way. No two warps share a weight, so
//         weights go straight to registers, one step ahead, and are unpacked once for 64 tokens.
//         Sums of an eighth of K are added up in shared memory, in the order of matmul_decode.
//
// Bound   Tensor cores: 2MNK flops. M=2048, N=4096, K=4096: 68.7 Gflop, 0.22 ms at the 312 Tflop/s
//         of an A100. Weights are read ceil(M/64) times and x ceil(N/128) times, from L2.
//
// Limits  matmul_kernel: 208 registers, 128 threads, 50176 bytes of shared memory
//
// Twin    ../cpu/matmul.cpp
#include "weights.cuh"

namespace bc::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * kWarp;
constexpr int kTokens = 64;
constexpr int kPanelsOfWarp = 2;
constexpr int kRowsOfWarp = kPanelsOfWarp * 16;
constexpr int kRowsOfBlock = kWarps * kRowsOfWarp;
static_assert(kRowsOfBlock == kThreads, "a thread stores one column");
constexpr int kTiles = kTokens / 8;

constexpr int kStages = 4;
constexpr int kStageElements = kTokens * kStep;
constexpr int kXBytes = kStages * kStageElements * 2;
// Two tokens are 264 floats apart: lanes of an accumulator fall into different banks.
constexpr int kSumLd = kRowsOfBlock + 4;
constexpr int kSharedBytes = kXBytes + kTokens * kSumLd * 4;

// Rows of 64 bytes need no swizzle: the 8 lanes of a 16-byte phase read two of them whole.
template <class T>
__device__ __forceinline__ void copy_x(const MatmulParams& p, Shared<T> stage, int64_t m0,
                                       int step) {
#pragma unroll
  for (int i = 0; i < kStageElements / 8 / kThreads; ++i) {
    const int chunk = i * kThreads + static_cast<int>(threadIdx.x);
    const int64_t m = m0 + chunk / 4;
    const int64_t k = int64_t{step} * kStep + chunk % 4 * 8;
    const bool inside = m < p.M && k < p.K;
    const T* from = static_cast<const T*>(p.x) + (inside ? m * p.x_ld + k : 0);
    ptx::cp_async<16>(stage + chunk * 8, from, inside ? 16 : 0);
  }
}

// Blocks of an SM. Three leave 168 registers, of which unpacking would spill a few.
template <class W>
constexpr int kBlocks = W::kUnpacked ? 2 : 3;

template <class T, class W>
__global__ void __launch_bounds__(kThreads, kBlocks<W>) matmul_kernel(MatmulParams p) {
  const int64_t m0 = int64_t{blockIdx.x} * kTokens;
  const int64_t n0 = int64_t{blockIdx.y} * kRowsOfBlock;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(ptx::lane_id());
  const int steps = steps_of(p.K);
  const int part = steps_of_part(steps);
  const Shared<T> stages = shared_memory<T>();
  const Shared<float> sums = shared_memory<float>(kXBytes);  // [kTokens][kRowsOfBlock]

  const W weights[kPanelsOfWarp] = {W(p, n0 + warp * kRowsOfWarp),
                                    W(p, n0 + warp * kRowsOfWarp + 16)};
  typename W::Raw next[kPanelsOfWarp];
#pragma unroll
  for (int panel = 0; panel < kPanelsOfWarp; ++panel) next[panel] = weights[panel].load(0);
#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < steps) copy_x(p, stages + s * kStageElements, m0, s);
    ptx::cp_async_commit_group();
  }

  Accumulator acc[kPanelsOfWarp][kTiles];
  int until = part;  // the step at which this part of K ends
  for (int s = 0; s < steps; ++s) {
    ptx::cp_async_wait_group<kStages - 2>();
    // Step s has come for every thread, and everyone is done with the stage that is filled next.
    __syncthreads();
    if (s + kStages - 1 < steps)
      copy_x(p, stages + (s + kStages - 1) % kStages * kStageElements, m0, s + kStages - 1);
    ptx::cp_async_commit_group();

    typename W::Step w[kPanelsOfWarp];
#pragma unroll
    for (int panel = 0; panel < kPanelsOfWarp; ++panel) {
      w[panel] = W::unpack(next[panel]);
      if (s + 1 < steps) next[panel] = weights[panel].load(s + 1);
    }
    const Shared<T> x = stages + s % kStages * kStageElements + lane * 8;
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const StepX<T> b = step_x<T>(load<8>(x + tile * 8 * kStep));
#pragma unroll
      for (int panel = 0; panel < kPanelsOfWarp; ++panel)
        W::multiply(acc[panel][tile], w[panel], b);
    }

    if (s + 1 < until && s + 1 < steps) continue;
    const bool first = until == part;
    until += part;
#pragma unroll
    for (int panel = 0; panel < kPanelsOfWarp; ++panel) {
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int m = tile * 8 + Accumulator::col(i);
          const int n = warp * kRowsOfWarp + panel * 16 + Accumulator::row(i);
          float sum = acc[panel][tile].r[i];
          if (!first) sum = sums[m * kSumLd + n] + sum;
          sums[m * kSumLd + n] = sum;
          acc[panel][tile].r[i] = 0.0f;
        }
      }
    }
  }

  __syncthreads();
  const int64_t n = n0 + threadIdx.x;
  if (n >= p.N) return;
  for (int m = 0; m < kTokens && m0 + m < p.M; ++m)
    store_out<T>(p, m0 + m, n, sums[m * kSumLd + threadIdx.x]);
}

// Blocks of the same weights follow each other, so that L2 serves all but the first.
template <class T, class W>
struct Tiled {
  static void launch(const MatmulParams& p, void* stream) {
    const auto x = static_cast<unsigned>((p.M + kTokens - 1) / kTokens);
    const auto y = static_cast<unsigned>((p.N + kRowsOfBlock - 1) / kRowsOfBlock);
    cuda::launch<matmul_kernel<T, W>>({dim3(x, y), dim3(kThreads), kSharedBytes, stream}, p);
  }
};

}  // namespace

void matmul(const MatmulParams& p, void* stream) {
  p.M <= kDecodeTokens ? matmul_decode(p, stream) : for_weights<Tiled>(p, stream);
}

}  // namespace bc::cuda
