// matmul_decode_sm90: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k] + bias[n], for few tokens on Hopper
//
// Shapes  x [M,K], out [M,N]; row_scale, bias [N] or null; w [N,K] rows of 16 bits, or panels of q8 or
//         q4 in Hopper's order. M is 1 to 32. K is a multiple of 8; of q8 and q4, of 32. With swiglu
//         out is [M,N/2]. More tokens: matmul_sm90.cu, with the same bits.
//
// Method  A block stays on its SM and has tiles of up to four panels, 64 rows of w. Four warpgroups have
//         a part of K each; their sums meet in shared memory and are added in order. One more warp
//         copies two steps of K at a time to the ring of each part: panels as runs of bytes (16-bit
//         rows: boxes of [16,64]), x as boxes of [tokens,64] with zeros beyond M. The ring goes on
//         from tile to tile, so that memory is busy while sums are added up and stored. Weights of
//         the first stages are asked for before the kernels ahead, which write x, have ended.
//
// Bound   Memory: the weights, 2NK bytes (q8: 1.0625 NK, q4: 0.5625 NK), x 2MK and out 2MN (f32:
//         4MN). Every tile reads x again, from L2: 2MK bytes, which bind for q4 from M = 16 on.
//         docs/matmul-hopper.md has the shares of every unit, and the depth of the ring.
//
// Limits  matmul_decode_sm90_kernel: 64 registers, 544 threads, 231552 bytes of shared memory, on sm_90
//
// Twin    cpu/matmul/matmul.cpp; matmul_decode.cu for sm_80
#include <algorithm>

#include "cuda/matmul/matmul.h"
#include "cuda/matmul/weights_sm90.cuh"
#include "cuda/stages_sm90.cuh"
#include "cuda/tensor_map.h"

namespace bc::cuda {
namespace {

constexpr int kTilePanels = 4;  // at most: the 64 rows of a warpgroup's products
constexpr int kChunkSteps = 2;  // of K in a stage
constexpr int kMultipliers = kHopperParts * kWarpgroup;
constexpr int kThreads = kMultipliers + kWarp;
constexpr int kMaxStages = 8;
// Between tokens in shared memory: lanes of a pair of sums are 2 tokens apart, 136 floats, and so
// fall into different banks.
constexpr int kSumLd = kTilePanels * static_cast<int>(kPanel) + 4;

// The stages of every part of K in shared memory: x, then w, then two barriers for each; then the
// sums of the parts.
template <class W, int kTokens>
struct Ring {
  static constexpr int kXStep = kTokens * 2 * kHopperStep;
  static constexpr int kXBytes = kChunkSteps * kXStep;
  static constexpr int kPanelStep =
      W::kPacked ? kGroupsOfStep * W::kBytes : static_cast<int>(kPanel) * 2 * kHopperStep;
  static constexpr int kPanelBytes = kChunkSteps * kPanelStep;
  static constexpr int kWBytes = kTilePanels * kPanelBytes;
  static constexpr int kSumBytes = kHopperParts * kTokens * kSumLd * 4;
  // A block of the small kernels that follow finds room beside this one, and lets the next matmul in.
  static constexpr int kLeft = 2048;
  static constexpr int kMost =
      (kMaxShared - kLeft - kSumBytes) / (kHopperParts * (kXBytes + kWBytes + 2 * 8));
  static constexpr int kStages = kMost < kMaxStages ? (kMost < 2 ? 2 : kMost) : kMaxStages;
  static constexpr int kSlots = kHopperParts * kStages;
  static constexpr int kWAt = kSlots * kXBytes;
  static constexpr int kSumsAt = kWAt + kSlots * kWBytes;
  static constexpr int kFullAt = kSumsAt + kSumBytes;
  static constexpr int kEmptyAt = kFullAt + kSlots * 8;
  static constexpr int kSharedBytes = kEmptyAt + kSlots * 8;
  static_assert(kSharedBytes <= kMaxShared, "two stages at least fit");
  static_assert(kXStep % kSwizzleAtom == 0 && (W::kPacked || kPanelStep % kSwizzleAtom == 0),
                "tiles start at atoms of the swizzle");

  int part;
  StageTurn<kStages> turn;

  __device__ __forceinline__ explicit Ring(int part_) : part(part_) {}
  __device__ __forceinline__ int slot(int of_stage) const { return part * kStages + of_stage; }

  template <class T>
  __device__ __forceinline__ Shared<T> x(int step) const {
    return shared_memory<T>(static_cast<uint32_t>(slot(turn.stage) * kXBytes + step * kXStep));
  }
  template <class T>
  __device__ __forceinline__ Shared<T> w(int panel) const {
    return shared_memory<T>(
        static_cast<uint32_t>(kWAt + slot(turn.stage) * kWBytes + panel * kPanelBytes));
  }
  // Its operands have come: the panels of w and the steps of x, each announced on its own.
  __device__ __forceinline__ Shared<uint64_t> full(int of_stage) const {
    return shared_memory<uint64_t>(kFullAt) + slot(of_stage);
  }
  // They have been used, by every warp of the part.
  __device__ __forceinline__ Shared<uint64_t> empty(int of_stage) const {
    return shared_memory<uint64_t>(kEmptyAt) + slot(of_stage);
  }
  // [kTokens][kSumLd] of a part.
  static __device__ __forceinline__ Shared<float> sums(int of_part) {
    return shared_memory<float>(kSumsAt) + of_part * (kTokens * kSumLd);
  }
};

// How w is cut into tiles; a block takes every gridDim.x-th.
struct Tiles {
  int panels;  // of a tile, 2 to kTilePanels
  int tiles;
  int all;  // panels of w
};

struct Maps {
  TensorMap x;  // [M,K] in boxes of [tokens,64]
  TensorMap w;  // [N,K] in boxes of [16,64], of 16-bit rows
};

// --- Bringing the operands -----------------------------------------------------------------------

// One lane of the warp that copies: a panel of w, or a step of x, of one part. All lanes go through
// the chunks together; a part with fewer of them passes, so that none runs ahead of the others into
// a tile that they keep from being begun.
template <class T, class W, int kTokens>
class Copier {
  using R = Ring<W, kTokens>;
  static constexpr int kPanelLanes = kHopperParts * kTilePanels;
  static constexpr int kStepLanes = kHopperParts * kChunkSteps;

 public:
  static constexpr int kLanes = kPanelLanes + kStepLanes;
  static constexpr int kLanesOfPart = kTilePanels + kChunkSteps;

  __device__ __forceinline__ Copier(const MatmulParams& p, const Tiles& tiles, const Maps* maps,
                                    int lane)
      : p_(p),
        tiles_(tiles),
        maps_(maps),
        of_x_(lane >= kPanelLanes),
        unit_(of_x_ ? lane % kChunkSteps : lane % kTilePanels),
        ring_(of_x_ ? (lane - kPanelLanes) / kChunkSteps : lane / kTilePanels) {
    const HopperParts parts(p.K);
    begin_ = parts.begin(ring_.part);
    steps_ = parts.begin(ring_.part + 1) - begin_;
    chunks_ = (parts.of_part + kChunkSteps - 1) / kChunkSteps;
    tile_ = static_cast<int>(blockIdx.x);
  }

  __device__ __forceinline__ bool of_x() const { return of_x_; }
  __device__ __forceinline__ bool any() const { return tile_ < tiles_.tiles; }

  // The next chunk. A stage that nobody has used yet is empty: the phase before its first is over.
  __device__ __forceinline__ void copy() {
    if (chunk_ * kChunkSteps < steps_) {
      wait_phase(ring_.empty(ring_.turn.stage), ring_.turn.parity ^ 1);
      const int left = steps_ - chunk_ * kChunkSteps;
      const int step = begin_ + chunk_ * kChunkSteps;
      of_x_ ? copy_x(step, left) : copy_w(step, left);
      ring_.turn.next();
    }
    if (++chunk_ < chunks_) return;
    chunk_ = 0;
    tile_ += static_cast<int>(gridDim.x);
  }

 private:
  __device__ __forceinline__ void copy_x(int step, int left) const {
    const Shared<uint64_t> full = ring_.full(ring_.turn.stage);
    if (unit_ >= left) return ptx::mbarrier_arrive(full);
    ptx::mbarrier_arrive_expect_tx(full, R::kXStep);
    ptx::cp_async_bulk_tensor_2d(ring_.template x<T>(unit_), &maps_->x,
                                 (step + unit_) * kHopperStep, 0, full);
  }

  __device__ __forceinline__ void copy_w(int step, int left) const {
    const Shared<uint64_t> full = ring_.full(ring_.turn.stage);
    const int panel = tile_ * tiles_.panels + unit_;
    if (unit_ >= tiles_.panels || panel >= tiles_.all) return ptx::mbarrier_arrive(full);
    const int steps = left < kChunkSteps ? left : kChunkSteps;
    if constexpr (W::kPacked) {
      const auto groups = static_cast<int>(p_.K / kGroup);
      const int first = step * kGroupsOfStep;
      const int count = steps * kGroupsOfStep;
      const int bytes = (groups - first < count ? groups - first : count) * W::kBytes;
      ptx::mbarrier_arrive_expect_tx(full, static_cast<uint32_t>(bytes));
      ptx::cp_async_bulk(
          ring_.template w<uint8_t>(unit_),
          static_cast<const uint8_t*>(p_.w) + (int64_t{panel} * groups + first) * W::kBytes,
          static_cast<uint32_t>(bytes), full);
    } else {
      ptx::mbarrier_arrive_expect_tx(full, static_cast<uint32_t>(steps * R::kPanelStep));
      for (int i = 0; i < steps; ++i) {
        ptx::cp_async_bulk_tensor_2d(ring_.template w<T>(unit_) + i * (R::kPanelStep / 2),
                                     &maps_->w, (step + i) * kHopperStep,
                                     panel * static_cast<int>(kPanel), full);
      }
    }
  }

  const MatmulParams& p_;
  const Tiles& tiles_;
  const Maps* maps_;
  bool of_x_;
  int unit_;
  Ring<W, kTokens> ring_;
  int begin_, steps_, chunks_;  // of the part; chunks of the longest
  int tile_, chunk_ = 0;
};

template <class T, class W, int kTokens>
__device__ __forceinline__ void produce(const MatmulParams& p, const Tiles& tiles,
                                        const Maps* maps) {
  using C = Copier<T, W, kTokens>;
  const auto lane = static_cast<int>(ptx::lane_id());
  if (lane >= C::kLanes) return;
  C copier(p, tiles, maps, lane);
  constexpr int kStages = Ring<W, kTokens>::kStages;
  // Weights of the first stages come while earlier kernels, which make x, still run.
  if (!copier.of_x()) {
    for (int i = 0; i < kStages && copier.any(); ++i) copier.copy();
  }
  ptx::griddepcontrol_wait();
  if (copier.of_x()) {
    for (int i = 0; i < kStages && copier.any(); ++i) copier.copy();
  }
  while (copier.any()) copier.copy();
}

// --- Multiplying ---------------------------------------------------------------------------------

// The left operand of a group of 32 columns, of 16 rows at w.
template <class T, class W, class Element>
__device__ __forceinline__ void load_group(GroupA& a, Shared<Element> w, int group) {
  if constexpr (W::kPacked) {
    W::unpack(W::load(w + group * W::kBytes / 4), a);
  } else {
    const RowCol at = lane_of_a();
    const Shared<T> tile = w + group / kGroupsOfStep * (static_cast<int>(kPanel) * kHopperStep);
    const int column = group % kGroupsOfStep * static_cast<int>(kGroup) + at.col;
    ptx::ldmatrix_x4(a[0], tile + swizzled_128(at.row, column));
    ptx::ldmatrix_x4(a[1], tile + swizzled_128(at.row, column + 16));
  }
}

// A warp's share of a part: 16 rows of w, all of which the part has of K.
template <class T, class W, int kTokens>
class Multiplier {
  using R = Ring<W, kTokens>;
  using Element = std::conditional_t<W::kPacked, uint32_t, T>;  // as w lies in shared memory

 public:
  // Panels are turned by part: where a tile has fewer than four, idle warps are on all schedulers.
  __device__ __forceinline__ Multiplier(const MatmulParams& p, int warp)
      : ring_(warp / 4), panel_((warp + ring_.part) % kTilePanels) {
    const HopperParts parts(p.K);
    begin_ = parts.begin(ring_.part) * kGroupsOfStep;
    end_ = parts.begin(ring_.part + 1) * kGroupsOfStep;
    // Of 16-bit rows there are zeros up to the end of a step.
    if (W::kPacked && end_ > p.K / kGroup) end_ = static_cast<int>(p.K / kGroup);
  }

  // sum = the part's share of a tile. here: the tile has the warp's panel; products without it are
  // of what is left in the registers, and not used.
  __device__ __forceinline__ void multiply(float (&sum)[kTokens / 2], bool here) {
    if (begin_ == end_) return;
    constexpr int kGroups = kChunkSteps * kGroupsOfStep;
    int before = 0;
    for (int group = begin_; group < end_; group += kGroups) {
      wait_phase(ring_.full(ring_.turn.stage), ring_.turn.parity);
      const auto w = ring_.template w<Element>(panel_);
      const uint64_t x = k_major(ring_.template x<T>(0));  // in descriptors 16 bytes count one
#pragma unroll
      for (int i = 0; i < kGroups; ++i) {
        if (group + i >= end_) break;
        GroupA& a = a_[i % 2];
        if (here) load_group<T, W>(a, w, i);
        ptx::pin_registers(a[0]);
        ptx::pin_registers(a[1]);
        const uint64_t x_at = x + i / kGroupsOfStep * (R::kXStep / 16) + i % kGroupsOfStep * 4;
        ptx::wgmma_fence();
        ptx::wgmma_rs<T, kTokens, 0>(sum, a[0], x_at, i > 0 || group > begin_);
        ptx::wgmma_rs<T, kTokens, 0>(sum, a[1], x_at + 2, true);
        ptx::wgmma_commit_group();
        // The registers of the group before are free, and so is the stage before this one.
        ptx::wgmma_wait_group<1>();
        if (i == 0 && group > begin_) release(before);
      }
      before = ring_.turn.stage;
      ring_.turn.next();
    }
    ptx::wgmma_wait_group<0>();
    ptx::pin_registers(sum);
    release(before);
  }

  __device__ __forceinline__ int panel() const { return panel_; }

  // Leaves the sums where they are added up.
  __device__ __forceinline__ void store_sums(const float (&sum)[kTokens / 2]) const {
    const int g = static_cast<int>(ptx::lane_id()) / 4;
    const int t = static_cast<int>(ptx::lane_id()) % 4;
    const Shared<float> to = R::sums(ring_.part) + panel_ * static_cast<int>(kPanel);
#pragma unroll
    for (int tile = 0; tile < kTokens / 8; ++tile) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const Shared<float> token = to + (8 * tile + 2 * t + i) * kSumLd;
        const Vec<float, 2> rows = {{sum[4 * tile + i], sum[4 * tile + i + 2]}};
        if constexpr (W::kPacked) {
          store(token + 2 * g, rows);
        } else {
          token[g] = rows[0];
          token[g + 8] = rows[1];
        }
      }
    }
  }

 private:
  __device__ __forceinline__ void release(int stage) const {
    __syncwarp();
    if (ptx::lane_id() == 0) ptx::mbarrier_arrive(ring_.empty(stage));
  }

  R ring_;
  int panel_;
  int begin_, end_;  // groups
  GroupA a_[2] = {};
};

template <class T, class W, int kTokens>
__device__ __forceinline__ void consume(const MatmulParams& p, const Tiles& tiles) {
  using R = Ring<W, kTokens>;
  constexpr int kBarrier = 1;  // of those that multiply
  constexpr int kPairs = kTilePanels * static_cast<int>(kPanel) / 2;
  const HopperParts parts(p.K);
  ptx::griddepcontrol_wait();
  // The compiler sees from the exchange that a warp's threads go the same way.
  const int warp = ptx::shfl_idx(static_cast<int32_t>(threadIdx.x) / kWarp, 0);
  Multiplier<T, W, kTokens> mine(p, warp);
  for (int tile = static_cast<int>(blockIdx.x); tile < tiles.tiles;
       tile += static_cast<int>(gridDim.x)) {
    const int first = tile * tiles.panels;
    float sum[kTokens / 2];
    mine.multiply(sum, mine.panel() < tiles.panels && first + mine.panel() < tiles.all);
    ptx::bar_sync(kBarrier, kMultipliers);  // what lay there has been added up
    mine.store_sums(sum);
    ptx::bar_sync(kBarrier, kMultipliers);
    for (int i = static_cast<int>(threadIdx.x); i < kTokens * kPairs; i += kMultipliers) {
      const int row = i % kPairs * 2;
      const int64_t m = i / kPairs;
      const int64_t n = int64_t{first} * kPanel + row;
      if (row >= tiles.panels * static_cast<int>(kPanel) || m >= p.M || n >= p.N) continue;
      const int at = static_cast<int>(m) * kSumLd + row;
      Vec<float, 2> total = load<2>(R::sums(0) + at);
#pragma unroll
      for (int part = 1; part < kHopperParts; ++part) {
        if (part >= parts.parts) break;
        const Vec<float, 2> more = load<2>(R::sums(part) + at);
        total[0] += more[0];
        total[1] += more[1];
      }
      store_out<T>(p, m, n, total[0], total[1]);
    }
  }
}

template <class T, class W, int kTokens>
__global__ void __launch_bounds__(kThreads, 1)
    matmul_decode_sm90_kernel(MatmulParams p, Tiles tiles, const __grid_constant__ Maps maps) {
  using R = Ring<W, kTokens>;
  ptx::griddepcontrol_launch_dependents();
  const auto thread = static_cast<int>(threadIdx.x);
  if (thread < R::kSlots) {
    ptx::mbarrier_init(shared_memory<uint64_t>(R::kFullAt) + thread,
                       Copier<T, W, kTokens>::kLanesOfPart);
    ptx::mbarrier_init(shared_memory<uint64_t>(R::kEmptyAt) + thread, kWarpgroup / kWarp);
    ptx::fence_mbarrier_init();
  }
  __syncthreads();
  thread < kMultipliers ? consume<T, W, kTokens>(p, tiles)
                        : produce<T, W, kTokens>(p, tiles, &maps);
}

// --- Launching -----------------------------------------------------------------------------------

// Tiles of as many panels as leave the busiest block the fewest bytes.
Tiles share_out(const MatmulParams& p, const Facts& gpu) {
  const auto all = static_cast<int>((p.N + kPanel - 1) / kPanel);
  const auto with = [&](int panels) { return Tiles{panels, (all + panels - 1) / panels, all}; };
  const int64_t panel =
      is_quantized(p.w_type) ? p.K / kGroup * group_bytes(p.w_type) : kPanel * 2 * p.K;
  const auto most = [&](const Tiles& t) {
    const int64_t rounds = (t.tiles + gpu.sms - 1) / gpu.sms;
    return rounds * (t.panels * panel + 2 * p.M * p.K);
  };
  Tiles best = with(kTilePanels);
  for (const int panels : {3, 2}) {
    if (most(with(panels)) < most(best)) best = with(panels);
  }
  return best;
}

template <class T, class W>
struct Few {
  template <int kTokens>
  static void with(const MatmulParams& p, const Facts& gpu, void* stream) {
    Maps maps = {};
    maps.x = map_of_rows(p.x, p.M, p.K, p.x_ld, kTokens);
    if (!W::kPacked) maps.w = map_of_rows(p.w, p.N, p.K, p.w_ld, kPanel);
    const Tiles tiles = share_out(p, gpu);
    const auto blocks = static_cast<unsigned>(std::min(tiles.tiles, gpu.sms));
    cuda::launch<matmul_decode_sm90_kernel<T, W, kTokens>>(
        {dim3(blocks), dim3(kThreads), Ring<W, kTokens>::kSharedBytes, stream, p.w_at_rest}, p,
        tiles, maps);
  }
  static void launch(const MatmulParams& p, const Facts& gpu, void* stream) {
    p.M <= 8    ? with<8>(p, gpu, stream)
    : p.M <= 16 ? with<16>(p, gpu, stream)
                : with<32>(p, gpu, stream);
  }
};

}  // namespace

void matmul_decode_sm90(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_hopper_weights<Few>(p, gpu, stream);
}

}  // namespace bc::cuda
