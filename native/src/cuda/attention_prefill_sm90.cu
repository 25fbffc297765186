// attention, sequences of more than 8 tokens, on Hopper and 16-bit pages:
// out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached positions 0..i of a
// query at i.
//
// Shapes  qkv [T,3C], of which the queries [T,C] are read; pages [pages,2,H,64,D] of the same type;
//         slopes [H] or none; out [T,C]. C = H D; D = 128. Pages of int8 are for the twin on sm_80.
//
// Method  A persistent block on each SM. One warp brings tiles, two warpgroups multiply, each for 64
//         of 128 queries of one sequence and head; they meet 128 keys, two pages, at a time.
//
//         Tiles and blocks of keys begin at multiples of 128 positions. So a tile sees its diagonal
//         block, the only one with a mask, and all before it, whole; every row sees a key of every
//         block, and no maximum is ever of nothing. The diagonal block goes first, then the others
//         downwards: with ALiBi that is the nearest first, and the maximum seldom rises after it.
//
//         Bits: a query's result is made of its own row of each product, of blocks that lie where
//         they lie, in an order that depends on its position. What else is in the tile, in the batch
//         or on the SM has no part in it. Sums are scaled down when some row's maximum has risen: by
//         1 where it has not, which changes nothing.
//
//         A step of a warpgroup hands S' = Q K'^T of the next block and O += P V of this one to the
//         tensor cores, then turns S' into P' while these work, at first on its own O, then on what
//         the other warpgroup handed in meanwhile: a pair of named barriers lets them take turns.
//         P never leaves registers: narrowed in pairs, S is laid out as the operand a.
//
//         Scores of ALiBi take one multiply-add each: with c, the column in the block, counted from
//         the thread's first (a constant after unrolling), u = q k + (slope / scale) c; what the
//         distance has beside c is one number for each row of a thread, and goes into the addend that
//         subtracts the maximum: P = 2^(scale u + (slope distance - maximum)).
//
//         Which tile: longest_first.cuh, heads innermost, forth and back over the blocks. Of one
//         prompt of 4096 at 40 heads, the longest-running SM has 0.2 % more than the average; a
//         counter in memory, which a replayed step would have to clear, could not do better. At one
//         time 132 blocks work on 3.3 levels of all heads, in step: HBM gives each key to 3 SMs.
//
// Memory  Whole pages come by bulk copies of [64,64] boxes. Of the page with a sequence's last
//         position, and the one after, what lies past it may be anything, NaN too, and 0 * NaN is
//         NaN: of these two the warp copies the rows that there are by cp.async, and fills the rest
//         with zeros. That is in the first block of a sequence's last tile only. A copy of a box that
//         starts before the page would bring zeros by itself, but at its beginning: products would
//         add in other groups, and other bits come out.
//         Rows of the tile of queries that are not of the sequence are a neighbour's, or zeros: they
//         are multiplied and not stored. A warpgroup without queries passes over the tile.
//
//         Keys and values wait in one ring of 5 tiles [128,128], 160 KB: 2.5 blocks, 5000 clocks of
//         tensor work ahead, against some 1000 of latency. Queries have two tiles, 64 KB, so that
//         those of the next tile are there when it begins; a tile's output leaves through its
//         queries' place, for whole sectors.
//
// Registers  A consumer holds S 64, O 64, P 32, and needs 208 with addresses and sums. 56 * 128 +
//         224 * 256 = 64512 of 65536. Two tiles of S under way, 64 more, would not fit, and are not
//         needed: a warpgroup's S' is under way beside O += P V.
//
// Bound   Compute: 4D flops a query, key and head, for whole blocks of 128 x 128. Clocks of an SM for
//         one:
//
//           tensor cores       2048   2 warpgroups * 16 m64n128k16 * 64
//           L2                 2731   64 KB of keys and values, at 24 bytes a clock
//           shared memory      1792   160 KB of operands, 64 KB that arrive, at 128 bytes a clock
//           exponentials       1024   16384, at 16 a clock
//           issue               700   2 warps a scheduler: 64 * (max, fma, ex2, add) + 32 cvt + 60
//           issue, ALiBi        830   and 64 fma
//
//         L2 is the limit, at 75 % of the tensor cores' peak: 712 of 949 TFLOP/s at 1.755 GHz. (Two
//         blocks of a cluster that share keys by multicast would halve it.) A tile has, beside its
//         blocks, a softmax that nothing of its own runs under and its output: about 2000 clocks, 5 %
//         of 16.5 blocks at 4096 positions, 1 % at 16384; its diagonal block is half masked: 3 %, 1 %.
//         Expected: 550 to 650 TFLOP/s from 4096 on; ALiBi as RoPE, since issue does not bind.
//
//         A short prompt fills rounds badly: 512 tokens at 40 heads are 160 tiles on 132 SMs.
//
// Limits  attention_prefill_sm90_kernel: 168 registers, 384 threads, 229552 bytes of shared memory, on sm_90
//
// Twin    attention_prefill.cu
// Source  Shah et al. 2024, arXiv:2407.08608; Press et al. 2021, arXiv:2108.12409 (ALiBi)
#include "attention.h"
#include "longest_first.cuh"
#include "reduce.cuh"
#include "softmax.cuh"
#include "wgmma.cuh"

// Not an unnamed namespace: compilers for other architectures would find its members unused.
namespace bc::cuda::prefill_sm90 {

constexpr int kRows = 128;   // queries of a tile, and keys of a block: two pages
constexpr int kGroups = 2;   // warpgroups that compute, each for half of the queries
constexpr int kSlots = 5;    // of the ring through which keys and values come
constexpr int kBuffers = 2;  // of queries
constexpr int kThreads = (1 + kGroups) * kWarpgroup;

// What a warpgroup has to know of its tile.
struct alignas(16) Work {
  int level;       // of LongestFirst; -1: there is none
  int token;       // of row 0
  int begin, end;  // rows
  int head;
  float slope;  // in units of log2, and of products that are not scaled yet
  float product_slope;
};

// Shared memory. Every tile of queries, keys or values is two halves of 64 columns, [2][128 rows][64],
// swizzled.
struct Room {
  static constexpr int kHalf = kRows * kTileColumns;
  static constexpr uint32_t kTileBytes = kRows * kHeadSize * 2;
  static constexpr uint32_t kQueries = kSlots * kTileBytes;
  static constexpr uint32_t kBarriers = kQueries + kBuffers * kTileBytes;
  static constexpr uint32_t kWork = kBarriers + 8 * 2 * (kSlots + kBuffers);
  static constexpr uint32_t kBytes = kWork + kBuffers * sizeof(Work);
  static_assert(2 * kTileColumns == kHeadSize && 2 * kPageSize == kRows, "two halves, two pages");

  template <class T>
  static __device__ __forceinline__ Shared<T> slot(int i) {
    return shared_memory<T>(static_cast<uint32_t>(i) * kTileBytes);
  }
  template <class T>
  static __device__ __forceinline__ Shared<T> queries(int i) {
    return shared_memory<T>(kQueries + static_cast<uint32_t>(i) * kTileBytes);
  }
  static __device__ __forceinline__ Shared<Work> work(int i) {
    return shared_memory<Work>(kWork) + i;
  }

  static __device__ __forceinline__ Shared<uint64_t> full(int slot) {
    return shared_memory<uint64_t>(kBarriers) + slot;
  }
  static __device__ __forceinline__ Shared<uint64_t> empty(int slot) { return full(kSlots + slot); }
  static __device__ __forceinline__ Shared<uint64_t> queries_full(int i) {
    return full(2 * kSlots + i);
  }
  static __device__ __forceinline__ Shared<uint64_t> queries_empty(int i) {
    return full(2 * kSlots + kBuffers + i);
  }

  static __device__ __forceinline__ void wait(Shared<uint64_t> barrier, uint32_t parity) {
    while (!ptx::mbarrier_try_wait_parity(barrier, parity)) {
    }
  }
};

// A place in the ring.
struct Place {
  int slot = 0;
  uint32_t parity = 0;
  __device__ __forceinline__ void next() {
    if (++slot == kSlots) {
      slot = 0;
      parity ^= 1;
    }
  }
};

// --- The warp that brings tiles ------------------------------------------------------------------

template <class T>
class Producer {
 public:
  __device__ __forceinline__ Producer(const AttentionParams& p, float scale,
                                      const TensorMap* queries, const TensorMap* pages)
      : p_(p),
        scale_(scale),
        queries_(queries),
        pages_(pages),
        lane_(static_cast<int>(ptx::lane_id())) {}

  __device__ __forceinline__ void run() {
    LongestFirst<kRows> order(p_.batch);
    const int H = static_cast<int>(p_.H);
    const int blocks = static_cast<int>(gridDim.x);
    for (int i = 0;; ++i) {
      // Forth and back over the blocks: who has the longest of one round gets the shortest of the
      // next.
      const int block = static_cast<int>(blockIdx.x);
      const int n = i * blocks + (i % 2 == 0 ? block : blocks - 1 - block);
      const auto tile = order.find(n / H);
      head_ = n % H;
      const int buffer = i % kBuffers;
      Room::wait(Room::queries_empty(buffer), (i / kBuffers + 1) % 2);
      if (lane_ == 0) {
        const float slope = p_.slopes == nullptr ? 0.0f : load(p_.slopes + head_) * kLog2E;
        store(Room::work(buffer), Vec<Work, 1>{{{tile.level, tile.token, tile.begin, tile.end,
                                                 head_, slope, slope / scale_}}});
        if (tile.level < 0) {
          ptx::mbarrier_arrive(Room::queries_full(buffer));
        } else {
          ptx::mbarrier_arrive_expect_tx(Room::queries_full(buffer), Room::kTileBytes);
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            ptx::cp_async_bulk_tensor_2d(Room::queries<T>(buffer) + half * Room::kHalf, queries_,
                                         head_ * kHeadSize + half * kTileColumns, tile.token,
                                         Room::queries_full(buffer));
          }
        }
      }
      if (tile.level < 0) return;

      const int32_t* table = p_.batch.table + tile.sequence * p_.batch.P;
      Block keys = {};
      Block values = {};
      for (int level = tile.level; level >= -1; --level) {
        if (level >= 0) {
          const int rows = level == tile.level ? tile.end : kRows;
          keys = {load(table + 2 * level), rows > kPageSize ? load(table + 2 * level + 1) : 0,
                  rows};
          bring(keys, 0);
        }
        if (level < tile.level) bring(values, 1);
        values = keys;
      }
    }
  }

 private:
  struct Block {
    int first, second;  // pages
    int rows;           // that hold positions up to the last query's
    __device__ __forceinline__ int page(int i) const { return i == 0 ? first : second; }
  };

  // Keys (0) or values (1) of a block to the next place of the ring.
  __device__ __forceinline__ void bring(const Block& block, int kind) {
    const Shared<T> tile = Room::slot<T>(place_.slot);
    const Shared<uint64_t> barrier = Room::full(place_.slot);
    Room::wait(Room::empty(place_.slot), place_.parity ^ 1);
    if (block.rows < kRows) {
#pragma unroll 1
      for (int page = block.rows / kPageSize; page < 2; ++page)
        copy_rows(tile + page * kPageSize * kTileColumns, row(block.page(page), kind),
                  block.rows - page * kPageSize);
      ptx::cp_async_commit_group();
      ptx::cp_async_wait_group<0>();
      ptx::fence_proxy_async();
      __syncwarp();
    }
    if (lane_ == 0) {
      const int pages = block.rows / kPageSize;
      ptx::mbarrier_arrive_expect_tx(barrier, static_cast<uint32_t>(pages) * Room::kTileBytes / 2);
#pragma unroll 1
      for (int page = 0; page < pages; ++page) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          ptx::cp_async_bulk_tensor_2d(tile + half * Room::kHalf + page * kPageSize * kTileColumns,
                                       pages_, half * kTileColumns, row(block.page(page), kind),
                                       barrier);
        }
      }
    }
    place_.next();
  }

  // Of the pages as [pages 2 H 64, D].
  __device__ __forceinline__ int row(int page, int kind) const {
    return ((page * 2 + kind) * static_cast<int>(p_.H) + head_) * static_cast<int>(kPageSize);
  }

  // The first rows of a page; the rest of it becomes zeros and is not read.
  __device__ __forceinline__ void copy_rows(Shared<T> to, int from, int rows) {
    constexpr int kChunk = 8;
    constexpr int kChunks = kHeadSize / kChunk;
    const T* page = static_cast<const T*>(p_.pages) + int64_t{from} * kHeadSize;
#pragma unroll 2
    for (int i = lane_; i < kPageSize * kChunks; i += kWarp) {
      const int r = i / kChunks;
      const int col = i % kChunks * kChunk;
      const bool here = r < rows;
      ptx::cp_async<16>(
          to + (col / kTileColumns * Room::kHalf + swizzled_128(r, col % kTileColumns)),
          here ? page + i * kChunk : static_cast<const T*>(p_.pages), here ? 16 : 0);
    }
  }

  const AttentionParams& p_;
  const float scale_;
  const TensorMap* queries_;
  const TensorMap* pages_;
  const int lane_;
  Place place_;
  int head_ = 0;
};

// --- The warpgroups that compute -----------------------------------------------------------------

// 64 queries of a tile. Thread and register say which elements (ptx_sm90.cuh): a thread has two rows,
// 8 apart, and of 8 columns two.
template <class T>
class Consumer {
 public:
  __device__ __forceinline__ Consumer(const AttentionParams& p, float scale)
      : p_(p),
        scale_(scale),
        lane_(static_cast<int>(ptx::lane_id())),
        group_(static_cast<int>(threadIdx.x) / kWarpgroup - 1),
        warp_row_(group_ * kGroupRows + static_cast<int>(threadIdx.x) / kWarp % 4 * 16),
        column_(lane_ % 4 * 2) {}

  __device__ __forceinline__ void run() {
    if (group_ == 1) pass_turn();
    for (int i = 0;; ++i) {
      const int buffer = i % kBuffers;
      Room::wait(Room::queries_full(buffer), i / kBuffers % 2);
      const Work work = load<1>(Room::work(buffer))[0];
      if (work.level < 0) break;
      if (work.begin < (group_ + 1) * kGroupRows && work.end > group_ * kGroupRows) {
        attend(work, Room::queries<T>(buffer));
      } else {
        pass_over(work);
      }
      ptx::fence_proxy_async();
      __syncwarp();
      if (lane_ == 0) ptx::mbarrier_arrive(Room::queries_empty(buffer));
    }
    if (group_ == 0) take_turn();
  }

 private:
  static constexpr int kGroupRows = kRows / kGroups;
  static constexpr int kScores = kRows / 2;  // of a thread
  static constexpr int kOut = kHeadSize / 2;

  __device__ __forceinline__ void attend(const Work& work, Shared<T> queries) {
    // The diagonal block first.
    const Place first_keys = take();
    score(queries, first_keys);
    ptx::wgmma_wait_group<0>();
    ptx::pin_registers(scores_);
    release(first_keys);
    softmax_[0] = {};
    softmax_[1] = {};
    float factor[2];
    weigh<true>(work, work.level, factor);
    narrow_weights();

    for (int level = work.level - 1; level >= 0; --level) {
      const Place keys = take();
      take_turn();
      score(queries, keys);
      const Place values = take();
      add(values, level < work.level - 1);
      pass_turn();
      ptx::wgmma_wait_group<1>();
      ptx::pin_registers(scores_);
      release(keys);
      weigh<false>(work, level, factor);
      ptx::wgmma_wait_group<0>();
      ptx::pin_registers(out_);
      release(values);
      // Most of the time the maximum stays, and a factor of 1 changes nothing.
      if (!ptx::vote_all(factor[0] == 1.0f && factor[1] == 1.0f)) {
#pragma unroll
        for (int i = 0; i < kOut; ++i) out_[i] *= factor[i / 2 % 2];
      }
      narrow_weights();
    }
    const Place values = take();
    add(values, work.level > 0);
    ptx::wgmma_wait_group<0>();
    ptx::pin_registers(out_);
    release(values);
    write(work, queries);
  }

  // The other warpgroup's tile.
  __device__ __forceinline__ void pass_over(const Work& work) {
    release(take());
    for (int level = work.level - 1; level >= 0; --level) {
      take_turn();
      pass_turn();
      release(take());
      release(take());
    }
    release(take());
  }

  // The next tile of the ring, when it is there.
  __device__ __forceinline__ Place take() {
    const Place at = place_;
    Room::wait(Room::full(at.slot), at.parity);
    place_.next();
    return at;
  }
  __device__ __forceinline__ void release(Place at) {
    if (lane_ == 0) ptx::mbarrier_arrive(Room::empty(at.slot));
  }

  // Warpgroups take turns in handing products to the tensor cores.
  __device__ __forceinline__ void take_turn() { ptx::bar_sync(1 + group_, kGroups * kWarpgroup); }
  __device__ __forceinline__ void pass_turn() { ptx::bar_arrive(2 - group_, kGroups * kWarpgroup); }

  // Descriptors count in 16 bytes.
  static __device__ __forceinline__ uint64_t units(int elements) {
    return static_cast<uint64_t>(elements) * 2 / 16;
  }

  // scores = q k^T
  __device__ __forceinline__ void score(Shared<T> queries, Place keys) {
    const uint64_t a = k_major(queries + group_ * kGroupRows * kTileColumns);
    const uint64_t b = k_major(Room::slot<T>(keys.slot));
    ptx::wgmma_fence();
#pragma unroll
    for (int k = 0; k < kHeadSize / 16; ++k) {
      const uint64_t at = units(k / 4 * Room::kHalf + k % 4 * 16);
      ptx::wgmma_ss<T, kRows, 0, 0>(scores_, a + at, b + at, k > 0);
    }
    ptx::wgmma_commit_group();
  }

  // out += weights v
  __device__ __forceinline__ void add(Place values, bool more) {
    const uint64_t b = mn_major(Room::slot<T>(values.slot), Room::kHalf * 2);
    ptx::wgmma_fence();
#pragma unroll
    for (int k = 0; k < kRows / 16; ++k) {
      ptx::wgmma_rs<T, kHeadSize, 1>(out_, weights_[k], b + units(k * 16 * kTileColumns),
                                     more || k > 0);
    }
    ptx::wgmma_commit_group();
  }

  // Turns scores into weights 2^(score - maximum so far). factor: for what was summed before.
  template <bool kDiagonal>
  __device__ __forceinline__ void weigh(const Work& work, int level, float (&factor)[2]) {
    if (work.slope != 0.0f) {
#pragma unroll
      for (int i = 0; i < kScores; ++i)
        scores_[i] = fmaf(work.product_slope, static_cast<float>(i / 4 * 8 + i % 2), scores_[i]);
    }
    float max[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int i = 0; i < kScores; ++i) {
      const int half = i / 2 % 2;
      if (kDiagonal && i / 4 * 8 + i % 2 + column_ > row(half)) scores_[i] = -INFINITY;
      max[half] = fmaxf(max[half], scores_[i]);
    }
    float offset[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int distance = (level - work.level) * kRows + column_ - row(half);
      offset[half] = work.slope * static_cast<float>(distance);
      factor[half] = softmax_[half].raise(group_max<4>(fmaf(max[half], scale_, offset[half])));
      offset[half] -= softmax_[half].max;
    }
    float sum[2][2] = {};
#pragma unroll
    for (int i = 0; i < kScores; ++i) {
      const int half = i / 2 % 2;
      scores_[i] = ptx::ex2(fmaf(scores_[i], scale_, offset[half]));
      sum[half][i % 2] += scores_[i];
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) softmax_[half].sum += sum[half][0] + sum[half][1];
  }

  __device__ __forceinline__ void narrow_weights() {
#pragma unroll
    for (int i = 0; i < kScores / 2; ++i)
      weights_[i / 4][i % 4] = narrow_pair<T>(scores_[2 * i], scores_[2 * i + 1]);
  }

  // Through this warp's rows of the queries, for whole sectors.
  __device__ __forceinline__ void write(const Work& work, Shared<T> queries) {
    const Shared<T> rows = queries + warp_row_ * kTileColumns;
    ptx::bar_sync(3 + group_, kWarpgroup);  // everybody has done with the queries
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float inverse = 1.0f / group_sum<4>(softmax_[half].sum);
#pragma unroll
      for (int n = 0; n < kHeadSize / 8; ++n) {
        const int at =
            n / 8 * Room::kHalf + swizzled_128(lane_ / 4 + 8 * half, n % 8 * 8 + column_);
        const Vec<float, 2> pair = {
            {out_[4 * n + 2 * half] * inverse, out_[4 * n + 2 * half + 1] * inverse}};
        store(rows + at, narrow<T>(pair));
      }
    }
    __syncwarp();
    constexpr int kChunk = 8;
    constexpr int kChunks = kHeadSize / kChunk;
    T* out = static_cast<T*>(p_.out) + (int64_t{work.token} + warp_row_) * p_.out_ld +
             work.head * kHeadSize;
#pragma unroll
    for (int i = 0; i < 16 * kChunks / kWarp; ++i) {
      const int r = (i * kWarp + lane_) / kChunks;
      const int col = lane_ % kChunks * kChunk;
      if (warp_row_ + r >= work.begin && warp_row_ + r < work.end) {
        store(out + r * p_.out_ld + col,
              load<kChunk>(
                  rows + (col / kTileColumns * Room::kHalf + swizzled_128(r, col % kTileColumns))));
      }
    }
  }

  // Of this thread in the tile.
  __device__ __forceinline__ int row(int half) const { return warp_row_ + lane_ / 4 + 8 * half; }

  const AttentionParams& p_;
  const float scale_;
  const int lane_, group_;
  const int warp_row_;  // of the tile, the warp's first
  const int column_;    // of each 8, the thread's first
  Place place_;
  float scores_[kScores];
  uint32_t weights_[kRows / 16][4];
  float out_[kOut];
  OnlineSoftmax softmax_[2];
};

}  // namespace bc::cuda::prefill_sm90

namespace bc::cuda {
namespace {

using namespace prefill_sm90;

template <class T>
__global__ void __launch_bounds__(kThreads, 1)
    attention_prefill_sm90_kernel(const __grid_constant__ AttentionParams p, float scale,
                                  const __grid_constant__ TensorMap queries,
                                  const __grid_constant__ TensorMap pages) {
#if !defined(__CUDACC__) || defined(BC_SM90A)
  if (threadIdx.x == 0) {
    for (int slot = 0; slot < kSlots; ++slot) {
      ptx::mbarrier_init(Room::full(slot), 1);
      ptx::mbarrier_init(Room::empty(slot), kGroups * 4);
    }
    for (int buffer = 0; buffer < kBuffers; ++buffer) {
      ptx::mbarrier_init(Room::queries_full(buffer), 1);
      ptx::mbarrier_init(Room::queries_empty(buffer), kGroups * 4);
    }
    ptx::fence_mbarrier_init();
    ptx::prefetch_tensormap(&queries);
    ptx::prefetch_tensormap(&pages);
  }
  __syncthreads();
  if (threadIdx.x < kWarpgroup) {
    ptx::setmaxnreg_dec<56>();
    if (threadIdx.x < kWarp) Producer<T>(p, scale, &queries, &pages).run();
  } else {
    ptx::setmaxnreg_inc<224>();
    Consumer<T>(p, scale).run();
  }
#endif
}

template <class T>
void launch_prefill(const AttentionParams& p, void* stream) {
  const uint64_t columns = static_cast<uint64_t>(p.H * p.D);
  const uint64_t rows = static_cast<uint64_t>(p.batch.pages * 2 * p.H * kPageSize);
  const TensorMap queries = make_tensor_map({p.qkv,
                                             2,
                                             2,
                                             {columns, static_cast<uint64_t>(p.batch.T)},
                                             {static_cast<uint64_t>(p.ld) * 2},
                                             {kTileColumns, kRows},
                                             Swizzle::bytes_128});
  const TensorMap pages = make_tensor_map({p.pages,
                                           2,
                                           2,
                                           {kHeadSize, rows},
                                           {kHeadSize * 2},
                                           {kTileColumns, static_cast<uint32_t>(kPageSize)},
                                           Swizzle::bytes_128});
  const float scale = kLog2E / sqrtf(static_cast<float>(p.D));
  launch<attention_prefill_sm90_kernel<T>>(
      {dim3(static_cast<unsigned>(p.processors)), dim3(kThreads), Room::kBytes, stream}, p, scale,
      queries, pages);
}

}  // namespace

void attention_prefill_sm90(const AttentionParams& p, void* stream) {
  p.type == Type::bf16 ? launch_prefill<bf16>(p, stream) : launch_prefill<f16>(p, stream);
}

}  // namespace bc::cuda
