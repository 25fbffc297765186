// What do the two sides of attention_prefill_sm90.cu share? Room in shared memory, barriers, and the
// description of a tile. Here is also the side that fills shared memory with queries and with the pages of
// a head; docs/attention-hopper.md says why it does so in this way.
//
// Every tile of queries, keys or values is [128,kD] of 16-bit elements, for heads of kD numbers, in
// sides of 64 columns, [kD / 64][128 rows][64], swizzled. Keys and values of the blocks of one tile of
// queries come through a ring in the order K0 K1 V0 K2 V1 ... V, as they are used.
#pragma once

#include "cuda/attention/attention_tile.cuh"
#include "cuda/attention/longest_first.cuh"
#include "cuda/stages_sm90.cuh"
#include "cuda/wgmma.cuh"

// Not an unnamed namespace: compilers for other architectures would find its members unused.
namespace bc::cuda::prefill_sm90 {

constexpr int kRows = 128;   // queries in a tile, and keys in a block, which are two pages
constexpr int kGroups = 2;   // warpgroups that compute, each for half of the queries
constexpr int kBuffers = 2;  // tiles of queries in shared memory
constexpr int kGroupWarps = kWarpgroup / kWarp;
constexpr int kThreads = (1 + kGroups) * kWarpgroup;

// The facts that a warpgroup needs about its tile.
struct alignas(16) Work {
  int level;        // level of its diagonal block of keys; -1: there is no tile
  int top, lowest;  // levels of the blocks that come
  int last;         // the lowest level of them that the window lets this tile see
  int token;        // the token of row 0
  int begin, end;   // rows that are queries; none where they are equal
  int head;
  float slope;          // in units of log2
  float product_slope;  // in units of products that are not scaled yet
};

// Shared memory, for pages of E and heads of kD numbers.
template <class E, int kD>
struct Room {
  static constexpr bool kWiden = sizeof(E) == 1;
  static constexpr int kCluster = kWiden ? 1 : 2;  // blocks, with tiles of one head side by side
  static constexpr int kSlots = kWiden ? 4 : 5;    // places in the ring
  static constexpr int kStages = kWiden ? 2 : 0;
  static constexpr int kProducerRegisters = kWiden ? 72 : 56;
  static constexpr int kConsumerRegisters = kWiden ? 216 : 224;
  static constexpr int kSides = kD / kTileColumns;  // sides of a tile
  static constexpr int kSide = kRows * kTileColumns;
  static constexpr uint32_t kTileBytes = kRows * kD * 2;
  static constexpr uint32_t kStageBytes = kRows * kD;

  static constexpr uint32_t kQueries = kSlots * kTileBytes;
  static constexpr uint32_t kStaging = kQueries + kBuffers * kTileBytes;
  static constexpr uint32_t kScales = kStaging + kStages * kStageBytes;
  static constexpr uint32_t kWork = kScales + (kWiden ? kSlots * kRows * 4 : 0);
  static constexpr uint32_t kBarriers = kWork + kBuffers * sizeof(Work);
  static constexpr uint32_t kBytes = kBarriers + 8 * 2 * (kSlots + kBuffers);
  static_assert(kProducerRegisters * kWarpgroup + kConsumerRegisters * kGroups * kWarpgroup <=
                    65536,
                "registers of an SM");
  static_assert(kSides * kTileColumns == kD && 2 * kPageSize == kRows, "whole sides, two pages");

  template <class T>
  static __device__ __forceinline__ Shared<T> slot(int i) {
    return shared_memory<T>(static_cast<uint32_t>(i) * kTileBytes);
  }
  template <class T>
  static __device__ __forceinline__ Shared<T> queries(int i) {
    return shared_memory<T>(kQueries + static_cast<uint32_t>(i) * kTileBytes);
  }
  // For int8 pages: a tile of bytes before it is widened, and the scales of a slot's rows.
  static __device__ __forceinline__ Shared<uint32_t> stage(int i) {
    return shared_memory<uint32_t>(kStaging + static_cast<uint32_t>(i) * kStageBytes);
  }
  static __device__ __forceinline__ Shared<float> scales(int slot) {
    return shared_memory<float>(kScales) + slot * kRows;
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

  static __device__ __forceinline__ int rank() {
    return kCluster == 1 ? 0 : static_cast<int>(ptx::cluster_ctarank());
  }
  // Waits for every thread of the cluster.
  static __device__ __forceinline__ void meet() {
    if constexpr (kCluster == 1) {
      __syncthreads();
    } else {
      ptx::barrier_cluster();
    }
  }

  static __device__ __forceinline__ void init_barriers() {
    for (int i = 0; i < kSlots; ++i) {
      ptx::mbarrier_init(full(i), kWiden ? kGroupWarps : 1);
      ptx::mbarrier_init(empty(i), kCluster * kGroups * kGroupWarps);
    }
    for (int i = 0; i < kBuffers; ++i) {
      ptx::mbarrier_init(queries_full(i), 1);
      ptx::mbarrier_init(queries_empty(i), kGroups * kGroupWarps);
    }
    ptx::fence_mbarrier_init();
  }

  using Place = StageTurn<kSlots>;
};

// Keys or values of a block.
struct Piece {
  int kind;   // 0: keys, 1: values
  int level;  // level of the block
  int rows;   // how many of its rows hold positions up to the last query's

  // Number m of the ring's order, for blocks from level `top`, which has `rows`, down to `lowest`.
  static __device__ __forceinline__ Piece of(int m, int top, int lowest, int rows) {
    const int blocks = top + 1 - lowest;
    const bool last = m == 2 * blocks - 1;
    const int kind = last || (m > 0 && m % 2 == 0) ? 1 : 0;
    const int block = last ? blocks - 1 : kind == 0 ? (m + 1) / 2 : m / 2 - 1;
    return {kind, top - block, block == 0 ? rows : kRows};
  }
};

// Brings the tiles that one persistent block works on. Pages may hold anything past a sequence's last
// position, NaN too: those rows are not read, and come as zeros. So do pages that lie before the window of
// all queries, which the table need not have.
template <class T, class E, int kD>
class ProducerBase {
 protected:
  using R = Room<E, kD>;

  __device__ __forceinline__ ProducerBase(const AttentionParams& p, float scale, int window,
                                          const TensorMap* queries, const AttentionNorms& norms)
      : p_(p),
        lane_(static_cast<int>(ptx::lane_id())),
        warp_(static_cast<int>(threadIdx.x) / kWarp),
        rank_(R::rank()),
        scale_(scale),
        window_(window),
        queries_(queries),
        norms_(norms),
        order_(p.batch) {}

  // Goes to the next tile of queries, 128 for each block of the cluster; the first warp has this block's
  // part of it brought. Returns false where there is no further tile.
  __device__ __forceinline__ bool next_tile() {
    // Tiles go forth and back over the clusters: the longest of one round, then the shortest of the next.
    const int H = static_cast<int>(p_.H);
    const int clusters = static_cast<int>(gridDim.x) / R::kCluster;
    const int cluster = static_cast<int>(blockIdx.x) / R::kCluster;
    const int n = round_ * clusters + (round_ % 2 == 0 ? cluster : clusters - 1 - cluster);
    tile_ = order_.find(n / H);
    head_ = n % H;
    kv_head_ = head_ * static_cast<int>(p_.G) / H;
    table_ = p_.batch.table + tile_.sequence * p_.batch.P;
    slope_ = p_.slopes == nullptr ? 0.0f : load(p_.slopes + head_) * kLog2E;
    base_ = tile_.level * R::kCluster;
    top_ = base_ + (tile_.end - 1) / kRows;
    first_page_ = first_seen(base_ * kRows + tile_.begin, window_) / static_cast<int>(kPageSize);
    if (norms_.keys != nullptr && tile_.level >= 0) pass_over_what_vanishes();
    if (warp_ == 0) bring_queries(round_ % kBuffers);
    ++round_;
    return tile_.level >= 0;
  }

  __device__ __forceinline__ int pieces() const { return 2 * (top_ + 1 - lowest()); }
  __device__ __forceinline__ Piece piece(int m) const {
    return Piece::of(m, top_, lowest(), tile_.end - (top_ - base_) * kRows);
  }

  // The first row of page 0 or 1 of a block, in the pages seen as [pages 2 G 64, D]. For a page that no
  // query sees it is a row before all pages, where bulk copies find zeros.
  __device__ __forceinline__ int row(const Piece& piece, int page) const {
    const int slot = 2 * piece.level + page;
    if (slot < first_page_) return -static_cast<int>(kPageSize);
    const int number = load(table_ + slot);
    return ((number * 2 + piece.kind) * static_cast<int>(p_.G) + kv_head_) *
           static_cast<int>(kPageSize);
  }

  const AttentionParams& p_;
  const int lane_, warp_, rank_;
  typename R::Place place_;
  int base_;  // the level of the first block's tile

 private:
  __device__ __forceinline__ void bring_queries(int buffer) {
    wait_phase(R::queries_empty(buffer), (round_ / kBuffers + 1) % 2);
    if (lane_ != 0) return;
    const int row = rank_ * kRows;
    const auto within = [&](int r) { return r < row ? 0 : r - row < kRows ? r - row : kRows; };
    const int token = tile_.token + row;
    // The tile or the window of a block without queries may lie above all blocks of keys that come.
    const int level = base_ + rank_;
    const int highest = level < top_ ? level : top_;
    const int seen = lowest_seen(row > tile_.begin ? row : tile_.begin);
    const int last = seen < lowest() ? lowest() : seen < highest ? seen : highest;
    store(R::work(buffer),
          Vec<Work, 1>{{{tile_.level < 0 ? -1 : level, top_, lowest(), last, token,
                         within(tile_.begin), within(tile_.end), head_, slope_, slope_ / scale_}}});
    if (tile_.level < 0) {
      ptx::mbarrier_arrive(R::queries_full(buffer));
      return;
    }
    ptx::mbarrier_arrive_expect_tx(R::queries_full(buffer), R::kTileBytes);
#pragma unroll
    for (int side = 0; side < R::kSides; ++side) {
      ptx::cp_async_bulk_tensor_2d(R::template queries<T>(buffer) + side * R::kSide, queries_,
                                   head_ * kD + side * kTileColumns, token,
                                   R::queries_full(buffer));
    }
  }

  // The level of the first key that the window lets a row of the tile see.
  __device__ __forceinline__ int lowest_seen(int row) const {
    return first_seen(base_ * kRows + row, window_) / kRows;
  }

  // The lowest level that comes, that of the cluster's first block at most.
  __device__ __forceinline__ int lowest() const {
    return first_page_ / 2 < base_ ? first_page_ / 2 : base_;
  }

  // Begins at the lowest level whose keys may have a weight that is not 0 in f32. The proof, with the bound
  // of 126 + 4 and the margins for rounding below, stands in docs/attention-hopper.md (Which keys need not
  // be read at all?).
  __device__ __forceinline__ void pass_over_what_vanishes() {
    const int64_t chunks = AttentionNorms::chunks(p_.batch.T);
    const float* of_queries = norms_.queries + head_ * chunks;
    const int first = (tile_.token + tile_.begin) / static_cast<int>(AttentionNorms::kTokens);
    const int last = (tile_.token + tile_.end - 1) / static_cast<int>(AttentionNorms::kTokens);
    float query = 0.0f;  // the loops stay loops: registers are few
#pragma unroll 1
    for (int chunk = first; chunk <= last; ++chunk) query = fmaxf(query, load(of_queries + chunk));
    query = sqrtf(query);
    float own = 0.0f;
#pragma unroll 1
    for (int level = base_; level <= top_; ++level)
      own =
          fmaxf(own, key_length(level, level < top_ ? kRows : tile_.end - (top_ - base_) * kRows));
    int begin = base_;
#pragma unroll 1
    for (int from = lowest(); from < base_; from += kWarp) {
      const int level = from + lane_;
      bool seen = level >= base_;
      if (!seen) {
        const float product = scale_ * query * (key_length(level, kRows) + own);
        const int distance = (base_ - level - 1) * kRows + tile_.begin + 1;
        seen = !(1.001f * product + 130.0f < 0.999f * slope_ * static_cast<float>(distance));
      }
      const uint32_t all = ptx::vote_ballot(seen);
      if (all == 0) continue;
      begin = from + ptx::popc((all & (0u - all)) - 1);
      break;
    }
    if (first_page_ < 2 * begin) first_page_ = 2 * begin;
  }

  // The length of the longest key among the first `rows` rows of a block.
  __device__ __forceinline__ float key_length(int level, int rows) const {
    const float* pages = norms_.keys + (tile_.sequence * p_.G + kv_head_) * p_.batch.P;
    float square = 0.0f;
#pragma unroll
    for (int page = 0; page < 2; ++page) {
      const int slot = 2 * level + page;
      if (slot >= first_page_ && page * kPageSize < rows)
        square = fmaxf(square, load(pages + slot));
    }
    return sqrtf(square);
  }

  const float scale_;
  const int window_;
  const TensorMap* queries_;
  const AttentionNorms norms_;
  LongestFirst<kRows * R::kCluster> order_;
  typename LongestFirst<kRows * R::kCluster>::Tile tile_;
  const int32_t* table_;
  int head_, kv_head_;
  float slope_;
  int top_;         // level of the highest block of keys
  int first_page_;  // of those that come
  int round_ = 0;
};

// Pages of 16-bit elements are brought by one warp, by bulk copies. Each of a cluster's two blocks brings
// one page of a block of keys to both; the second block brings the pages on its own diagonal by itself.
template <class T, class E, int kD>
class Producer : ProducerBase<T, E, kD> {
  using Base = ProducerBase<T, E, kD>;
  using R = typename Base::R;

 public:
  __device__ __forceinline__ Producer(const AttentionParams& p, float scale, int window,
                                      const TensorMap* queries, const TensorMap* pages,
                                      const AttentionNorms& norms)
      : Base(p, scale, window, queries, norms), pages_(pages) {}

  __device__ __forceinline__ void run() {
    if (this->warp_ != 0) return;
    while (this->next_tile()) {
      for (int m = 0; m < this->pieces(); ++m) bring(this->piece(m));
    }
  }

 private:
  __device__ __forceinline__ void bring(const Piece& piece) {
    const Shared<T> tile = R::template slot<T>(this->place_.stage);
    const Shared<uint64_t> barrier = R::full(this->place_.stage);
    const bool both = piece.level <= this->base_;
    const bool seen = both || this->rank_ == 1;
    const int whole = seen ? piece.rows / static_cast<int>(kPageSize) : 0;
    const int first = this->row(piece, 0);
    const int second = piece.rows > kPageSize ? this->row(piece, 1) : 0;
    // The warps of both blocks have done with what was in this place, in either block.
    wait_phase(R::empty(this->place_.stage), this->place_.parity ^ 1);
    if (seen && whole < 2) {
#pragma unroll 1
      for (int page = whole; page < 2; ++page) {
        copy_rows(tile + page * kPageSize * kTileColumns, page == 0 ? first : second,
                  piece.rows - page * static_cast<int>(kPageSize));
      }
      ptx::cp_async_commit_group();
      ptx::cp_async_wait_group<0>();
      ptx::fence_proxy_async();
      __syncwarp();
    }
    if (this->lane_ == 0) {
      ptx::mbarrier_arrive_expect_tx(barrier, static_cast<uint32_t>(whole) * R::kTileBytes / 2);
#pragma unroll 1
      for (int page = 0; page < whole; ++page) {
        const Shared<T> to = tile + page * kPageSize * kTileColumns;
        const int from = page == 0 ? first : second;
#pragma unroll
        for (int side = 0; side < R::kSides; ++side) {
          if (!both) {
            ptx::cp_async_bulk_tensor_2d(to + side * R::kSide, pages_, side * kTileColumns, from,
                                         barrier);
          } else if (page == this->rank_) {
            ptx::cp_async_bulk_tensor_2d_multicast(to + side * R::kSide, pages_,
                                                   side * kTileColumns, from, barrier, 3);
          }
        }
      }
    }
    this->place_.next();
  }

  // Copies the first rows of a page; the rest of it becomes zeros.
  __device__ __forceinline__ void copy_rows(Shared<T> to, int from, int rows) {
    constexpr int kChunk = 8;
    constexpr int kChunks = kD / kChunk;
    const T* pages = static_cast<const T*>(this->p_.pages);
#pragma unroll 2
    for (int i = this->lane_; i < kPageSize * kChunks; i += kWarp) {
      const int r = i / kChunks;
      const int col = i % kChunks * kChunk;
      const bool here = r < rows;
      ptx::cp_async<16>(to + (col / kTileColumns * R::kSide + swizzled_128(r, col % kTileColumns)),
                        pages + (here ? int64_t{from} * kD + i * kChunk : 0), here ? 16 : 0);
    }
  }

  const TensorMap* pages_;
};

// Pages of int8 are brought by four warps, each for 32 rows of a tile. A thread copies bytes to a place
// that it alone reads, a piece ahead, and widens them, which is exact, into the ring.
template <class T, int kD>
class Producer<T, int8_t, kD> : ProducerBase<T, int8_t, kD> {
  using Base = ProducerBase<T, int8_t, kD>;
  using R = typename Base::R;
  static constexpr int kChunk = 16;                                 // bytes
  static constexpr int kChunks = kRows * kD / kChunk / kWarpgroup;  // for a thread
  static constexpr int kWarpRows = kRows / kGroupWarps;

 public:
  __device__ __forceinline__ Producer(const AttentionParams& p, float scale, int window,
                                      const TensorMap* queries, const TensorMap*,
                                      const AttentionNorms& norms)
      : Base(p, scale, window, queries, norms) {}

  __device__ __forceinline__ void run() {
    while (this->next_tile()) {
      float scale = start(this->piece(0), 0);
      ptx::cp_async_commit_group();
      for (int m = 0; m < this->pieces(); ++m) {
        float next_scale = 0.0f;
        if (m + 1 < this->pieces()) next_scale = start(this->piece(m + 1), (m + 1) % R::kStages);
        ptx::cp_async_commit_group();  // even past the end, so that it is always one that is left
        ptx::cp_async_wait_group<1>();
        finish(m % R::kStages, scale);
        scale = next_scale;
      }
    }
  }

 private:
  // Row and column of chunk i of this thread. Eight lanes have one column of eight rows, so that they
  // store to different banks, and a warp reads whole sectors.
  __device__ __forceinline__ int row_of(int i) const {
    return this->warp_ * kWarpRows + i / R::kSides * 8 + this->lane_ % 8;
  }
  __device__ __forceinline__ int column_of(int i) const {
    return i % R::kSides * kTileColumns + this->lane_ / 8 * kChunk;
  }
  __device__ __forceinline__ Shared<uint32_t> staged(int stage, int i) const {
    return R::stage(stage) + (i * kWarpgroup + static_cast<int>(threadIdx.x)) * (kChunk / 4);
  }

  // Starts the copies of a piece; returns the scale of row threadIdx.x.
  __device__ __forceinline__ float start(const Piece& piece, int stage) {
    const int page = this->warp_ * kWarpRows / static_cast<int>(kPageSize);
    const int page_row = page * static_cast<int>(kPageSize);
    const int first = piece.rows > page_row ? this->row(piece, page) : -1;
    const int rows = first < 0 ? 0 : piece.rows;
    const int from = first - page_row;
    const int8_t* pages = static_cast<const int8_t*>(this->p_.pages);
#pragma unroll
    for (int i = 0; i < kChunks; ++i) {
      const int row = row_of(i);
      const bool here = row < rows;
      ptx::cp_async<16>(staged(stage, i),
                        pages + (here ? int64_t{from + row} * kD + column_of(i) : 0),
                        here ? 16 : 0);
    }
    const int row = static_cast<int>(threadIdx.x);
    return row < rows ? load(this->p_.scales + from + row) : 0.0f;
  }

  __device__ __forceinline__ void finish(int stage, float scale) {
    const int slot = this->place_.stage;
    const Shared<T> tile = R::template slot<T>(slot);
    wait_phase(R::empty(slot), this->place_.parity ^ 1);
#pragma unroll
    for (int i = 0; i < kChunks; ++i) {
      const Vec<uint32_t, 4> bytes = load<4>(staged(stage, i));
      const int row = row_of(i);
      const int column = column_of(i);
      const Shared<T> side = tile + column / kTileColumns * R::kSide;
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const Vec<uint32_t, 2> low = widen_bytes<T>(bytes[2 * j]);
        const Vec<uint32_t, 2> high = widen_bytes<T>(bytes[2 * j + 1]);
        store(side + swizzled_128(row, column % kTileColumns + 8 * j),
              same_bits<Vec<T, 8>>(Vec<uint32_t, 4>{{low[0], low[1], high[0], high[1]}}));
      }
    }
    R::scales(slot)[threadIdx.x] = scale;
    ptx::fence_proxy_async();
    __syncwarp();
    if (this->lane_ == 0) ptx::mbarrier_arrive(R::full(slot));
    this->place_.next();
  }
};

}  // namespace bc::cuda::prefill_sm90
