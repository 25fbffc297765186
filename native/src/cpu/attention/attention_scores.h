// attention_scores: scores of a tile's queries and the slots of a page, from a panel of keys or, for few
// queries, from the page itself, as attention_kernel.h says.
#pragma once

#include "cpu/attention/attention_tile.h"

namespace bc::cpu {

template <class V, class Words>
struct AttentionScores {
  using F = typename V::F;
  using Tile = AttentionTile<V>;
  static constexpr float kLanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  // Scores of queries [r, rows), M at a time and then fewer, from a panel of keys.
  template <int M = V::query_rows>
  static int64_t of_many(const Tile& t, const float* key_scales, int64_t r, int64_t rows) {
    for (; r + M <= rows; r += M)
      row<M>(t, key_scales, r, 0, (smaller(t.seen_to(r + M - 1), kPageSize) + 15) / 16 * 16);
    if constexpr (M > 1) r = of_many<M / 2>(t, key_scales, r, rows);
    return r;
  }

  // Scores of slots [0, slots) for queries [r, rows), at most M, from the keys of a page.
  template <class E, int M = V::query_rows>
  static void of_few(const Tile& t, const E* keys, const E* next, const float* key_scales,
                     int64_t r, int64_t rows, int64_t slots) {
    if (rows - r == M)
      return from_keys<M, larger(V::key_vectors / M, 1)>(t, keys, next, key_scales, r, 0, slots);
    if constexpr (M > 1) of_few<E, M - 1>(t, keys, next, key_scales, r, rows, slots);
  }

 private:
  template <int M, int N>
  static inline __attribute__((always_inline)) void clear(F (&sum)[M][N]) {
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[m][n] = V::set(0.0f);
    }
  }

  // Products of queries [r, r + M) and keys [j, j + 16 N) become scores.
  template <int M, int N>
  static inline __attribute__((always_inline)) void store(const Tile& t, const F (&sum)[M][N],
                                                          const float* key_scales, int64_t r,
                                                          int64_t j) {
    const F root = V::set(1.0f / __builtin_sqrtf(static_cast<float>(t.D)));
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const int64_t slot = j + 16 * n;
      const F scale = key_scales == nullptr ? root : V::mul(root, V::load(key_scales + slot));
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const F distance =
            V::add(V::load(kLanes), V::set(static_cast<float>(slot + 1 - t.seen_to(r + m))));
        V::store(t.scores + (r + m) * kPageSize + slot,
                 V::fma(sum[m][n], scale, V::mul(V::set(t.slopes[r + m]), distance)));
      }
    }
  }

  // Slots [j, end) for queries [r, r + M), from a panel.
  template <int M, int N = attention_vectors(M, V::query_rows, V::score_vectors, kPageSize / 16)>
  static void row(const Tile& t, const float* key_scales, int64_t r, int64_t j, int64_t end) {
    const int64_t ld = t.width / Words::depth;
    for (; j + 16 * N <= end; j += 16 * N) {
      F sum[M][N];
      clear(sum);
      multiply<Words>(sum, t.queries + r * ld, ld, 0, t.D / Words::depth, [&](int64_t k, int n) {
        return Words::load(t.panel + k * kPageSize + j + 16 * n);
      });
      store(t, sum, key_scales, r, j);
    }
    if constexpr (N > 1) {
      if (j < end) row<M, N / 2>(t, key_scales, r, j, end);
    }
  }

  // The same from keys.
  template <int M, int N, class E>
  static void from_keys(const Tile& t, const E* keys, const E* next, const float* key_scales,
                        int64_t r, int64_t j, int64_t end) {
    const int64_t ld = t.width / Words::depth;
    for (; j + 16 * (N - 1) < end; j += 16 * N) {
      F sum[M][N];
      clear(sum);
      Words::multiply_keys(sum, t.queries + r * ld, ld, keys + j * t.D, next + j * t.D, t.D);
      store(t, sum, key_scales, r, j);
    }
    if constexpr (N > 1) from_keys<M, N / 2>(t, keys, next, key_scales, r, j, end);
  }
};

}  // namespace bc::cpu
