// How is decode attention shared out among blocks, and how are its sums joined? In the same way for
// attention_decode.cu and attention_decode_sm90.cu (docs/attention-hopper.md, Generation).
//
// The query heads of a key-value head go through the cache together, since they read the same of it:
// row r of a sequence and key-value head g is query head g R + r % R of the sequence's token r / R,
// with R = H / G, and a block has a tile of these rows. More rows are further tiles, each of which
// goes through the cache by itself.
//
// Splits of a sequence begin at the same positions whatever B and P are, so that a result depends,
// bit for bit, on its own sequence alone. A block has four warps; warp w takes rows 16w to 16w + 15 of
// each page of a split. First the sums of the four warps are joined, then those of the splits, each
// in the order of positions.
#pragma once

#include <algorithm>

#include "cuda/attention/attention_tile.cuh"

namespace bc::cuda {

// Pages of a split: few enough that 32 heads at 1024 positions fill a GPU, many enough that the sums are a
// hundredth of what is read.
constexpr int kSplitPages = 4;
constexpr int kSplitKeys = kSplitPages * kTileRows;
constexpr int kSplitThreads = kTileWarps * kWarp;

inline int64_t splits_of(int64_t P) { return (P + kSplitPages - 1) / kSplitPages; }

// The most tokens that all sequences of few queries have together.
inline int64_t slots_of(int64_t T, int64_t B) { return T < kFewQueries * B ? T : kFewQueries * B; }

// The most tokens of one of these sequences: each of the other sequences has at least one.
inline int64_t tokens_of(const Ragged& r) { return std::min<int64_t>(r.T - r.B + 1, kFewQueries); }

// The most tiles of `rows` rows that a sequence and key-value head has.
inline int64_t tiles_of(const AttentionParams& p, int rows) {
  return (tokens_of(p.batch) * (p.H / p.G) + rows - 1) / rows;
}

// The most splits that one of these sequences sees.
inline int64_t splits_seen(const AttentionParams& p) {
  const int64_t all = splits_of(p.batch.P);
  if (p.window == 0) return all;
  const int64_t positions = p.window + tokens_of(p.batch) - 1;
  return std::min(all, (positions + kSplitKeys - 2) / kSplitKeys + 1);
}

// How many blocks share the splits of each of `parts` tiles, where the GPU has room for `places` blocks?
// With one round, as many as there is room for, all at once; where there are more parts than places, or
// `rounds` is more than 1 because sequences may differ in length, as many as that number of rounds has.
inline int64_t split_blocks(int64_t parts, int64_t splits, int64_t places, int64_t rounds) {
  const int64_t blocks =
      rounds == 1 && parts <= places ? places / parts : (rounds * places + parts - 1) / parts;
  return std::max<int64_t>(1, std::min(blocks, splits));
}

struct Partial {
  float* sums;       // [slots,H,S,D]
  float* softmaxes;  // [slots,H,S,2]: maximum, sum
  int64_t S;
  int group;   // R
  int window;  // as window_of()

  explicit Partial(const AttentionParams& p)
      : sums(static_cast<float*>(p.scratch)),
        S(splits_of(p.batch.P)),
        group(static_cast<int>(p.H / p.G)),
        window(window_of(p)) {
    softmaxes = sums + slots_of(p.batch.T, p.batch.B) * p.H * S * p.D;
  }

  __device__ __forceinline__ int64_t row(const AttentionParams& p, int64_t slot, int64_t head,
                                         int64_t split) const {
    return (slot * p.H + head) * S + split;
  }
};

struct FewQueries {
  int64_t begin;  // the first token in the batch
  int tokens;     // 0 for sequences of many tokens
  int slot;       // the slot of the first token
};

__device__ __forceinline__ FewQueries find_queries(const Ragged& r, int64_t sequence) {
  const auto few = [&](int64_t b) {
    const int tokens = load(r.offsets + b + 1) - load(r.offsets + b);
    return tokens <= kFewQueries ? tokens : 0;
  };
  int before = 0;
  for (int64_t base = 0; base < sequence; base += kWarp) {
    const int64_t b = base + lane_index();
    before += ptx::redux_add(b < sequence ? few(b) : 0);
  }
  return {load(r.offsets + sequence), few(sequence), before};
}

// The rows of queries that a block has, at most kRows. Row r below counts from the tile's first.
template <int kRows>
struct RowTile {
  FewQueries queries;
  int group;     // R
  int head;      // the first of the group, g R
  int begin;     // the tile's first row, counted in the rows of the sequence and group
  int rows;      // 0 or less where there are none
  int position;  // the position of the sequence's first token of the call

  // Tile number `tile` of a sequence and key-value head.
  __device__ __forceinline__ RowTile(const AttentionParams& p, const Partial& partial,
                                     int64_t sequence, int kv_head, int tile)
      : queries(find_queries(p.batch, sequence)),
        group(partial.group),
        head(kv_head * group),
        begin(tile * kRows),
        rows(queries.tokens * group - begin < kRows ? queries.tokens * group - begin : kRows),
        position(rows > 0 ? load(p.batch.positions + queries.begin) : 0) {}

  __device__ __forceinline__ int token_of(int r) const {
    return group == 1 ? begin + r : (begin + r) / group;
  }
  __device__ __forceinline__ int head_of(int r) const {
    return group == 1 ? head : head + (begin + r) % group;
  }
  __device__ __forceinline__ int position_of(int r) const { return position + token_of(r); }
  // The lowest and the highest position of the queries, of which there is at least one.
  __device__ __forceinline__ int lowest() const { return position_of(0); }
  __device__ __forceinline__ int highest() const { return position_of(rows - 1); }
  // Where row r lies in qkv, counted in elements from the beginning of the batch.
  __device__ __forceinline__ int64_t at(const AttentionParams& p, int r, int head_size) const {
    return (queries.begin + token_of(r)) * p.ld + int64_t{head_of(r)} * head_size;
  }
};

// The splits of a block: number x of the splits with positions from `from` on, and each stride-th after
// it. Pages before that of `from` are left out. The pages of the block are counted without gaps.
struct Splits {
  int first, stride;
  int skipped;  // pages of the first split

  __device__ __forceinline__ Splits(int from, int x, int stride_)
      : first(from / kSplitKeys + x),
        stride(stride_),
        skipped(x == 0 ? from / kTileRows % kSplitPages : 0) {}

  __device__ __forceinline__ int page(int i) const {
    i += skipped;
    return (first + i / kSplitPages * stride) * kSplitPages + i % kSplitPages;
  }
  // The first page of one of these splits, and the page after its last, for a sequence of `all` pages.
  __device__ __forceinline__ int begin(int split) const {
    return split * kSplitPages + (split == first ? skipped : 0);
  }
  __device__ __forceinline__ int end(int split, int all) const {
    return all < (split + 1) * kSplitPages ? all : (split + 1) * kSplitPages;
  }
  // How many of a sequence's first `all` pages belong to these splits.
  __device__ __forceinline__ int pages(int all) const {
    const int splits = (all + kSplitPages - 1) / kSplitPages;
    if (splits <= first) return 0;
    const int mine = (splits - first + stride - 1) / stride;
    const bool last = first + (mine - 1) * stride == splits - 1;
    const int pages = mine * kSplitPages - (last ? splits * kSplitPages - all : 0) - skipped;
    return pages > 0 ? pages : 0;
  }
};

// The results that the warps of a block leave in shared memory from byte kAt on: sums [4 warps][kRows]
// [kStride], of which kD are used, then maximum and sum of the weights [4 warps][kRows][2].
template <int kD, int kStride, int kRows, uint32_t kAt = 0>
struct WarpSums {
  static constexpr uint32_t kBytes = kTileWarps * kRows * (kStride + 2) * sizeof(float);
  static_assert(kSplitThreads % kD == 0, "threads have a whole number of rows");

  static __device__ __forceinline__ int at(int warp, int row) { return warp * kRows + row; }
  static __device__ __forceinline__ Shared<float> sums(int warp, int row) {
    return shared_memory<float>(kAt) + at(warp, row) * kStride;
  }
  static __device__ __forceinline__ Shared<float> softmax(int warp, int row) {
    return shared_memory<float>(kAt) + kTileWarps * kRows * kStride + 2 * at(warp, row);
  }

  // Joins the sums of the warps, each thread those of one dimension of a row, and stores what the merge
  // reads.
  template <class Tile>
  static __device__ __forceinline__ void join(const AttentionParams& p, const Partial& partial,
                                              const Tile& tile, int64_t split) {
    const int d = static_cast<int>(threadIdx.x) % kD;
    for (int r = static_cast<int>(threadIdx.x) / kD; r < tile.rows; r += kSplitThreads / kD) {
      Vec<float, 2> of_warp[kTileWarps];
      float max = -INFINITY;
#pragma unroll
      for (int w = 0; w < kTileWarps; ++w) {
        of_warp[w] = load<2>(softmax(w, r));
        max = fmaxf(max, of_warp[w][0]);
      }
      float acc = 0.0f;
      float total = 0.0f;
#pragma unroll
      for (int w = 0; w < kTileWarps; ++w) {
        // A warp none of whose keys this query sees has a maximum of -inf, and a factor of 0.
        const float factor = max == -INFINITY ? 0.0f : ptx::ex2(of_warp[w][0] - max);
        acc = fmaf(factor, sums(w, r)[d], acc);
        total = fmaf(factor, of_warp[w][1], total);
      }
      const int64_t to =
          partial.row(p, tile.queries.slot + tile.token_of(r), tile.head_of(r), split);
      store(partial.sums + to * kD + d, acc);
      if (d == 0) store(partial.softmaxes + 2 * to, Vec<float, 2>{{max, total}});
    }
  }
};

void attention_decode_sm90(const AttentionParams& p, const Partial& partial, float scale,
                           const Facts& gpu, void* stream);

}  // namespace bc::cuda
