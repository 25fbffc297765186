// attention: out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached
// positions 0..i of a query at i.
//
// Shapes  qkv [T,3C], of which the queries [T,C] are read; pages [pages,2,H,64,D] f32, f16, bf16 or
//         i8; scales [pages,2,H,64] for i8; slopes [H] or none; out [T,C]. C = H D; D is a multiple
//         of 16.
// Method  A tile of queries of one sequence and head meets the pages in order, with a running
//         maximum m and sum l for each query (online softmax); out holds the sum so far. Scores:
//         lanes along D, sixteen keys to one reduction. Values: lanes along D, one position after
//         the other. Where queries share a page it is widened to f32 once; widening is exact, and
//         no step of a query looks at another one: a token's result is the same, bit for bit, alone
//         or in a prompt. Positions past the query are never read as values, so what a page held
//         before cannot leak.
// Bound   One query: the bytes of the cache it sees, 4D a position and head for 16-bit pages. Many:
//         2D multiply-adds a query, key and head.
// Source  Dao et al. 2022, arXiv:2205.14135; Press et al. 2021, arXiv:2108.12409 (ALiBi)
#pragma once

#include "../ops.h"
#include "exp.h"
#include "vector_kernels.h"

namespace bc::cpu {

// 32 queries share a page: widening it costs 1/32 of the work that follows, and their scores fit
// the first-level cache.
constexpr int64_t kQueryRows = 32;

// A page widened, a row of scores for each query, then maximum, sum and factor of each query.
constexpr int64_t attention_scratch(int64_t D) {
  return kPageSize * D + kQueryRows * kPageSize + 3 * kQueryRows;
}

template <class V>
struct Attention {
  using F = typename V::F;
  static constexpr float kInfinity = __builtin_inff();

  struct State {
    float* page;    // [64,D]
    float* scores;  // [rows,64]
    float* max;     // [rows]
    float* sum;     // [rows]
    float* factor;  // [rows] what the last page's maximum multiplies earlier sums by
  };

  static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

  template <class E>
  static void widen(float* out, const E* in, int64_t n) {
    for (int64_t i = 0; i < n; i += 16) V::store(out + i, V::load(in + i));
  }

  // Lane j is q . keys[j].
  template <class E>
  static F dots(const float* q, const E* keys, int64_t D) {
    F all[16];
    for (int g = 0; g < 16; g += V::dots) {
      F part[V::dots];
      for (int j = 0; j < V::dots; ++j) part[j] = V::set(0.0f);
      for (int64_t d = 0; d < D; d += 16) {
        const F x = V::load(q + d);
        for (int j = 0; j < V::dots; ++j)
          part[j] = V::fma(V::load(keys + (g + j) * D + d), x, part[j]);
      }
      for (int j = 0; j < V::dots; ++j) all[g + j] = part[j];
    }
    return V::sums(all);
  }

  // Scores of 16 keys from slot j on, for a query whose position is i slots after the page's first.
  template <class E>
  static void score(float* scores, const float* q, const E* keys, const float* key_scales,
                    float slope, int64_t i, int64_t j, int64_t D) {
    static constexpr float kLanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    F scale = V::set(1.0f / __builtin_sqrtf(static_cast<float>(D)));
    if (key_scales != nullptr) scale = V::mul(scale, V::load(key_scales + j));
    const F distance = V::add(V::load(kLanes), V::set(static_cast<float>(j - i)));
    V::store(scores + j, V::fma(dots(q, keys, D), scale, V::mul(V::set(slope), distance)));
  }

  // Turns the first n scores of a page into weights exp(score - max), and corrects what earlier
  // pages left.
  static void softmax(const State& s, int64_t row, int64_t n, const float* value_scales) {
    float* scores = s.scores + row * kPageSize;
    for (int64_t j = n; j < kPageSize; ++j) scores[j] = -kInfinity;
    F x[4];
    for (int i = 0; i < 4; ++i) x[i] = V::load(scores + 16 * i);
    const float here = V::largest(V::max(V::max(x[0], x[1]), V::max(x[2], x[3])));
    const float before = s.max[row];
    const float max = here > before ? here : before;
    for (F& v : x) v = exp<V>(V::sub(v, V::set(max)));
    const float factor = max > before ? V::largest(exp<V>(V::set(before - max))) : 1.0f;
    s.max[row] = max;
    s.sum[row] = s.sum[row] * factor + V::sum(V::add(V::add(x[0], x[1]), V::add(x[2], x[3])));
    s.factor[row] = factor;
    for (int i = 0; i < 4; ++i) {
      V::store(scores + 16 * i,
               value_scales == nullptr ? x[i] : V::mul(x[i], V::load(value_scales + 16 * i)));
    }
  }

  // out = out * factor + sum over n positions of weight * value, for N vectors of 16.
  template <int N, class E>
  static void add_values(float* out, float factor, const float* weights, const E* values, int64_t n,
                         int64_t D) {
    F acc[N];
    for (int i = 0; i < N; ++i) acc[i] = V::mul(V::load(out + 16 * i), V::set(factor));
    for (int64_t j = 0; j < n; ++j) {
      const F w = V::set(weights[j]);
      for (int i = 0; i < N; ++i) acc[i] = V::fma(w, V::load(values + j * D + 16 * i), acc[i]);
    }
    for (int i = 0; i < N; ++i) V::store(out + 16 * i, acc[i]);
  }

  template <class E>
  static void add_row(float* out, float factor, const float* weights, const E* values, int64_t n,
                      int64_t D) {
    int64_t d = 0;
    for (; d + 16 * V::chunks <= D; d += 16 * V::chunks) {
      add_values<V::chunks>(out + d, factor, weights, values + d, n, D);
    }
    for (; d < D; d += 16) add_values<1>(out + d, factor, weights, values + d, n, D);
  }

  template <class E>
  static void tile(const AttentionParams& p, const QueryTile& t, int64_t head, float* scratch) {
    const int64_t D = p.D;
    const int64_t rows = t.end - t.begin;
    const int64_t first = p.batch.positions[t.begin];
    const float slope = p.slopes == nullptr ? 0.0f : p.slopes[head];
    const float* q = p.qkv + t.begin * p.ld + head * D;
    float* out = p.out + t.begin * p.out_ld + head * D;
    float* scores = scratch + kPageSize * D;
    float* max = scores + kQueryRows * kPageSize;
    const State s{scratch, scores, max, max + kQueryRows, max + 2 * kQueryRows};
    for (int64_t r = 0; r < rows; ++r) {
      s.max[r] = -kInfinity;
      s.sum[r] = 0.0f;
      for (int64_t d = 0; d < D; d += 16) V::store(out + r * p.out_ld + d, V::set(0.0f));
    }
    for (int64_t start = 0; start < first + rows; start += kPageSize) {
      const int64_t page = p.batch.table[t.sequence * p.batch.P + start / kPageSize];
      const int64_t key_row = (page * 2 * p.H + head) * kPageSize;
      const int64_t value_row = key_row + p.H * kPageSize;
      const E* keys = static_cast<const E*>(p.pages) + key_row * D;
      const E* values = static_cast<const E*>(p.pages) + value_row * D;
      const float* key_scales = sizeof(E) == 1 ? p.scales + key_row : nullptr;
      const float* value_scales = sizeof(E) == 1 ? p.scales + value_row : nullptr;
      // Queries before r0 see nothing of this page; query r sees its slots 0..first + r - start.
      const int64_t r0 = start > first ? start - first : 0;
      const bool shared = sizeof(E) < 4 && rows - r0 > 1;
      const int64_t seen = smaller(first + rows - start, kPageSize);

      for (int64_t j = 0; j < seen; j += 16) {
        const int64_t from = first + r0 - start >= j ? r0 : start + j - first;
        if (shared) widen(s.page, keys + j * D, 16 * D);
        for (int64_t r = from; r < rows; ++r) {
          float* row = s.scores + r * kPageSize;
          const int64_t i = first + r - start;
          if (shared) {
            score(row, q + r * p.ld, s.page, key_scales, slope, i, j, D);
          } else {
            score(row, q + r * p.ld, keys + j * D, key_scales, slope, i, j, D);
          }
        }
      }
      if (shared) widen(s.page, values, seen * D);
      for (int64_t r = r0; r < rows; ++r) {
        const int64_t n = smaller(first + r - start + 1, kPageSize);
        softmax(s, r, n, value_scales);
        const float* weights = s.scores + r * kPageSize;
        if (shared) {
          add_row(out + r * p.out_ld, s.factor[r], weights, s.page, n, D);
        } else {
          add_row(out + r * p.out_ld, s.factor[r], weights, values, n, D);
        }
      }
    }
    for (int64_t r = 0; r < rows; ++r) {
      const F inverse = V::set(1.0f / s.sum[r]);
      for (int64_t d = 0; d < D; d += 16) {
        V::store(out + r * p.out_ld + d, V::mul(V::load(out + r * p.out_ld + d), inverse));
      }
    }
  }

  static void run(const AttentionParams& p, const QueryTile& t, int64_t head, float* scratch) {
    if (p.type == Type::f32) tile<float>(p, t, head, scratch);
    if (p.type == Type::f16) tile<f16>(p, t, head, scratch);
    if (p.type == Type::bf16) tile<bf16>(p, t, head, scratch);
    if (p.type == Type::i8) tile<int8_t>(p, t, head, scratch);
  }
};

}  // namespace bc::cpu
