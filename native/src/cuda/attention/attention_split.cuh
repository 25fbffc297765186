// How decode attention is shared out among blocks, and how its sums are joined: the same for
// attention_decode.cu and attention_decode_sm90.cu.
//
// Splits of a sequence begin at the same positions whatever B and P are, so that a result depends,
// bit for bit, on its own sequence alone. A block has four warps; warp w takes rows 16w to 16w + 15 of
// each page of its split. First the sums of the four warps are joined, then those of the splits, each
// in the order of positions.
#pragma once

#include "cuda/attention/attention_tile.cuh"

namespace bc::cuda {

// Few enough that 32 heads at 1024 positions fill a GPU, many enough that the sums are a hundredth
// of what is read.
constexpr int kSplitPages = 4;
constexpr int kSplitKeys = kSplitPages * kTileRows;
constexpr int kSplitThreads = kTileWarps * kWarp;

inline int64_t splits_of(int64_t P) { return (P + kSplitPages - 1) / kSplitPages; }

// Tokens of sequences of few queries, at most.
inline int64_t slots_of(int64_t T, int64_t B) { return T < kFewQueries * B ? T : kFewQueries * B; }

struct Partial {
  float* sums;       // [slots,H,S,D]
  float* softmaxes;  // [slots,H,S,2]: maximum, sum
  int64_t S;

  explicit Partial(const AttentionParams& p)
      : sums(static_cast<float*>(p.scratch)), S(splits_of(p.batch.P)) {
    softmaxes = sums + slots_of(p.batch.T, p.batch.B) * p.H * S * kHeadSize;
  }

  __device__ __forceinline__ int64_t row(const AttentionParams& p, int64_t slot, int64_t head,
                                         int64_t split) const {
    return (slot * p.H + head) * S + split;
  }
};

struct FewQueries {
  int64_t begin;  // the first token in the batch
  int tokens;     // 0 for sequences of many
  int slot;       // of the first
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

// What the warps of a block leave in shared memory from byte kAt on: sums [4 warps][8 queries][kRow],
// then maximum and sum of the weights [4 warps][8 queries][2].
template <int kRow, uint32_t kAt = 0>
struct WarpSums {
  static constexpr uint32_t kBytes = kTileWarps * kFewQueries * (kRow + 2) * sizeof(float);

  static __device__ __forceinline__ int at(int warp, int query) {
    return warp * static_cast<int>(kFewQueries) + query;
  }
  static __device__ __forceinline__ Shared<float> sums(int warp, int query) {
    return shared_memory<float>(kAt) + at(warp, query) * kRow;
  }
  static __device__ __forceinline__ Shared<float> softmax(int warp, int query) {
    return shared_memory<float>(kAt) + kTileWarps * kFewQueries * kRow + 2 * at(warp, query);
  }

  // Joins the warps, thread d the sums of dimension d, and stores what the merge reads.
  static __device__ __forceinline__ void join(const AttentionParams& p, const Partial& partial,
                                              const FewQueries& mine, int64_t head, int64_t split) {
    const int d = static_cast<int>(threadIdx.x);
    for (int q = 0; q < mine.tokens; ++q) {
      Vec<float, 2> of_warp[kTileWarps];
      float max = -INFINITY;
#pragma unroll
      for (int w = 0; w < kTileWarps; ++w) {
        of_warp[w] = load<2>(softmax(w, q));
        max = fmaxf(max, of_warp[w][0]);
      }
      float acc = 0.0f;
      float total = 0.0f;
#pragma unroll
      for (int w = 0; w < kTileWarps; ++w) {
        // A warp whose keys are all past this query has a maximum of -inf, and a factor of 0.
        const float factor = max == -INFINITY ? 0.0f : ptx::ex2(of_warp[w][0] - max);
        acc = fmaf(factor, sums(w, q)[d], acc);
        total = fmaf(factor, of_warp[w][1], total);
      }
      const int64_t to = partial.row(p, mine.slot + q, head, split);
      store(partial.sums + to * kHeadSize + d, acc);
      if (d == 0) store(partial.softmaxes + 2 * to, Vec<float, 2>{{max, total}});
    }
  }
};

void attention_decode_sm90(const AttentionParams& p, const Partial& partial, float scale,
                           const Facts& gpu, void* stream);

}  // namespace bc::cuda
