// attention: out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached
// positions 0..i of a query at i, or with a window over i - window + 1..i. docs/cpu-kernels.md says
// why it is done in this way.
//
// Shapes  qkv [T,(H+2G)D], of which the queries [T,H D] are read; pages [pages,2,G,64,D] f32, f16,
//         bf16 or i8; scales [pages,2,G,64] for i8; slopes [H] or none; out [T,H D]. D is a multiple
//         of 8.
// Method  A tile of queries of one sequence and key-value head, all query heads of one token before
//         those of the next, meets the pages in order with an online softmax. Keys become a panel
//         whose lanes are keys, values one whose lanes are along D; queries and weights are broadcast
//         (attention_words.h). Every sum adds its terms in the order of D or of positions whatever the
//         blocks: a token's result is the same, bit for bit, alone or in a prompt. Positions outside
//         of what a query sees are never read as values.
// Bound   One token: the bytes of the cache it sees, 4D a position and key-value head for 16-bit
//         pages. Many: 2D multiply-adds a query head, token and key.
// Source  Dao et al. 2022, arXiv:2205.14135; Press et al. 2021, arXiv:2108.12409 (ALiBi); Ainslie et
//         al. 2023, arXiv:2305.13245 (grouped queries); Beltagy et al. 2020, arXiv:2004.05150
//         (windows)
#pragma once

#include "cpu/attention/attention_words.h"
#include "cpu/simd/exp.h"
#include "cpu/vector_kernels.h"
#include "ops.h"

namespace bc::cpu {

// 64 queries share a page: packing it costs 5 % of the products, and scores, sums and panel stay in
// the second-level cache.
constexpr int64_t kQueryRows = 64;

// The width of a row of D numbers, rounded up to whole vectors.
constexpr int64_t attention_width(int64_t D) { return (D + 15) / 16 * 16; }

// Floats of scratch: queries, sums and a panel [64,width], scores [64,64]; then for each query 16 partial
// sums of weights, maximum, factor, slope and token. Maxima and factors have room for a vector that begins
// at the last one.
constexpr int64_t attention_scratch(int64_t D) {
  return (2 * kQueryRows + kPageSize) * attention_width(D) + kQueryRows * (kPageSize + 16 + 4) + 32;
}

template <class V>
struct Attention {
  using F = typename V::F;
  static constexpr float kInfinity = __builtin_inff();
  static constexpr float kLanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  struct Tile {
    float* queries;  // [rows,width/depth] words
    float* sums;     // [rows,width] of weight times value, so far
    float* panel;    // keys [D/depth,64] or values [64/depth,width], in words
    float* scores;   // [rows,64], then weights in words
    float* totals;   // [rows,16] of weights, so far
    float* max;      // [rows]
    float* factors;  // [rows] by which earlier sums are multiplied for the last page's maximum
    float* slopes;   // [rows]
    int32_t* token;  // [rows] from the tile's first one on
    int64_t D, width;
    int64_t window;  // more than any distance where there is none
    int64_t first;   // position of the first query less that of the page's first slot

    // Slots [seen_from, seen_to) of the page are what query r sees; they may lie outside of it.
    int64_t seen_to(int64_t r) const { return first + token[r] + 1; }
    int64_t seen_from(int64_t r) const { return seen_to(r) - window; }
  };

  static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
  static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

  // sum[m][n] += a[m] b[n] over `words` words.
  template <class Words, int M, int N>
  static inline __attribute__((always_inline)) void multiply(F (&sum)[M][N], const float* a,
                                                             int64_t a_ld, const float* b,
                                                             int64_t b_ld, int64_t words) {
    for (int64_t k = 0; k < words; ++k) {
      typename Words::W y[N];
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) y[n] = Words::load(b + k * b_ld + 16 * n);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const typename Words::W x = Words::broadcast(a + m * a_ld + k);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) sum[m][n] = Words::add(sum[m][n], x, y[n]);
      }
    }
  }

  // Scores of slots [j, j + 16 N) for queries [r, r + M).
  template <class Words, int M, int N>
  static void score(const Tile& t, const float* key_scales, int64_t r, int64_t j) {
    F sum[M][N];
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[m][n] = V::set(0.0f);
    }
    const int64_t words = t.D / Words::depth;
    const int64_t ld = t.width / Words::depth;
    multiply<Words>(sum, t.queries + r * ld, ld, t.panel + j, kPageSize, words);
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

  template <class Words, int M, int N = V::score_vectors>
  static void score_row(const Tile& t, const float* key_scales, int64_t r, int64_t j, int64_t end) {
    for (; j + 16 * N <= end; j += 16 * N) score<Words, M, N>(t, key_scales, r, j);
    if constexpr (N > 1) {
      if (j < end) score_row<Words, M, N / 2>(t, key_scales, r, j, end);
    }
  }

  // 16 scores of a query. Those outside of [from, to), which it does not see, become -infinity.
  static F seen(const float* scores, int64_t from, int64_t to) {
    const F x = V::load(scores);
    if (from <= 0 && to >= 16) return x;
    const F lanes = V::load(kLanes);
    const F none = V::set(-kInfinity);
    return V::if_greater(V::set(static_cast<float>(from)), lanes, none,
                         V::if_greater(V::set(static_cast<float>(to)), lanes, x, none));
  }

  // Turns the scores of queries [r, r + 16), as far as there are rows, into weights exp(score -
  // max). Sixteen maxima are found, and factors computed, at once.
  template <class Words>
  static void softmax(const Tile& t, const float* value_scales, int64_t r, int64_t rows) {
    const int64_t n = smaller(rows - r, 16);
    F largest[16];
    const auto row = [&t](F(&x)[4], int64_t m) {
      const float* scores = t.scores + m * kPageSize;
      const int64_t from = t.seen_from(m);
      const int64_t to = t.seen_to(m);
      for (int i = 0; i < 4; ++i) x[i] = seen(scores + 16 * i, from - 16 * i, to - 16 * i);
    };
    for (int64_t i = 0; i < 16; ++i) {
      largest[i] = V::set(-kInfinity);
      if (i >= n) continue;
      F x[4];
      row(x, r + i);
      largest[i] = V::max(V::max(x[0], x[1]), V::max(x[2], x[3]));
    }
    V::transpose(largest);
    for (int i = 8; i > 0; i /= 2) {
      for (int k = 0; k < i; ++k) largest[k] = V::max(largest[k], largest[k + i]);
    }
    const F before = V::load(t.max + r);
    const F max = V::max(largest[0], before);
    V::store(t.max + r, max);
    V::store(t.factors + r, exp<V>(V::sub(before, max)));
    for (int64_t m = r; m < r + n; ++m) {
      F x[4];
      row(x, m);
      for (int i = 0; i < 4; ++i) x[i] = exp<V>(V::sub(x[i], V::set(t.max[m])));
      float* total = t.totals + m * 16;
      V::store(total, V::fma(V::load(total), V::set(t.factors[m]),
                             V::add(V::add(x[0], x[1]), V::add(x[2], x[3]))));
      if (value_scales != nullptr) {
        for (int i = 0; i < 4; ++i) x[i] = V::mul(x[i], V::load(value_scales + 16 * i));
      }
      Words::weights(t.scores + m * kPageSize, x);
    }
  }

  // Adds N vectors of values of words [begin, end) to the sums of queries [r, r + M).
  template <class Words, int M, int N>
  static void add(const Tile& t, const float* values, int64_t r, int64_t d, int64_t begin,
                  int64_t end) {
    F sum[M][N];
    float* sums = t.sums + r * t.width + d;
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const F factor = V::set(t.factors[r + m]);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[m][n] = V::mul(V::load(sums + m * t.width + 16 * n), factor);
    }
    multiply<Words>(sum, t.scores + r * kPageSize + begin, kPageSize, values + begin * t.width + d,
                    t.width, end - begin);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) V::store(sums + m * t.width + 16 * n, sum[m][n]);
    }
  }

  // Adds what query r sees of the page before a slot, and applies its factor, which is 1 from then on.
  template <class Words>
  static void add_first(const Tile& t, const float* values, int64_t r, int64_t slot) {
    float* sums = t.sums + r * t.width;
    const F factor = V::set(t.factors[r]);
    for (int64_t d = 0; d < t.width; d += 16) V::store(sums + d, V::mul(V::load(sums + d), factor));
    t.factors[r] = 1.0f;
    add_slots<Words>(t, values, r, larger(t.seen_from(r), 0), slot);
  }

  // Adds slots [from, to) for query r alone. Either end may lie inside of a word.
  template <class Words>
  static void add_slots(const Tile& t, const float* values, int64_t r, int64_t from, int64_t to) {
    if (from >= to) return;
    const float* weights = t.scores + r * kPageSize;
    const int64_t begin = (from + Words::depth - 1) / Words::depth;
    const int64_t end = to / Words::depth;
    const auto half = [](typename Words::W w, bool first) {
      return first ? Words::first_half(w) : Words::second_half(w);
    };
    for (int64_t d = 0; d < t.width; d += 16) {
      F sum = V::load(t.sums + r * t.width + d);
      const auto word = [&](int64_t k) { return Words::load(values + k * t.width + d); };
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

  // Scores, weights and sums of queries [r, rows), M at a time and then fewer.
  template <class Words, int M = V::query_rows>
  static int64_t scores(const Tile& t, const float* key_scales, int64_t r, int64_t rows) {
    for (; r + M <= rows; r += M)
      score_row<Words, M>(t, key_scales, r, 0,
                          (smaller(t.seen_to(r + M - 1), kPageSize) + 15) / 16 * 16);
    if constexpr (M > 1) r = scores<Words, M / 2>(t, key_scales, r, rows);
    return r;
  }
  template <class Words, int M = V::query_rows>
  static int64_t sums(const Tile& t, const float* values, int64_t r, int64_t rows) {
    constexpr int N = V::value_vectors;
    for (; r + M <= rows; r += M) {
      // All M queries see the words from the first word of the last query to the last word of the first.
      const int64_t end = smaller(t.seen_to(r), kPageSize) / Words::depth;
      const int64_t from = larger(t.seen_from(r + M - 1), 0);
      const int64_t begin = smaller((from + Words::depth - 1) / Words::depth, end);
      for (int64_t m = r; m < r + M && begin > 0; ++m)
        add_first<Words>(t, values, m, begin * Words::depth);
      int64_t d = 0;
      for (; d + 16 * N <= t.width; d += 16 * N) add<Words, M, N>(t, values, r, d, begin, end);
      for (; d < t.width; d += 16) add<Words, M, 1>(t, values, r, d, begin, end);
      for (int64_t m = r; m < r + M && end * Words::depth < kPageSize; ++m) {
        add_slots<Words>(t, values, m, larger(end * Words::depth, t.seen_from(m)),
                         smaller(t.seen_to(m), kPageSize));
      }
    }
    if constexpr (M > 1) r = sums<Words, M / 2>(t, values, r, rows);
    return r;
  }

  // Row r has head r % heads of token r / heads of the tile.
  template <class Words>
  static Tile begin_tile(const AttentionParams& p, const QueryTile& q, float* scratch) {
    Tile t;
    t.D = p.D;
    t.width = attention_width(p.D);
    t.window = p.window > 0 ? p.window : int64_t{1} << 40;
    t.queries = scratch;
    t.sums = t.queries + kQueryRows * t.width;
    t.panel = t.sums + kQueryRows * t.width;
    t.scores = t.panel + kPageSize * t.width;
    t.totals = t.scores + kQueryRows * kPageSize;
    t.max = t.totals + kQueryRows * 16;
    t.factors = t.max + kQueryRows + 16;
    t.slopes = t.factors + kQueryRows + 16;
    t.token = reinterpret_cast<int32_t*>(t.slopes + kQueryRows);
    int64_t r = 0;
    for (int64_t token = q.begin; token < q.end; ++token) {
      const float* row = static_cast<const float*>(p.qkv) + token * p.ld;
      for (int64_t head = q.head; head < q.head + q.heads; ++head, ++r) {
        Words::query(t.queries + r * (t.width / Words::depth), row + head * p.D, p.D);
        for (int64_t d = 0; d < t.width; d += 16) V::store(t.sums + r * t.width + d, V::set(0.0f));
        V::store(t.totals + r * 16, V::set(0.0f));
        t.max[r] = -kInfinity;
        t.slopes[r] = p.slopes == nullptr ? 0.0f : p.slopes[head];
        t.token[r] = static_cast<int32_t>(token - q.begin);
      }
    }
    return t;
  }

  static void end_tile(const AttentionParams& p, const QueryTile& q, const Tile& t) {
    int64_t r = 0;
    for (int64_t token = q.begin; token < q.end; ++token) {
      float* row = static_cast<float*>(p.out) + token * p.out_ld;
      for (int64_t head = q.head; head < q.head + q.heads; ++head, ++r) {
        float* out = row + head * p.D;
        const float* sums = t.sums + r * t.width;
        const F inverse = V::set(1.0f / V::sum(V::load(t.totals + r * 16)));
        int64_t d = 0;
        for (; d + 16 <= p.D; d += 16) V::store(out + d, V::mul(V::load(sums + d), inverse));
        if (d < p.D) V::store(out + d, V::mul(V::load(sums + d), inverse), p.D - d);
      }
    }
  }

  template <class Words, class E>
  static void tile(const AttentionParams& p, const QueryTile& q, float* scratch) {
    const int64_t D = p.D;
    const int64_t tokens = q.end - q.begin;
    const int64_t first = p.batch.positions[q.begin];
    const int64_t end = first + tokens;
    Tile t = begin_tile<Words>(p, q, scratch);
    const int32_t* table = p.batch.table + q.sequence * p.batch.P;
    const int64_t kv_head = q.head / (p.H / p.G);
    const auto row_of = [&](int64_t start, int64_t kv) {
      return ((table[start / kPageSize] * 2 + kv) * p.G + kv_head) * kPageSize;
    };
    const int64_t begin = larger(first + 1 - t.window, 0) / kPageSize * kPageSize;
    for (int64_t start = begin; start < end; start += kPageSize) {
      const int64_t key_row = row_of(start, 0);
      const int64_t value_row = row_of(start, 1);
      const int64_t next = start + kPageSize < end ? start + kPageSize : start;
      const E* keys = static_cast<const E*>(p.pages) + key_row * D;
      const E* values = static_cast<const E*>(p.pages) + value_row * D;
      const E* next_keys = static_cast<const E*>(p.pages) + row_of(next, 0) * D;
      const E* next_values = static_cast<const E*>(p.pages) + row_of(next, 1) * D;
      const int64_t slots = smaller(end - start, kPageSize);
      t.first = first - start;
      // Queries before r0 see nothing of this page yet, and queries from `rows` on have windows that
      // begin behind it.
      const int64_t r0 = larger(-t.first, 0) * q.heads;
      const int64_t rows = smaller(kPageSize - 1 + t.window - t.first, tokens) * q.heads;

      for (int64_t j = 0; j < slots; j += 16) {
        Words::keys(t.panel + j, keys + j * D, next_keys + j * D, D);
      }
      scores<Words>(t, sizeof(E) == 1 ? p.scales + key_row : nullptr, r0, rows);
      for (int64_t r = r0; r < rows; r += 16)
        softmax<Words>(t, sizeof(E) == 1 ? p.scales + value_row : nullptr, r, rows);
      const float* panel = t.panel;
      if (sizeof(E) == sizeof(float) && t.width == D) {
        panel = reinterpret_cast<const float*>(values);
      } else {
        for (int64_t j = 0; j < slots; j += Words::depth) {
          Words::values(t.panel + j / Words::depth * t.width, values + j * D, next_values + j * D,
                        D);
        }
      }
      sums<Words>(t, panel, r0, rows);
    }
    end_tile(p, q, t);
  }

  static void run(const AttentionParams& p, const QueryTile& q, float* scratch) {
    if constexpr (V::pairs) {
      if (!p.exact && p.pages_type == Type::bf16) return tile<PairWords<V>, bf16>(p, q, scratch);
      if (!p.exact && p.pages_type == Type::i8) return tile<PairWords<V>, int8_t>(p, q, scratch);
    }
    if (p.pages_type == Type::f32) tile<FloatWords<V>, float>(p, q, scratch);
    if (p.pages_type == Type::f16) tile<FloatWords<V>, f16>(p, q, scratch);
    if (p.pages_type == Type::bf16) tile<FloatWords<V>, bf16>(p, q, scratch);
    if (p.pages_type == Type::i8) tile<FloatWords<V>, int8_t>(p, q, scratch);
  }
};

}  // namespace bc::cpu
