// attention_tile: what the parts of attention know of a tile, and the sizes of its scratch.
#pragma once

#include "ops.h"

namespace bc::cpu {

// 64 queries share a page: packing it costs 5 % of the products, and scores, sums and panel stay in
// the second-level cache.
constexpr int64_t kQueryRows = 64;

// The width of a row of D numbers, rounded up to whole vectors.
static constexpr int64_t attention_width(int64_t D) { return (D + 15) / 16 * 16; }

// Floats of scratch: queries, sums and a panel [64,width], scores [64,64]; then for each query 16 partial
// sums of weights, maximum, factor, slope and token. Maxima and factors have room for a vector that begins
// at the last one.
static constexpr int64_t attention_scratch(int64_t D) {
  return (2 * kQueryRows + kPageSize) * attention_width(D) + kQueryRows * (kPageSize + 16 + 4) + 32;
}

static constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// How many vectors, a power of two and at most `most`, M queries meet at once, where `rows` queries would
// meet `wide` of them.
static constexpr int attention_vectors(int M, int rows, int wide, int most) {
  int n = 1;
  while (2 * n <= most && 2 * n * M <= rows * wide) n *= 2;
  return n;
}

template <class V>  // an instruction set of its own for each copy of the functions
struct AttentionTile {
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

// sum[m][n] += a[m] word(k, n) over words [begin, end).
template <class Words, int M, int N, class Word>
static inline __attribute__((always_inline)) void multiply(typename Words::F (&sum)[M][N],
                                                           const float* a, int64_t a_ld,
                                                           int64_t begin, int64_t end,
                                                           const Word& word) {
  for (int64_t k = begin; k < end; ++k) {
    typename Words::W y[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) y[n] = word(k, n);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const typename Words::W x = Words::broadcast(a + m * a_ld + k);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[m][n] = Words::add(sum[m][n], x, y[n]);
    }
  }
}

}  // namespace bc::cpu
