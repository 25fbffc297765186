// matmul: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k]
//
// Shapes  x [M,K], out [M,N], row_scale [N] or null; w [N,K] rows of 16 bits, or panels of q8 or q4.
//         K is a multiple of 8; of q8 and q4, of 32. With swiglu out is [M,N/2]. Up to 32 tokens:
//         matmul_decode.cu.
//
// TODO header
//
// Limits  matmul_narrow_kernel: 255 registers, 128 threads, 49152 bytes of shared memory
//         matmul_wide_kernel: 255 registers, 256 threads, 163840 bytes of shared memory, only sm_80 sm_90
//         matmul_sum_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    ../cpu/matmul.cpp
#include "weights.cuh"

namespace bc::cuda {
namespace {

constexpr int kPanelsOfWarp = 2;
constexpr int kRowsOfWarp = kPanelsOfWarp * kPanel;
constexpr int kStages = 2;
constexpr int kStepsOfStage = 2;  // a stage has whole lines of 128 bytes of x

template <int kTokens_, int kWarps>
struct Tile {
  static constexpr int kTokens = kTokens_;
  static constexpr int kRows = kWarps * kRowsOfWarp;
  static constexpr int kThreads = kWarps * kWarp;
  static constexpr int kTiles = kTokens / 8;
  static constexpr int kStepElements = kTokens * kStep;
  static constexpr int kStageElements = kStepsOfStage * kStepElements;
  static constexpr int kXBytes = kStages * kStageElements * 2;
  static constexpr int kSums = kPanelsOfWarp * kTiles;  // accumulators of a thread
  static constexpr int kSharedBytes = kXBytes + kSums * kThreads * 16;
};
using Narrow = Tile<64, 4>;
using Wide = Tile<128, 8>;

// Which tiles are whole and which are split: see plan_of.
struct Plan {
  bool wide;
  int whole;  // the first tiles, each of them a block
  int rest;   // the other tiles, each of them `split` blocks
  int split;  // a divisor of kParts

  int blocks() const { return whole + rest * split; }
  bool summed() const { return rest > 0 && split > 1; }
};

// What a block does: parts begin to end of tile `tile`.
struct Work {
  int tile, begin, end;
  bool whole;
};

__device__ __forceinline__ Work work_of(const Plan& plan, int block) {
  if (block < plan.whole) return {block, 0, kParts, true};
  const int at = block - plan.whole;
  const int parts = kParts / plan.split;
  const int begin = at % plan.split * parts;
  return {plan.whole + at / plan.split, begin, begin + parts, plan.split == 1};
}

// Tiles of the same rows of w follow each other, so that L2 serves all but the first.
template <class S>
struct Place {
  int64_t m0, n0;
  __device__ __forceinline__ Place(const MatmulParams& p, int tile) {
    const int across = static_cast<int>((p.M + S::kTokens - 1) / S::kTokens);
    m0 = int64_t{tile % across} * S::kTokens;
    n0 = int64_t{tile / across} * S::kRows;
  }
};

// Sums wait in the order in which threads hold them, in shared memory and in the scratch alike:
// [panels and tiles of 8 tokens of a warp][threads][4].
template <class S>
__device__ __forceinline__ int at_of_sums(int panel, int tile) {
  return ((panel * S::kTiles + tile) * S::kThreads + static_cast<int>(threadIdx.x)) * 4;
}

// The scratch: [rest][kParts] times the sums of a tile.
template <class S>
__device__ __forceinline__ float* scratch_of(const MatmulParams& p, const Plan& plan, int tile,
                                             int part) {
  return static_cast<float*>(p.scratch) +
         (int64_t{tile - plan.whole} * kParts + part) * (S::kTokens * S::kRows);
}

__device__ __forceinline__ void add(Vec<float, 4>& sum, const Vec<float, 4>& part) {
#pragma unroll
  for (int i = 0; i < 4; ++i) sum[i] += part[i];
}

// Stores what a lane has of a panel and eight tokens.
template <class T>
__device__ __forceinline__ void store_sum(const MatmulParams& p, int64_t m0, int64_t n0,
                                          const Vec<float, 4>& sum) {
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int64_t m = m0 + token_of_sum(i);
    const int64_t n = n0 + row_of_sum(0);
    if (m < p.M && n < p.N) store_out<T>(p, m, n, sum[i], sum[i + 2]);
  }
}

// A stage has its steps one after the other, each with rows of 64 bytes. They need no swizzle: 8 lanes
// fill or read two of them whole. A warp fetches 4 rows of 128 bytes.
template <class S, class T>
__device__ __forceinline__ void copy_x(const MatmulParams& p, Shared<T> stage, int64_t m0,
                                       int first) {
#pragma unroll
  for (int i = 0; i < S::kStageElements / 8 / S::kThreads; ++i) {
    const int at = i * S::kThreads + static_cast<int>(threadIdx.x);
    const int step = at / 8 % kStepsOfStage;
    const int row = at / (8 * kStepsOfStage) * 2 + at / 4 % 2;
    const int column = at % 4 * 8;
    const int64_t m = m0 + row;
    const int64_t k = int64_t{first + step} * kStep + column;
    const bool inside = m < p.M && k < p.K;
    const T* from = static_cast<const T*>(p.x) + (inside ? m * p.x_ld + k : 0);
    ptx::cp_async<16>(stage + step * S::kStepElements + row * kStep + column, from,
                      inside ? 16 : 0);
  }
}

// Steps of weights under way in registers.
template <class S, class W>
constexpr int kDepth = S::kTokens == 128              ? 1
                       : sizeof(typename W::Raw) > 12 ? 2
                                                      : 4;

template <class S, class T, class W>
__device__ __forceinline__ void multiply_tile(const MatmulParams& p, const Plan& plan) {
  const Work work = work_of(plan, static_cast<int>(blockIdx.x));
  const Place<S> place(p, work.tile);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(ptx::lane_id());
  const Parts parts(p.K);
  const int begin = parts.begin(work.begin);
  const int end = parts.begin(work.end);
  if (begin == end) return;  // K has fewer parts
  const Shared<T> stages = shared_memory<T>();
  const Shared<float> sums = shared_memory<float>(S::kXBytes);

  const int64_t n0 = place.n0 + warp * kRowsOfWarp;
  W weights[kPanelsOfWarp];
#pragma unroll
  for (int panel = 0; panel < kPanelsOfWarp; ++panel) weights[panel] = W(p, n0 + panel * kPanel);
  constexpr int kN = kDepth<S, W>;
  typename W::Raw under[kN][kPanelsOfWarp];
  const auto fetch = [&](int i, int step) {
    if (step >= end) return;
#pragma unroll
    for (int panel = 0; panel < kPanelsOfWarp; ++panel) under[i][panel] = weights[panel].load(step);
  };
#pragma unroll
  for (int i = 0; i < kN; ++i) fetch(i, begin + i);
  copy_x<S>(p, stages, place.m0, begin);
  ptx::cp_async_commit_group();

  Accumulator acc[kPanelsOfWarp][S::kTiles];
  const auto for_sums = [&](const auto& body) {
#pragma unroll
    for (int panel = 0; panel < kPanelsOfWarp; ++panel) {
#pragma unroll
      for (int tile = 0; tile < S::kTiles; ++tile)
        body(panel, tile, same_bits<Vec<float, 4>>(acc[panel][tile]));
    }
  };
  int part = work.begin;
  const auto put_part = [&] {
    if (work.whole) {
      for_sums([&](int panel, int tile, Vec<float, 4> sum) {
        const Shared<float> at = sums + at_of_sums<S>(panel, tile);
        if (part > 0) {
          Vec<float, 4> before = load<4>(at);
          add(before, sum);
          sum = before;
        }
        store(at, sum);
      });
    } else {
      float* to = scratch_of<S>(p, plan, work.tile, part);
      for_sums([&](int panel, int tile, const Vec<float, 4>& sum) {
        store(to + at_of_sums<S>(panel, tile), sum);
      });
    }
  };

  constexpr int kUnrolled = kN < kStepsOfStage ? kStepsOfStage : kN;
  static_assert(kUnrolled % kStepsOfStage == 0 && kUnrolled % kN == 0, "stages begin at i = 0");
  int until = parts.begin(part + 1);
  for (int s = begin; s < end; s += kUnrolled) {
#pragma unroll
    for (int i = 0; i < kUnrolled; ++i) {
      const int step = s + i;
      if (step >= end) break;
      if (step == until) {
        put_part();
        ++part;
        until = parts.begin(part + 1);
#pragma unroll
        for (int panel = 0; panel < kPanelsOfWarp; ++panel) {
#pragma unroll
          for (int tile = 0; tile < S::kTiles; ++tile) acc[panel][tile] = {};
        }
      }
      const int stage = (step - begin) / kStepsOfStage % kStages;
      if (i % kStepsOfStage == 0) {
        ptx::cp_async_wait_group<0>();
        // The stage has come for every thread, and everyone is done with the other one.
        __syncthreads();
        if (step + kStepsOfStage < end)
          copy_x<S>(p, stages + (stage ^ 1) * S::kStageElements, place.m0, step + kStepsOfStage);
        ptx::cp_async_commit_group();
      }

      typename W::Step w[kPanelsOfWarp];
#pragma unroll
      for (int panel = 0; panel < kPanelsOfWarp; ++panel)
        w[panel] = W::unpack(under[i % kN][panel]);
      fetch(i % kN, step + kN);
      const Shared<T> x =
          stages + stage * S::kStageElements + i % kStepsOfStage * S::kStepElements + lane * 8;
#pragma unroll
      for (int tile = 0; tile < S::kTiles; ++tile) {
        const StepX<T> b = step_x<T>(load<8>(x + tile * 8 * kStep));
#pragma unroll
        for (int panel = 0; panel < kPanelsOfWarp; ++panel)
          W::multiply(acc[panel][tile], w[panel], b);
      }
    }
  }

  if (!work.whole) return put_part();
  for_sums([&](int panel, int tile, Vec<float, 4> sum) {
    if (part > 0) {
      Vec<float, 4> before = load<4>(sums + at_of_sums<S>(panel, tile));
      add(before, sum);
      sum = before;
    }
    store_sum<T>(p, place.m0 + tile * 8, n0 + panel * kPanel, sum);
  });
}

template <class T, class W>
__global__ void __launch_bounds__(Narrow::kThreads, 2)
    matmul_narrow_kernel(MatmulParams p, Plan plan) {
  multiply_tile<Narrow, T, W>(p, plan);
}

template <class T, class W>
__global__ void __launch_bounds__(Wide::kThreads, 1) matmul_wide_kernel(MatmulParams p, Plan plan) {
  multiply_tile<Wide, T, W>(p, plan);
}

// Adds up the parts of the tiles that were split. A block has the threads of a tile and one of its
// panels by tokens.
template <class T, class S>
__global__ void __launch_bounds__(S::kThreads) matmul_sum_kernel(MatmulParams p, Plan plan) {
  const int tile_of_out = plan.whole + static_cast<int>(blockIdx.x);
  const int panel = static_cast<int>(blockIdx.y) / S::kTiles;
  const int tile = static_cast<int>(blockIdx.y) % S::kTiles;
  const Place<S> place(p, tile_of_out);
  const float* from = scratch_of<S>(p, plan, tile_of_out, 0) + at_of_sums<S>(panel, tile);
  const Parts parts(p.K);
  Vec<float, 4> sum = load<4>(from);
#pragma unroll
  for (int part = 1; part < kParts; ++part) {
    if (part < parts.parts) add(sum, load<4>(from + part * (S::kTokens * S::kRows)));
  }
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  store_sum<T>(p, place.m0 + tile * 8, place.n0 + warp * kRowsOfWarp + panel * kPanel, sum);
}

// --- Sharing out --------------------------------------------------------------------------------

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class S>
Plan share_out(const MatmulParams& p, int split) {
  const int64_t tiles = ceil_div(p.M, S::kTokens) * ceil_div(p.N, S::kRows);
  const int64_t rest = tiles % p.processors;
  return {S::kTokens == Wide::kTokens, static_cast<int>(tiles - rest), static_cast<int>(rest),
          split};
}

// About how long a plan takes, in clocks of a processor. Of an H100 and an A100, whichever is
// slower; only the order of the plans matters.
int64_t clocks(const MatmulParams& p, const Plan& plan) {
  constexpr int64_t kWideStep = 1000;   // 128 x 256 x 32 at 1024 products a clock
  constexpr int64_t kNarrowStep = 300;  // a quarter of it, with more x and more unpacking
  constexpr int64_t kL2 = 24;           // bytes a clock and processor
  constexpr int64_t kLaunch = 3000;
  const int64_t rounds = plan.whole / p.processors * kParts +
                         ceil_div(plan.rest * plan.split, p.processors) * (kParts / plan.split);
  const int64_t steps = rounds * Parts(p.K).of_part;
  const int64_t area = plan.wide ? Wide::kTokens * Wide::kRows : Narrow::kTokens * Narrow::kRows;
  const int64_t scratch = plan.summed() ? plan.rest * kParts * area * 8 : 0;
  return steps * (plan.wide ? kWideStep : kNarrowStep) + scratch / (p.processors * kL2) +
         (plan.summed() ? kLaunch : 0);
}

Plan plan_of(const MatmulParams& p) {
  Plan best = share_out<Narrow>(p, 1);
  const auto consider = [&](const Plan& plan) {
    if (clocks(p, plan) < clocks(p, best)) best = plan;
  };
  for (int split = 1; split <= kParts; split *= 2) {
    consider(share_out<Narrow>(p, split));
    if (p.shared_memory >= Wide::kSharedBytes) consider(share_out<Wide>(p, split));
  }
  return best;
}

template <class T, class W>
struct Tiled {
  template <class S>
  static void sum(const MatmulParams& p, const Plan& plan, void* stream) {
    if (!plan.summed()) return;
    const dim3 grid(static_cast<unsigned>(plan.rest), S::kSums);
    cuda::launch<matmul_sum_kernel<T, S>>({grid, dim3(S::kThreads), 0, stream}, p, plan);
  }
  static void launch(const MatmulParams& p, void* stream) {
    const Plan plan = plan_of(p);
    const dim3 blocks(static_cast<unsigned>(plan.blocks()));
    if (plan.wide) {
      cuda::launch<matmul_wide_kernel<T, W>>(
          {blocks, dim3(Wide::kThreads), Wide::kSharedBytes, stream}, p, plan);
      sum<Wide>(p, plan, stream);
    } else {
      cuda::launch<matmul_narrow_kernel<T, W>>(
          {blocks, dim3(Narrow::kThreads), Narrow::kSharedBytes, stream}, p, plan);
      sum<Narrow>(p, plan, stream);
    }
  }
};

}  // namespace

int64_t matmul_scratch_bytes(const MatmulParams& p) {
  if (p.M <= kDecodeTokens) return 0;
  const Plan plan = plan_of(p);
  if (!plan.summed()) return 0;
  const int64_t area = plan.wide ? Wide::kTokens * Wide::kRows : Narrow::kTokens * Narrow::kRows;
  return plan.rest * kParts * area * static_cast<int64_t>(sizeof(float));
}

void matmul(const MatmulParams& p, void* stream) {
  p.M <= kDecodeTokens ? matmul_decode(p, stream) : for_weights<Tiled>(p, stream);
}

}  // namespace bc::cuda
