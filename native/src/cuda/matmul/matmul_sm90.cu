// matmul_sm90: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k] + bias[n], for many tokens on Hopper
//
// Shapes  x [M,K], out [M,N]; row_scale, bias [N] or null; w [N,K] rows of 16 bits, or panels of q8 or
//         q4 in Hopper's order. K is a multiple of 8; of q8 and q4, of 32. With swiglu out is [M,N/2].
//
// Method  Two blocks are a cluster and stay on their SMs. They have pairs of tiles: 2 x 128 rows of w by
//         the same 192 tokens (128 or 64 where these leave less idle). One warp of a block brings
//         steps of 64 columns to a ring in shared memory: its own w, and half of x, which goes to
//         both blocks. Two warpgroups have 64 rows each and multiply by wgmma.m64n192k16: 16-bit w
//         from shared memory, q8 and q4 from registers, where a group is unpacked while the one
//         before is multiplied. When one of them adds up a part or stores its tile, the other has
//         the tensor cores. Which tile when, and which are split over K: matmul_plan_sm90.cuh.
//
// Bound   Tensor cores: 2MNK flops, 949 Tflop/s at 132 SMs and 1.755 GHz. L2 is the limit of 16-bit
//         rows (610 Tflop/s at 24 bytes a clock and SM) and of q8 (833).
//         docs/matmul-hopper.md has the clocks of a step on every unit, and why tiles are 128 x 192.
//
// Registers
//         3 x 128 threads start with 168 each; the warps that copy keep 40, the others get 232.
//
// Limits  matmul_sm90_kernel: 168 registers, 384 threads, 229488 bytes of shared memory, on sm_90
//         matmul_sm90_sum_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/matmul/matmul.cpp; matmul.cu for sm_80
#include <algorithm>

#include "cuda/matmul/matmul.h"
#include "cuda/matmul/matmul_plan_sm90.cuh"
#include "cuda/stages_sm90.cuh"
#include "cuda/tensor_map.h"

namespace bc::cuda {
namespace {

using namespace many_sm90;

constexpr int kPanels = kRows / static_cast<int>(kPanel);
constexpr int kThreads = (kConsumers + 1) * kWarpgroup;
constexpr int kMultipliers = kConsumers * kWarpgroup;  // threads
constexpr int kProducerRegisters = 40;                 // (40 + 2 * 232) * 128 of 65536
constexpr int kConsumerRegisters = 232;

// The stages of a tile's operands in shared memory: x, then w, then two barriers for each.
template <class W, int kTokens>
struct Ring {
  static constexpr int kXBytes = kTokens * 2 * kHopperStep;
  static constexpr int kWBytes =
      W::kPacked ? kPanels * kGroupsOfStep * W::kBytes : kRows * 2 * kHopperStep;
  static constexpr int kMost = (kMaxShared - 256) / (kXBytes + kWBytes);
  static constexpr int kStages = kMost < 8 ? kMost : 8;
  static constexpr int kWAt = kStages * kXBytes;
  static constexpr int kFullAt = kWAt + kStages * kWBytes;
  static constexpr int kEmptyAt = kFullAt + kStages * 8;
  static constexpr int kSharedBytes = kEmptyAt + kStages * 8;
  static_assert(kXBytes / kCluster % kSwizzleAtom == 0 &&
                    (W::kPacked || kWBytes % kSwizzleAtom == 0),
                "tiles start at atoms of the swizzle");

  template <class T>
  static __device__ __forceinline__ Shared<T> x(int stage) {
    return shared_memory<T>(static_cast<uint32_t>(stage * kXBytes));
  }
  template <class T>
  static __device__ __forceinline__ Shared<T> w(int stage) {
    return shared_memory<T>(static_cast<uint32_t>(kWAt + stage * kWBytes));
  }
  // Its operands have come.
  static __device__ __forceinline__ Shared<uint64_t> full(int stage) {
    return shared_memory<uint64_t>(kFullAt) + stage;
  }
  // They have been used, by every warp that multiplies in the cluster.
  static __device__ __forceinline__ Shared<uint64_t> empty(int stage) {
    return shared_memory<uint64_t>(kEmptyAt) + stage;
  }
};

// --- Bringing the operands -----------------------------------------------------------------------

struct Maps {
  TensorMap x;  // [M,K] in boxes of [tokens / 2,64]
  TensorMap w;  // [N,K] in boxes of [128,64], of 16-bit rows
};

// The block's place in its cluster, the first item of that, and the way to the next.
__device__ __forceinline__ int rank_of_block() { return static_cast<int>(ptx::cluster_ctarank()); }
__device__ __forceinline__ int first_item() { return static_cast<int>(blockIdx.x) / kCluster; }
__device__ __forceinline__ int clusters() { return static_cast<int>(gridDim.x) / kCluster; }

// The steps of all items of a block, one after the other.
template <int kTokens>
struct Steps {
  const MatmulParams& p;
  const Plan& plan;
  int item, step, end, m0, n0;

  __device__ __forceinline__ Steps(const MatmulParams& p_, const Plan& plan_)
      : p(p_), plan(plan_), item(first_item()) {
    begin();
  }
  __device__ __forceinline__ void begin() {
    if (item >= plan.items) return;
    const Work work = work_of(plan, item);
    const Place<kTokens> place(p, work.tile, rank_of_block());
    step = plan.parts.begin(work.begin);
    end = plan.parts.begin(work.end);
    m0 = place.m0;
    n0 = place.n0;
  }
  __device__ __forceinline__ bool any() const { return item < plan.items; }
  __device__ __forceinline__ void next() {
    if (++step < end) return;
    item += clusters();
    begin();
  }
};

template <class T, class W, int kTokens>
__device__ __forceinline__ void produce(const MatmulParams& p, const Plan& plan, const Maps* maps) {
  using R = Ring<W, kTokens>;
  const auto groups = static_cast<int>(p.K / kGroup);
  const auto last_panel = static_cast<int>((p.N - 1) / kPanel);

  const auto fetch_w = [&](int stage, const Steps<kTokens>& at) {
    const Shared<uint64_t> full = R::full(stage);
    ptx::mbarrier_arrive_expect_tx(full, R::kXBytes + R::kWBytes);
    if constexpr (W::kPacked) {
      constexpr int kBytes = kGroupsOfStep * W::kBytes;
      const int group = at.step * kGroupsOfStep;
      for (int i = 0; i < kPanels; ++i) {
        // Panels beyond N repeat the last one: what comes of them is not stored.
        const int panel = at.n0 / static_cast<int>(kPanel) + i;
        const int there = panel < last_panel ? panel : last_panel;
        const auto* from =
            static_cast<const uint8_t*>(p.w) + (int64_t{there} * groups + group) * W::kBytes;
        const Shared<uint8_t> to = R::template w<uint8_t>(stage) + i * kBytes;
        if (group + 1 < groups) {
          ptx::cp_async_bulk(to, from, kBytes, full);
        } else {
          // A group beyond K repeats the last one: x is zero there.
          ptx::cp_async_bulk(to, from, W::kBytes, full);
          ptx::cp_async_bulk(to + W::kBytes, from, W::kBytes, full);
        }
      }
    } else {
      ptx::cp_async_bulk_tensor_2d(R::template w<T>(stage), &maps->w, at.step * kHopperStep, at.n0,
                                   full);
    }
  };
  const auto fetch_x = [&](int stage, const Steps<kTokens>& at) {
    // Half of the tokens, to both blocks.
    constexpr int kHalf = kTokens / kCluster;
    const int half = rank_of_block() * kHalf;
    ptx::cp_async_bulk_tensor_2d_multicast(R::template x<T>(stage) + half * kHopperStep, &maps->x,
                                           at.step * kHopperStep, at.m0 + half, R::full(stage),
                                           (1 << kCluster) - 1);
  };

  // Weights of the first stages come while earlier kernels, which make x, still run.
  Steps<kTokens> ahead(p, plan);
  for (int stage = 0; stage < R::kStages && ahead.any(); ++stage, ahead.next())
    fetch_w(stage, ahead);
  ptx::griddepcontrol_wait();
  Steps<kTokens> at(p, plan);
  for (int stage = 0; stage < R::kStages && at.any(); ++stage, at.next()) fetch_x(stage, at);
  for (StageTurn<R::kStages> turn; at.any(); at.next(), turn.next()) {
    wait_phase(R::empty(turn.stage), turn.parity);
    fetch_w(turn.stage, at);
    fetch_x(turn.stage, at);
  }
}

// --- Multiplying ---------------------------------------------------------------------------------

// Before the fence, where a product's registers must have been written.
__device__ __forceinline__ void pin(GroupA& a) {
  ptx::pin_registers(a[0]);
  ptx::pin_registers(a[1]);
}

// The sums of a thread over so many steps.
template <class T, class W, int kTokens>
__device__ __forceinline__ void multiply(float (&sum)[kTokens / 2], int steps,
                                         StageTurn<Ring<W, kTokens>::kStages>& turn) {
  using R = Ring<W, kTokens>;
  const int warp = static_cast<int>(threadIdx.x) / kWarp - 4;
  // The stage before the one that it is the turn of.
  const auto release = [&] {
    const int stage = (turn.stage == 0 ? R::kStages : turn.stage) - 1;
    __syncwarp();
    if (ptx::lane_id() < kCluster) ptx::mbarrier_arrive_cluster(R::empty(stage), ptx::lane_id());
  };
  for (int step = 0; step < steps; ++step) {
    wait_phase(R::full(turn.stage), turn.parity);
    const Shared<T> x = R::template x<T>(turn.stage);
    if constexpr (W::kPacked) {
      const Shared<uint32_t> w =
          R::template w<uint32_t>(turn.stage) + warp * (kGroupsOfStep * W::kBytes / 4);
      GroupA a[kGroupsOfStep];
#pragma unroll
      for (int i = 0; i < kGroupsOfStep; ++i) {
        W::unpack(W::load(w + i * (W::kBytes / 4)), a[i]);
        pin(a[i]);
        ptx::wgmma_fence();
        ptx::wgmma_rs<T, kTokens, 0>(sum, a[i][0], k_major(x + i * 32), step > 0 || i > 0);
        ptx::wgmma_rs<T, kTokens, 0>(sum, a[i][1], k_major(x + i * 32 + 16), true);
        ptx::wgmma_commit_group();
        ptx::wgmma_wait_group<1>();
        if (i == 0 && step > 0) release();
      }
    } else {
      const Shared<T> w = R::template w<T>(turn.stage) + warp / 4 * (64 * kHopperStep);
      ptx::wgmma_fence();
#pragma unroll
      for (int k = 0; k < kHopperStep; k += 16)
        ptx::wgmma_ss<T, kTokens, 0, 0>(sum, k_major(w + k), k_major(x + k), step > 0 || k > 0);
      ptx::wgmma_commit_group();
      ptx::wgmma_wait_group<1>();
      if (step > 0) release();
    }
    turn.next();
  }
  ptx::wgmma_wait_group<0>();
  ptx::pin_registers(sum);
  release();
}

// What a lane stores: rows n and n + 1 of w by tokens m and m + 1 of every eight.
struct Corner {
  int64_t m, n;
  bool both;  // row n + 1 is there too
  RowPair rows;
};

template <class E, int kTokens, class F>
__device__ __forceinline__ void store_each(E* to, int64_t ld, int tokens,
                                           const float (&sum)[kTokens / 2], const F& f) {
#pragma unroll
  for (int i = 0; i < kTokens; i += 8, to += 8 * ld) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      if (i + j < tokens) f(to + j * ld, sum[i / 2 + j], sum[i / 2 + j + 2]);
    }
  }
}

template <class E, int kTokens>
__device__ __forceinline__ void store_corner(const MatmulParams& p, const Corner& at,
                                             const float (&sum)[kTokens / 2]) {
  const auto tokens = static_cast<int>(p.M - at.m < kTokens ? p.M - at.m : kTokens);
  E* const row = static_cast<E*>(p.out) + at.m * p.out_ld;
  if (p.epilogue == Epilogue::swiglu) {
    store_each<E, kTokens>(row + at.n / 2, p.out_ld, tokens, sum, [&](E* to, float gate, float up) {
      store(to, narrow<E>(silu(at.rows.low(gate)) * at.rows.high(up)));
    });
  } else if (at.both && p.out_ld % 2 == 0 &&
             reinterpret_cast<uintptr_t>(p.out) % (2 * sizeof(E)) == 0) {
    store_each<E, kTokens>(row + at.n, p.out_ld, tokens, sum, [&](E* to, float low, float high) {
      store(to, narrow<E>(Vec<float, 2>{{at.rows.low(low), at.rows.high(high)}}));
    });
  } else {
    store_each<E, kTokens>(row + at.n, p.out_ld, tokens, sum, [&](E* to, float low, float high) {
      store(to, narrow<E>(at.rows.low(low)));
      if (at.both) store(to + 1, narrow<E>(at.rows.high(high)));
    });
  }
}

// Stores the sums of a tile. warp: of those that multiply.
template <class T, class W, int kTokens>
__device__ __forceinline__ void store_tile(const MatmulParams& p, int m0, int n0, int warp,
                                           float (&sum)[kTokens / 2]) {
  const auto lane = static_cast<int>(ptx::lane_id());
  const int g = lane / 4;
  const bool odd = g % 2 != 0;
  if constexpr (!W::kPacked) {
    // Rows g and g + 8: of two lanes with neighbours g, one takes the rows g and g + 1, the other
    // g + 8 and g + 9.
#pragma unroll
    for (int i = 0; i < kTokens / 2; i += 4) {
#pragma unroll
      for (int j = i; j < i + 2; ++j) {
        const float other = ptx::shfl_bfly(odd ? sum[j] : sum[j + 2], 4);
        sum[j] = odd ? other : sum[j];
        sum[j + 2] = odd ? sum[j + 2] : other;
      }
    }
  }
  const int row = W::kPacked ? 2 * g : odd ? g + 7 : g;
  const int64_t n = n0 + warp * 16 + row;
  if (n >= p.N) return;
  const bool both = n + 1 < p.N;
  const Corner at = {m0 + lane % 4 * 2, n, both, RowPair(p, n, both)};
  p.out_type == Type::f32 ? store_corner<float, kTokens>(p, at, sum)
                          : store_corner<T, kTokens>(p, at, sum);
}

// The scratch: [split][parts][2] times the sums of a tile, in the order in which threads hold them:
// [eighths of tokens][threads that multiply][4].
template <int kTokens>
constexpr int64_t kSumsOfPart = kCluster* kTokens* kRows;
template <int kTokens>
__device__ __forceinline__ float* scratch_of(const MatmulParams& p, int tile, int part, int parts,
                                             int rank, int thread) {
  return static_cast<float*>(p.scratch) + (int64_t{tile} * parts + part) * kSumsOfPart<kTokens> +
         rank * (kTokens * kRows) + thread * 4;
}

template <class T, class W, int kTokens>
__device__ __forceinline__ void consume(const MatmulParams& p, const Plan& plan) {
  const int thread = static_cast<int>(threadIdx.x) - kWarpgroup;
  ptx::griddepcontrol_wait();
  StageTurn<Ring<W, kTokens>::kStages> turn;
  float sum[kTokens / 2];
  float total[kTokens / 2];
  const int rank = rank_of_block();
  for (int item = first_item(); item < plan.items; item += clusters()) {
    const Work work = work_of(plan, item);
    for (int part = work.begin; part < work.end; ++part) {
      multiply<T, W, kTokens>(sum, plan.parts.begin(part + 1) - plan.parts.begin(part), turn);
#pragma unroll
      for (int i = 0; i < kTokens / 2; ++i)
        total[i] = part == work.begin ? sum[i] : total[i] + sum[i];
    }
    if (item < plan.whole) {
      const Place<kTokens> place(p, work.tile, rank);
      store_tile<T, W, kTokens>(p, place.m0, place.n0, thread / kWarp, total);
    } else {
      float* to = scratch_of<kTokens>(p, work.tile - plan.whole, work.begin, plan.parts.parts, rank,
                                      thread);
#pragma unroll
      for (int i = 0; i < kTokens / 2; i += 4)
        store(to + i * kMultipliers,
              Vec<float, 4>{{total[i], total[i + 1], total[i + 2], total[i + 3]}});
    }
  }
}

// Its parameters stay where the launch puts them: copies of them would cost registers, and spill.
template <class T, class W, int kTokens>
__global__ void __launch_bounds__(kThreads, 1)
    matmul_sm90_kernel(const __grid_constant__ MatmulParams p, const __grid_constant__ Plan plan,
                       const __grid_constant__ Maps maps) {
  using R = Ring<W, kTokens>;
  if (threadIdx.x == 0) {
    ptx::prefetch_tensormap(&maps.x);
    if constexpr (!W::kPacked) ptx::prefetch_tensormap(&maps.w);
    for (int i = 0; i < R::kStages; ++i) {
      ptx::mbarrier_init(R::full(i), 1);
      ptx::mbarrier_init(R::empty(i), kCluster * kMultipliers / kWarp);
    }
    ptx::fence_mbarrier_init();
  }
  ptx::barrier_cluster();
  ptx::griddepcontrol_launch_dependents();
  if (threadIdx.x < kWarpgroup) {
    ptx::setmaxnreg_dec<kProducerRegisters>();
    if (threadIdx.x == 0) produce<T, W, kTokens>(p, plan, &maps);
    __syncwarp();
  } else {
    ptx::setmaxnreg_inc<kConsumerRegisters>();
    consume<T, W, kTokens>(p, plan);
  }
  // Until then the other block may arrive here.
  ptx::barrier_cluster();
}

// Adds up the parts of the tiles that were split. A block has the threads that multiply a tile and
// eight of its tokens.
template <class T, class W, int kTokens>
__global__ void __launch_bounds__(kMultipliers) matmul_sm90_sum_kernel(MatmulParams p, Plan plan) {
  const auto thread = static_cast<int>(threadIdx.x);
  const auto eighth = static_cast<int>(blockIdx.y);
  const int tile = static_cast<int>(blockIdx.x) / kCluster;
  const int rank = static_cast<int>(blockIdx.x) % kCluster;
  const Place<kTokens> place(p, plan.whole + tile, rank);
  const float* from =
      scratch_of<kTokens>(p, tile, 0, plan.parts.parts, rank, thread) + eighth * (kMultipliers * 4);
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  Vec<float, 4> sum = load<4>(from);
#pragma unroll
  for (int part = 1; part < kHopperParts; ++part) {
    if (part >= plan.parts.parts) break;
    const Vec<float, 4> more = load<4>(from + part * kSumsOfPart<kTokens>);
#pragma unroll
    for (int i = 0; i < 4; ++i) sum[i] += more[i];
  }
  store_tile<T, W, 8>(p, place.m0 + eighth * 8, place.n0, thread / kWarp, sum.at);
}

// --- Launching -----------------------------------------------------------------------------------

template <class T, class W>
struct Tiled {
  template <int kTokens>
  static void with(const MatmulParams& p, const Plan& plan, const Facts& gpu, void* stream) {
    Maps maps = {};
    maps.x = map_of_rows(p.x, p.M, p.K, p.x_ld, kTokens / kCluster);
    if (!W::kPacked) maps.w = map_of_rows(p.w, p.N, p.K, p.w_ld, kRows);
    const auto blocks = static_cast<unsigned>(std::min(plan.items, clusters_of(gpu)) * kCluster);
    cuda::launch<matmul_sm90_kernel<T, W, kTokens>>(
        {dim3(blocks), dim3(kThreads), Ring<W, kTokens>::kSharedBytes, stream, p.w_at_rest,
         kCluster},
        p, plan, maps);
    if (plan.split == 0) return;
    const dim3 grid(static_cast<unsigned>(plan.split * kCluster), kTokens / 8);
    cuda::launch<matmul_sm90_sum_kernel<T, W, kTokens>>({grid, dim3(kMultipliers), 0, stream, true},
                                                        p, plan);
  }
  static void launch(const MatmulParams& p, const Facts& gpu, void* stream) {
    const Plan plan = plan_of(p, gpu);
    plan.tokens == 192   ? with<192>(p, plan, gpu, stream)
    : plan.tokens == 128 ? with<128>(p, plan, gpu, stream)
                         : with<64>(p, plan, gpu, stream);
  }
};

}  // namespace

int64_t matmul_sm90_scratch_bytes(const MatmulParams& p, const Facts& gpu) {
  return scratch_bytes(plan_of(p, gpu));
}

void matmul_sm90(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_hopper_weights<Tiled>(p, gpu, stream);
}

}  // namespace bc::cuda
