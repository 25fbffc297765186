// What the attention kernels for sm_80 are made of: the way of a head's pages into shared memory
// (PageStream), and a warp whose 16 queries meet the keys and values that lie there (WarpAttention).
// Windows and the widening of bytes are Hopper's too.
//
// A block has four warps. Pages come in halves: the keys of one, its values, the keys of the next.
// Three halves have room, so that two are under way while one is read, and one barrier a half is
// enough. Every half, and the tile of queries, is [64,kD] of 16-bit elements, swizzled; warp w
// copies rows 16w to 16w + 15.
//
// Pages of int8 come the same way as bytes, and are widened, which is exact, into one tile more.
// Their scales follow the product with the keys and precede the one with the values.
#pragma once

#include <climits>

#include "cuda/attention/attention.h"
#include "cuda/load.cuh"
#include "cuda/mma.cuh"
#include "cuda/reduce.cuh"
#include "cuda/softmax.cuh"

namespace bc::cuda {

constexpr int kTileRows = 64;  // positions of a page
constexpr int kTileWarps = 4;
constexpr int kWarpRows = kTileRows / kTileWarps;

__device__ __forceinline__ int warp_id() { return static_cast<int>(threadIdx.x) / kWarp; }
__device__ __forceinline__ int lane_index() { return static_cast<int>(ptx::lane_id()); }

// How many positions a query sees, its own included. Distances are below the maximum of int.
inline int window_of(const AttentionParams& p) {
  return p.window > 0 && p.window < INT_MAX ? static_cast<int>(p.window) : INT_MAX;
}
// The first position that a query at `position` sees.
__device__ __forceinline__ int first_seen(int position, int window) {
  return position < window ? 0 : position - window + 1;
}

// Copies rows of kD elements T to this warp's 16 rows of a swizzled tile; those from `rows` on
// become zero and are not read. Row r begins at from + start(r).
template <int kD, class T, class Start>
__device__ __forceinline__ void copy_rows(Shared<T> tile, const T* from, int64_t rows,
                                          Start&& start) {
  constexpr int kChunk = 16 / sizeof(T);
  constexpr int kChunks = kD / kChunk;
#pragma unroll
  for (int i = 0; i < kWarpRows * kChunks / kWarp; ++i) {
    const int row = (i * kWarp + lane_index()) / kChunks;
    const int col = lane_index() % kChunks * kChunk;
    const bool here = row < rows;
    ptx::cp_async<16>(tile + swizzled<kD>(row, col), from + (here ? start(row) : 0) + col,
                      here ? 16 : 0);
  }
}

// Widens four signed bytes to two pairs of T, exactly.
template <class T>
__device__ __forceinline__ Vec<uint32_t, 2> widen_bytes(uint32_t bytes) {
  Vec<uint32_t, 2> pairs;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const uint32_t spread = i == 0 ? 0x4140u : 0x4342u;  // two bytes to the low bytes of halves
    if constexpr (std::is_same<T, bf16>::value) {
      // Seven bits of mantissa: 2^7 + the lower bits, less 2^7, or 2^8 when the highest is set.
      constexpr uint8_t kAndOr = (0xf0 & 0xcc) | 0xaa;
      const uint32_t pair = ptx::prmt(bytes, 0u, spread);
      pairs[i] = ptx::fma_bf16x2(ptx::lop3<kAndOr>(pair, 0x007f007fu, 0x43004300u), 0x3f803f80u,
                                 ptx::lop3<kAndOr>(pair, 0x00800080u, 0xc300c300u));
    } else {
      // Ten bits: 2^10 + (byte + 2^7), less both powers.
      const uint32_t pair = ptx::prmt(bytes ^ 0x80808080u, 0x64646464u, spread);
      pairs[i] = ptx::fma_f16x2(pair, 0x3c003c00u, 0xe480e480u);
    }
  }
  return pairs;
}

// Pages [begin, end) of one key-value head of one sequence, as E in memory and T in shared memory. With
// kShared, warps read what other warps copied; otherwise each reads its own 16 rows and waits for no other.
template <class T, class E, int kD, bool kShared>
class PageStream {
  static constexpr bool kWiden = sizeof(E) != sizeof(T);
  static constexpr int kStages = 3;
  static constexpr uint32_t kTileBytes = kTileRows * kD * sizeof(T);
  static constexpr uint32_t kDataBytes = kTileRows * kD * sizeof(E);
  static constexpr uint32_t kStageBytes = kDataBytes + (kWiden ? kTileRows * sizeof(float) : 0);
  static constexpr uint32_t kFirstStage = kWiden ? kTileBytes : 0;

 public:
  static constexpr uint32_t kBytes = kFirstStage + kStages * kStageBytes;

  struct Half {
    Shared<T> tile;
    Shared<float> scales;  // [64], for int8 pages
  };

  // Positions from `keys` on are read as zeros.
  __device__ __forceinline__ PageStream(const AttentionParams& p, int64_t sequence, int kv_head,
                                        int64_t begin, int64_t end, int64_t keys)
      : table_(p.batch.table + sequence * p.batch.P + begin),
        pages_(static_cast<const E*>(p.pages)),
        scales_(p.scales),
        head_row_(kv_head * kTileRows),
        value_rows_(static_cast<int>(p.G) * kTileRows),
        halves_(static_cast<int>(end - begin) * 2),
        keys_left_(static_cast<int>(keys - begin * kTileRows)),
        next_page_(load(table_)) {}

  // The room where queries wait until they are in registers, which no half needs before take().
  static __device__ __forceinline__ Shared<T> queries() {
    return shared_memory<T>(kWiden ? 0 : (kStages - 1) * kStageBytes);
  }

  // Starts the copies. Their groups follow the groups that were committed before.
  __device__ __forceinline__ void start() {
    copy_next();
    copy_next();
  }

  // Waits for the next half. The half that take() gave before is overwritten.
  __device__ __forceinline__ Half take() {
    ptx::cp_async_wait_group<1>();
    sync();
    copy_next();
    // The half that is taken was copied kStages halves before the next one.
    const uint32_t stage = kFirstStage + static_cast<uint32_t>(copied_ % kStages) * kStageBytes;
    if constexpr (kWiden) {
      widen_rows(shared_memory<uint8_t>(stage));
      sync();
      return {shared_memory<T>(), shared_memory<float>(stage + kDataBytes)};
    } else {
      return {shared_memory<T>(stage), {}};
    }
  }

 private:
  static __device__ __forceinline__ void sync() {
    if constexpr (kShared) {
      __syncthreads();
    } else {
      __syncwarp();
    }
  }

  // A group is committed even past the end, so that take() can always count two.
  __device__ __forceinline__ void copy_next() {
    if (copied_ < halves_) {
      if (copied_ % 2 == 0) {
        page_ = next_page_;
        // The table is read a page ahead, so that copies do not wait for it.
        if (copied_ + 2 < halves_) next_page_ = load(table_ + copied_ / 2 + 1);
      }
      const uint32_t stage = kFirstStage + static_cast<uint32_t>(copied_ % kStages) * kStageBytes;
      const int row = warp_id() * kWarpRows;
      const int rows = keys_left_ - copied_ / 2 * kTileRows - row;
      const int64_t at = int64_t{page_ * 2 + copied_ % 2} * value_rows_ + (head_row_ + row);
      if constexpr (kWiden) {
        constexpr int kChunks = kD / 16;
        const Shared<uint8_t> to = shared_memory<uint8_t>(stage) + row * kD;
#pragma unroll
        for (int i = 0; i < kWarpRows * kChunks / kWarp; ++i) {
          const int chunk = i * kWarp + lane_index();
          ptx::cp_async<16>(to + chunk * 16, pages_ + at * kD + chunk * 16,
                            chunk / kChunks < rows ? 16 : 0);
        }
        const int four = lane_index() * 4;
        if (four < kWarpRows) {
          const int left = rows - four < 0 ? 0 : rows - four > 4 ? 4 : rows - four;
          ptx::cp_async<16>(shared_memory<float>(stage + kDataBytes) + row + four,
                            scales_ + at + four, left * 4);
        }
      } else {
        copy_rows<kD>(shared_memory<T>(stage) + row * kD, pages_ + at * kD, rows,
                      [](int r) { return r * kD; });
      }
    }
    ++copied_;
    ptx::cp_async_commit_group();
  }

  __device__ __forceinline__ void widen_rows(Shared<uint8_t> from) const {
    constexpr int kN = 8;
    constexpr int kChunks = kD / kN;
    const Shared<T> to = shared_memory<T>();
#pragma unroll
    for (int i = 0; i < kWarpRows * kChunks / kWarp; ++i) {
      const int row = warp_id() * kWarpRows + (i * kWarp + lane_index()) / kChunks;
      const int col = lane_index() % kChunks * kN;
      const auto bytes = same_bits<Vec<uint32_t, 2>>(load<kN>(from + row * kD + col));
      const Vec<Vec<uint32_t, 2>, 2> wide = {{widen_bytes<T>(bytes[0]), widen_bytes<T>(bytes[1])}};
      store(to + swizzled<kD>(row, col), same_bits<Vec<T, kN>>(wide));
    }
  }

  const int32_t* table_;
  const E* pages_;
  const float* scales_;
  int head_row_, value_rows_;  // rows of kD elements
  int halves_, keys_left_;
  int next_page_, page_ = 0;
  int copied_ = 0;
};

// The facts that masks and ALiBi need about the queries of this lane, rows g and g + 8, of which the
// second is at no lower position.
struct LaneQueries {
  int window;
  bool alibi;
  int position[2];
  float slope[2];  // in units of log2
};

// 16 queries of a warp and kKeys keys at a time: scores, weights, and the sum of weighted values.
template <class T, int kD, int kKeys>
struct WarpAttention {
  FragmentA<T> q[kD / 16];
  Accumulator scores[kKeys / 8];
  Accumulator out[kD / 8];
  OnlineSoftmax softmax[2];  // for rows g and g + 8; the sums are over this lane's columns

  // Loads the queries from the warp's 16 rows of a tile.
  __device__ __forceinline__ void load_queries(Shared<T> rows) {
    const RowCol at = lane_of_a();
#pragma unroll
    for (int k = 0; k < kD / 16; ++k) q[k] = load_a(rows + swizzled<kD>(at.row, 16 * k + at.col));
  }

  // Begins sums anew.
  __device__ __forceinline__ void reset() {
#pragma unroll
    for (int n = 0; n < kD / 8; ++n) out[n] = {};
    softmax[0] = softmax[1] = {};
  }

  // scores = q k^T
  __device__ __forceinline__ void score(Shared<T> keys) {
    const RowCol at = lane_of_b();
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) scores[n] = {};
#pragma unroll
    for (int k = 0; k < kD / 16; ++k) {
#pragma unroll
      for (int n = 0; n < kKeys / 16; ++n) {
        const TwoB<T> b = load_b(keys + swizzled<kD>(16 * n + at.row, 16 * k + at.col));
        mma(scores[2 * n], q[k], b.n0);
        mma(scores[2 * n + 1], q[k], b.n8);
      }
    }
  }

  // scores[.][n] *= scales[n]
  __device__ __forceinline__ void scale_columns(Shared<float> scales) {
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
      const Vec<float, 2> s = load<2>(scales + 8 * n + Accumulator::col(0));
#pragma unroll
      for (int i = 0; i < 4; ++i) scores[n].r[i] *= s[i % 2];
    }
  }

  // Turns scores into weights 2^(score - maximum so far), and corrects the sums of earlier keys. The
  // first key is at position `key`; scale is in units of log2.
  __device__ __forceinline__ void weigh(int key, const LaneQueries& queries, float scale) {
    const int col = key + Accumulator::col(0);
    const bool masked = key + kKeys - 1 > queries.position[0] ||
                        key < first_seen(queries.position[1], queries.window);
    float factor[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = queries.position[half];
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          float& s = scores[n].r[2 * half + i];
          s *= scale;
          if (queries.alibi) {
            // Distances are whole numbers: the sum is exact.
            const float distance = static_cast<float>(col - row) + static_cast<float>(8 * n + i);
            s = fmaf(queries.slope[half], distance, s);
          }
        }
      }
      if (masked) {
#pragma unroll
        for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            // As an unsigned number, the distance to a key past the query is 2^31 or more.
            const auto back = static_cast<uint32_t>(row - col - (8 * n + i));
            if (back >= static_cast<uint32_t>(queries.window))
              scores[n].r[2 * half + i] = -INFINITY;
          }
        }
      }
      float max = -INFINITY;
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) max = fmaxf(max, scores[n].r[2 * half + i]);
      }
      factor[half] = softmax[half].raise(group_max<4>(max));
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          float& s = scores[n].r[2 * half + i];
          s = softmax[half].weight(s);
          softmax[half].sum += s;
        }
      }
    }
#pragma unroll
    for (int n = 0; n < kD / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) out[n].r[i] *= factor[i / 2];
    }
  }

  // out += weights v
  __device__ __forceinline__ void add(Shared<T> values) {
    const RowCol at = lane_of_b_trans();
#pragma unroll
    for (int k = 0; k < kKeys / 16; ++k) {
      const Accumulator& low = scores[2 * k];
      const Accumulator& high = scores[2 * k + 1];
      const FragmentA<T> a = {
          {narrow_pair<T>(low.r[0], low.r[1]), narrow_pair<T>(low.r[2], low.r[3]),
           narrow_pair<T>(high.r[0], high.r[1]), narrow_pair<T>(high.r[2], high.r[3])}};
#pragma unroll
      for (int n = 0; n < kD / 16; ++n) {
        const TwoB<T> b = load_b_trans(values + swizzled<kD>(16 * k + at.row, 16 * n + at.col));
        mma(out[2 * n], a, b.n0);
        mma(out[2 * n + 1], a, b.n8);
      }
    }
  }
};

}  // namespace bc::cuda
