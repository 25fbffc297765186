// How does attention multiply? The products q k and p v run over 32-bit words, in f32 or in pairs of bf16.
//
// Shapes  A query and a row of weights are words along the sum; keys and values are panels of words
//         [words of the sum][columns], of which a vector's lanes are 16 columns. FloatWords: a word
//         is one f32. PairWords: a word is two bf16 neighbours along the sum, low half first. A
//         query, and a row of values, ends with zeros where D is not a multiple of 16.
// Method  f32: widening is exact. bf16: queries and weights are rounded to nearest even, int8 keys
//         and values are exact; the instruction takes subnormal numbers for 0.
#pragma once

#include "ops.h"

namespace bc::cpu {

// Asks for a line in the second-level cache. Pages follow each other in no order that the processor
// could guess, so packing a line asks for the same line of the next page. Asked for more at once, lines
// would wait for each other, and the work for them.
static inline void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }

template <class V>
struct FloatWords {
  using F = typename V::F;
  using W = F;
  static constexpr int64_t depth = 1;  // elements of a word

  static W load(const float* words) { return V::load(words); }
  static W broadcast(const float* word) { return V::set(*word); }
  static F add(F sum, W a, W b) { return V::fma(a, b, sum); }
  static W first_half(W w) { return w; }
  static W second_half(W w) { return w; }

  static void query(float* words, const float* q, int64_t D) {
    int64_t d = 0;
    for (; d + 16 <= D; d += 16) V::store(words + d, V::load(q + d));
    if (d < D) V::store(words + d, V::load(q + d, D - d));
  }
  // 16 keys [16,D] to columns of panel [D,64].
  template <class E>
  static void keys(float* panel, const E* keys, const E* next, int64_t D) {
    int64_t d = 0;
    for (; d + 16 <= D; d += 16) {
      F x[16];
      for (int i = 0; i < 16; ++i) {
        prefetch(next + i * D + d);
        x[i] = V::load(keys + i * D + d);
      }
      V::transpose(x);
      for (int i = 0; i < 16; ++i) V::store(panel + (d + i) * kPageSize, x[i]);
    }
    if (d < D) {
      F x[16];
      for (int i = 0; i < 16; ++i) x[i] = V::load(keys + i * D + d, D - d);
      V::transpose(x);
      for (int64_t i = 0; i < D - d; ++i) V::store(panel + (d + i) * kPageSize, x[i]);
    }
  }
  // sum[m] += query m times 16 N keys [16 N,D].
  template <int M, int N, class E>
  static void multiply_keys(F (&sum)[M][N], const float* queries, int64_t ld, const E* keys,
                            const E* next, int64_t D) {
    for (int64_t d = 0; d < D; d += 16) {
      const int64_t n = D - d < 16 ? D - d : 16;
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) {
        for (int i = 16 * v; i < 16 * v + 16; ++i) prefetch(next + i * D + d);
        V::multiply_rows(sum, v, queries + d, ld, keys + 16 * v * D + d, D, n);
      }
    }
  }
  // A word of each of 16 columns, or of n of them, of which `values` is the first.
  template <class E>
  static W value(const E* values, int64_t) {
    return V::load(values);
  }
  template <class E>
  static W value(const E* values, int64_t, int64_t n) {
    return V::load(values, n);
  }
  // The values [depth,D] of one word's positions to its row of a panel, in whole vectors.
  template <class E>
  static void values(float* panel, const E* values, const E* next, int64_t D) {
    int64_t d = 0;
    for (; d + 16 <= D; d += 16) {
      prefetch(next + d);
      V::store(panel + d, V::load(values + d));
    }
    if (d < D) V::store(panel + d, V::load(values + d, D - d));
  }
  // Stores 64 weights as words.
  static void weights(float* words, const F (&x)[4]) {
    for (int i = 0; i < 4; ++i) V::store(words + 16 * i, x[i]);
  }
};

// For vectors whose lanes hold pairs of bf16 (V::pairs).
template <class V>
struct PairWords {
  using F = typename V::F;
  using W = typename V::Pairs;
  static constexpr int64_t depth = 2;

  static W load(const float* words) { return V::as_pairs(V::load(words)); }
  static W broadcast(const float* word) { return V::as_pairs(V::set(*word)); }
  static F add(F sum, W a, W b) { return V::dot_pairs(sum, a, b); }
  static W first_half(W w) { return V::first_of_pairs(w); }
  static W second_half(W w) { return V::second_of_pairs(w); }

  static void query(float* words, const float* q, int64_t D) {
    int64_t d = 0;
    for (; d + 16 <= D; d += 16) V::store_rounded(words + d / 2, V::load(q + d));
    if (d < D) V::store_rounded(words + d / 2, V::load(q + d, D - d));
  }
  template <class E>
  static void keys(float* panel, const E* keys, const E* next, int64_t D) {
    for (int64_t d = 0; d < D; d += 32) {
      const int64_t n = D - d < 32 ? D - d : 32;
      F x[16];
      for (int i = 0; i < 16; ++i) {
        prefetch(next + i * D + d);
        x[i] = V::neighbours(keys + i * D + d, n);
      }
      V::transpose(x);
      for (int64_t i = 0; i < n / 2; ++i) V::store(panel + (d / 2 + i) * kPageSize, x[i]);
    }
  }
  template <int M, int N, class E>
  static void multiply_keys(F (&sum)[M][N], const float* queries, int64_t ld, const E* keys,
                            const E* next, int64_t D) {
    for (int64_t d = 0; d < D; d += 32) {
      const int64_t n = D - d < 32 ? D - d : 32;
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) {
        F x[16];
        for (int i = 0; i < 16; ++i) {
          prefetch(next + (16 * v + i) * D + d);
          x[i] = V::neighbours(keys + (16 * v + i) * D + d, n);
        }
        V::transpose(x);
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) {
          if (2 * i >= n) break;
#pragma GCC unroll 8
          for (int m = 0; m < M; ++m)
            sum[m][v] = add(sum[m][v], broadcast(queries + m * ld + d / 2 + i), V::as_pairs(x[i]));
        }
      }
    }
  }
  template <class E>
  static W value(const E* values, int64_t D) {
    return V::as_pairs(V::interleaved(values, values + D));
  }
  template <class E>
  static W value(const E* values, int64_t D, int64_t n) {
    return V::as_pairs(V::interleaved(values, values + D, n));
  }
  template <class E>
  static void values(float* panel, const E* values, const E* next, int64_t D) {
    int64_t d = 0;
    for (; d + 16 <= D; d += 16) {
      prefetch(next + 2 * d);
      V::store(panel + d, V::interleaved(values + d, values + D + d));
    }
    if (d < D) V::store(panel + d, V::interleaved(values + d, values + D + d, D - d));
  }
  static void weights(float* words, const F (&x)[4]) {
    for (int i = 0; i < 4; ++i) V::store_rounded(words + 8 * i, x[i]);
  }
};

}  // namespace bc::cpu
