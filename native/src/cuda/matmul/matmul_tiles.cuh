// matmul_tiles for weights W of any kind (weights.cuh, weights_codes.cuh). How it works:
// matmul_tiles.cu.
#pragma once

#include "cuda/matmul/matmul.h"
#include "cuda/matmul/weights.cuh"

namespace bc::cuda {
namespace {

constexpr int kPanelsOfWarp = 2;
constexpr int kRowsOfWarp = kPanelsOfWarp * kPanel;
constexpr int kStages = 2;
constexpr int kStepsOfStage = 2;  // a stage has whole lines of 128 bytes of x
// Tiles of 8 tokens between two looks at M: enough products to hide the latency of reading x, and a
// bound for the compiler, which would otherwise start so many that registers spill.
constexpr int kTilesAtOnce = 4;

__host__ __device__ constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

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
  int split;  // the other tiles, each of them kParts blocks

  int blocks() const { return whole + split * kParts; }
};

// What a block does: parts begin to end of tile `tile`.
struct Work {
  int tile, begin, end;
  __device__ __forceinline__ bool whole() const { return end - begin == kParts; }
};

__device__ __forceinline__ Work work_of(const Plan& plan, int block) {
  if (block < plan.whole) return {block, 0, kParts};
  const int at = block - plan.whole;
  const int part = at % kParts;
  return {plan.whole + at / kParts, part, part + 1};
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

// The scratch: [split][kParts] times the sums of a tile.
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

// Brings x to shared memory. A stage has its steps one after the other, each with rows of 64 bytes.
// They need no swizzle: 8 lanes fill or read two of them whole. A warp fetches 4 rows of 128 bytes.
template <class S, class T>
class CopyX {
 public:
  __device__ __forceinline__ CopyX(const MatmulParams& p, int64_t m0) {
    const int at = static_cast<int>(threadIdx.x);
    const int step = at / 8 % kStepsOfStage;
    const int row = at / (8 * kStepsOfStage) * 2 + at / 4 % 2;
    column_ = step * kStep + at % 4 * 8;
    to_ = step * S::kStepElements + row * kStep + at % 4 * 8;
    from_ = static_cast<const T*>(p.x) + (m0 + row) * p.x_ld + column_;
    rows_ = static_cast<int>(p.M - m0 < S::kTokens ? p.M - m0 : S::kTokens) - row;
  }
  // Steps first and so on. Beyond M and K are zeros.
  __device__ __forceinline__ void copy(const MatmulParams& p, Shared<T> stage, int first) const {
    const int k = first * kStep;
    const bool inside = k + column_ < p.K;
#pragma unroll
    for (int i = 0; i < S::kTokens; i += kRows) {
      const bool here = inside && i < rows_;
      ptx::cp_async<16>(stage + to_ + i * kStep,
                        here ? from_ + i * p.x_ld + k : static_cast<const T*>(p.x), here ? 16 : 0);
    }
  }

 private:
  static constexpr int kRows = S::kThreads / (4 * kStepsOfStage);  // of all threads
  const T* from_;
  int column_, rows_, to_;
};

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
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const CopyX<S, T> x_rows(p, place.m0);
  x_rows.copy(p, stages, begin);
  ptx::cp_async_commit_group();

  Accumulator acc[kPanelsOfWarp][S::kTiles];
  const auto for_sums = [&](const auto& body) {
#pragma unroll
    for (int tile = 0; tile < S::kTiles; ++tile) {
#pragma unroll
      for (int panel = 0; panel < kPanelsOfWarp; ++panel)
        body(panel, tile, same_bits<Vec<float, 4>>(acc[panel][tile]));
    }
  };
  // The sums of this thread in the parts before, if there are any.
  const auto add_before = [&](int panel, int tile, Vec<float, 4> sum, bool any) {
    if (!any) return sum;
    Vec<float, 4> total = load<4>(sums + at_of_sums<S>(panel, tile));
    add(total, sum);
    return total;
  };

  constexpr int kUnrolled = kN < kStepsOfStage ? kStepsOfStage : kN;
  static_assert(kUnrolled % kStepsOfStage == 0 && kUnrolled % kN == 0, "stages begin at i = 0");
  const auto tiles = static_cast<int>(ceil_div(p.M - place.m0, 8));  // that have tokens
  int until = begin + parts.of_part;                                 // where this part of K ends
  bool later = false;  // than the first part of a whole tile
  for (int s = begin; s < end; s += kUnrolled) {
#pragma unroll
    for (int i = 0; i < kUnrolled; ++i) {
      const int step = s + i;
      if (step >= end) break;
      if (step == until) {
        for_sums([&](int panel, int tile, const Vec<float, 4>& sum) {
          store(sums + at_of_sums<S>(panel, tile), add_before(panel, tile, sum, later));
          acc[panel][tile] = {};
        });
        until += parts.of_part;
        later = true;
      }
      const int stage = (step - begin) / kStepsOfStage % kStages;
      if (i % kStepsOfStage == 0) {
        ptx::cp_async_wait_group<0>();
        // The stage has come for every thread, and everyone is done with the other one.
        __syncthreads();
        if (step + kStepsOfStage < end)
          x_rows.copy(p, stages + (stage ^ 1) * S::kStageElements, step + kStepsOfStage);
        ptx::cp_async_commit_group();
      }

      typename W::Step w[kPanelsOfWarp];
#pragma unroll
      for (int panel = 0; panel < kPanelsOfWarp; ++panel)
        w[panel] = weights[panel].unpack(under[i % kN][panel]);
      fetch(i % kN, step + kN);
      const Shared<T> x =
          stages + stage * S::kStageElements + i % kStepsOfStage * S::kStepElements + lane * 8;
#pragma unroll
      for (int tile = 0; tile < S::kTiles; ++tile) {
        if (tile % kTilesAtOnce == 0 && tile >= tiles) break;
        const typename W::X b = weights[0].x_of(load<8>(x + tile * 8 * kStep));
        if (weights[0].lifts()) {
#pragma unroll
          for (int panel = 0; panel < kPanelsOfWarp; ++panel)
            W::lift(acc[panel][tile], w[panel], b);
        }
#pragma unroll
        for (int panel = 0; panel < kPanelsOfWarp; ++panel)
          W::multiply(acc[panel][tile], w[panel], b);
      }
    }
  }

  for_sums([&](int panel, int tile, const Vec<float, 4>& sum) {
    if (work.whole()) {
      store_sum<T>(p, place.m0 + tile * 8, n0 + panel * kPanel,
                   add_before(panel, tile, sum, later));
    } else {
      store(scratch_of<S>(p, plan, work.tile, work.begin) + at_of_sums<S>(panel, tile), sum);
    }
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
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
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

template <class S>
int64_t scratch_bytes(const Plan& plan) {
  return int64_t{plan.split} * kParts * S::kTokens * S::kRows * static_cast<int64_t>(sizeof(float));
}

// The tiles that fill rounds of all SMs are whole. What is left may be split.
template <class S>
Plan share_out(const MatmulParams& p, const Facts& gpu, bool split) {
  const int64_t tiles = ceil_div(p.M, S::kTokens) * ceil_div(p.N, S::kRows);
  const int64_t rest = split ? tiles % gpu.sms : 0;
  return {std::is_same<S, Wide>::value, static_cast<int>(tiles - rest), static_cast<int>(rest)};
}

// About how long a plan takes, in clocks: rounds of blocks over the SMs, then the scratch and
// the kernel that adds it up.
template <class S>
int64_t clocks(const MatmulParams& p, const Facts& gpu, const Plan& plan) {
  constexpr int64_t kStepClocks = std::is_same<S, Wide>::value ? 1000 : 300;
  constexpr int64_t kL2 = 24;  // bytes a clock and SM
  constexpr int64_t kLaunch = 3000;
  const int64_t rounds =
      ceil_div(plan.whole, gpu.sms) * kParts + ceil_div(int64_t{plan.split} * kParts, gpu.sms);
  const int64_t sum = 2 * scratch_bytes<S>(plan) / (gpu.sms * kL2) + kLaunch;
  return rounds * Parts(p.K).of_part * kStepClocks + (plan.split > 0 ? sum : 0);
}

Plan plan_of(const MatmulParams& p, const Facts& gpu) {
  Plan best = share_out<Narrow>(p, gpu, false);
  int64_t least = clocks<Narrow>(p, gpu, best);
  const auto consider = [&](const Plan& plan, int64_t clocks) {
    if (clocks >= least) return;
    least = clocks;
    best = plan;
  };
  for (const bool split : {false, true}) {
    const Plan narrow = share_out<Narrow>(p, gpu, split);
    consider(narrow, clocks<Narrow>(p, gpu, narrow));
    if (gpu.shared_memory < Wide::kSharedBytes || is_codes(p.w_type)) continue;
    const Plan wide = share_out<Wide>(p, gpu, split);
    consider(wide, clocks<Wide>(p, gpu, wide));
  }
  return best;
}

template <class T, class W>
struct Tiled {
  template <class S>
  static void sum(const MatmulParams& p, const Plan& plan, void* stream) {
    if (plan.split == 0) return;
    const dim3 grid(static_cast<unsigned>(plan.split), S::kSums);
    cuda::launch<matmul_sum_kernel<T, S>>({grid, dim3(S::kThreads), 0, stream, true}, p, plan);
  }
  static void launch(const MatmulParams& p, const Facts& gpu, void* stream) {
    const Plan plan = plan_of(p, gpu);
    const dim3 blocks(static_cast<unsigned>(plan.blocks()));
    if constexpr (W::kInWideTiles) {
      if (plan.wide) {
        cuda::launch<matmul_wide_kernel<T, W>>(
            {blocks, dim3(Wide::kThreads), Wide::kSharedBytes, stream, p.w_at_rest}, p, plan);
        return sum<Wide>(p, plan, stream);
      }
    }
    cuda::launch<matmul_narrow_kernel<T, W>>(
        {blocks, dim3(Narrow::kThreads), Narrow::kSharedBytes, stream, p.w_at_rest}, p, plan);
    sum<Narrow>(p, plan, stream);
  }
};

}  // namespace
}  // namespace bc::cuda
