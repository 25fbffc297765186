// attention: out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached
// positions 0..i of a query at i, or with a window over i - window + 1..i. docs/cpu-kernels.md says
// why it is done in this way.
//
// Shapes  qkv [T,(H+2G)D], of which the queries [T,H D] are read; pages [pages,2,G,64,D] f32, f16,
//         bf16 or i8; scales [pages,2,G,64] for i8; slopes [H] or none; out [T,H D]. D is a multiple
//         of 8.
// Method  A tile of queries of one sequence and key-value head, all query heads of one token before
//         those of the next, meets the pages in order with an online softmax. Lanes are keys, and then
//         they are along D; queries and weights are broadcast (attention_words.h). For many queries
//         keys and values become panels first; few take them from the page, whose keys are transposed
//         in registers (attention_scores.h, attention_values.h). Every sum adds its terms in the order
//         of D or of positions whatever the blocks: a token's result is the same, bit for bit, alone or
//         in a prompt. Positions outside of what a query sees are never read as values.
// Bound   One token: the bytes of the cache it sees, 4D a position and key-value head for 16-bit
//         pages. Many: 2D multiply-adds a query head, token and key.
// Source  Dao et al. 2022, arXiv:2205.14135; Press et al. 2021, arXiv:2108.12409 (ALiBi); Ainslie et
//         al. 2023, arXiv:2305.13245 (grouped queries); Beltagy et al. 2020, arXiv:2004.05150
//         (windows)
#pragma once

#include "cpu/attention/attention_scores.h"
#include "cpu/attention/attention_values.h"
#include "cpu/attention/attention_words.h"
#include "cpu/simd/exp.h"
#include "cpu/vector_kernels.h"
#include "ops.h"

namespace bc::cpu {

template <class V>
struct Attention {
  using F = typename V::F;
  using Tile = AttentionTile<V>;
  static constexpr float kInfinity = __builtin_inff();
  static constexpr float kLanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

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
    using Scores = AttentionScores<V, Words>;
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

      const float* key_scales = sizeof(E) == 1 ? p.scales + key_row : nullptr;
      const float* value_scales = sizeof(E) == 1 ? p.scales + value_row : nullptr;
      // What few queries read once they need not find in a panel.
      const bool few = rows - r0 <= V::query_rows;
      if (few) {
        Scores::of_few(t, keys, next_keys, key_scales, r0, rows, slots);
      } else {
        for (int64_t j = 0; j < slots; j += 16)
          Words::keys(t.panel + j, keys + j * D, next_keys + j * D, D);
        Scores::of_many(t, key_scales, r0, rows);
      }
      for (int64_t r = r0; r < rows; r += 16) softmax<Words>(t, value_scales, r, rows);
      if (few) {
        using Page = PageOfValues<Words, E>;
        AttentionValues<V, Words, Page>::add(t, Page{values, next_values, D}, r0, rows);
        continue;
      }
      const float* panel = t.panel;
      if (sizeof(E) == sizeof(float) && t.width == D) {
        panel = reinterpret_cast<const float*>(values);
      } else {
        for (int64_t j = 0; j < slots; j += Words::depth) {
          Words::values(t.panel + j / Words::depth * t.width, values + j * D, next_values + j * D,
                        D);
        }
      }
      using Panel = PanelOfValues<Words>;
      AttentionValues<V, Words, Panel>::add(t, Panel{panel, t.width}, r0, rows);
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
