// attention_values: sums of the values of a page, times the weights of a tile's queries, from a panel or,
// for few queries, from the page itself, as attention_kernel.h says.
#pragma once

#include "cpu/attention/attention_tile.h"
#include "cpu/attention/attention_words.h"

namespace bc::cpu {

// Where values are found: word k of columns [d, d + 16), of which `part` says that not all are there.
template <class Words>
struct PanelOfValues {
  const float* panel;
  int64_t width;

  typename Words::W word(int64_t k, int64_t d, bool) const {
    return Words::load(panel + k * width + d);
  }
};

template <class Words, class E>
struct PageOfValues {
  const E* values;
  const E* next;
  int64_t D;

  typename Words::W word(int64_t k, int64_t d, bool part) const {
    const E* const at = values + k * Words::depth * D + d;
    prefetch(next + (at - values));
    return part ? Words::value(at, D, D - d) : Words::value(at, D);
  }
};

template <class V, class Words, class Values>
struct AttentionValues {
  using F = typename V::F;
  using Tile = AttentionTile<V>;

  // Adds the values that queries [r, rows) see, M queries at a time and then fewer.
  template <int M = V::query_rows>
  static int64_t add(const Tile& t, const Values& values, int64_t r, int64_t rows) {
    for (; r + M <= rows; r += M) {
      // All M queries see the words from the first word of the last query to the last word of the first.
      const int64_t end = smaller(t.seen_to(r), kPageSize) / Words::depth;
      const int64_t from = larger(t.seen_from(r + M - 1), 0);
      const int64_t begin = smaller((from + Words::depth - 1) / Words::depth, end);
      for (int64_t m = r; m < r + M && begin > 0; ++m) first(t, values, m, begin * Words::depth);
      columns<M>(t, values, r, 0, begin, end);
      for (int64_t m = r; m < r + M && end * Words::depth < kPageSize; ++m) {
        slots(t, values, m, larger(end * Words::depth, t.seen_from(m)),
              smaller(t.seen_to(m), kPageSize));
      }
    }
    if constexpr (M > 1) r = add<M / 2>(t, values, r, rows);
    return r;
  }

 private:
  // Words [begin, end) to columns from d on, N vectors at a time and then fewer, for queries [r, r + M).
  template <int M, int N = attention_vectors(M, V::query_rows, V::value_vectors, 8)>
  static void columns(const Tile& t, const Values& values, int64_t r, int64_t d, int64_t begin,
                      int64_t end) {
    for (; d + 16 * N <= t.D; d += 16 * N) block<M, N, false>(t, values, r, d, begin, end);
    if constexpr (N > 1) {
      columns<M, N / 2>(t, values, r, d, begin, end);
    } else if (d < t.D) {
      block<M, 1, true>(t, values, r, d, begin, end);
    }
  }

  template <int M, int N, bool kPart>
  static void block(const Tile& t, const Values& values, int64_t r, int64_t d, int64_t begin,
                    int64_t end) {
    F sum[M][N];
    float* sums = t.sums + r * t.width + d;
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const F factor = V::set(t.factors[r + m]);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[m][n] = V::mul(V::load(sums + m * t.width + 16 * n), factor);
    }
    multiply<Words>(sum, t.scores + r * kPageSize, kPageSize, begin, end,
                    [&](int64_t k, int n) { return values.word(k, d + 16 * n, kPart); });
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) V::store(sums + m * t.width + 16 * n, sum[m][n]);
    }
  }

  // What query r sees of the page before a slot, and its factor, which is 1 from then on.
  static void first(const Tile& t, const Values& values, int64_t r, int64_t slot) {
    float* sums = t.sums + r * t.width;
    const F factor = V::set(t.factors[r]);
    for (int64_t d = 0; d < t.width; d += 16) V::store(sums + d, V::mul(V::load(sums + d), factor));
    t.factors[r] = 1.0f;
    slots(t, values, r, larger(t.seen_from(r), 0), slot);
  }

  // Slots [from, to) for query r alone. Either end may lie inside of a word.
  static void slots(const Tile& t, const Values& values, int64_t r, int64_t from, int64_t to) {
    if (from >= to) return;
    const float* weights = t.scores + r * kPageSize;
    const int64_t begin = (from + Words::depth - 1) / Words::depth;
    const int64_t end = to / Words::depth;
    const auto half = [](typename Words::W w, bool first) {
      return first ? Words::first_half(w) : Words::second_half(w);
    };
    for (int64_t d = 0; d < t.width; d += 16) {
      F sum = V::load(t.sums + r * t.width + d);
      const auto word = [&](int64_t k) { return values.word(k, d, d + 16 > t.D); };
      const auto add_half = [&](int64_t k, bool first) {
        sum = Words::add(sum, half(Words::broadcast(weights + k), first), half(word(k), first));
      };
      if (from < begin * Words::depth) add_half(begin - 1, false);
      for (int64_t k = begin; k < end; ++k)
        sum = Words::add(sum, Words::broadcast(weights + k), word(k));
      if (end * Words::depth < to) add_half(end, true);
      V::store(t.sums + r * t.width + d, sum);
    }
  }
};

}  // namespace bc::cpu
