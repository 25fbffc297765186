// HEADER
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
