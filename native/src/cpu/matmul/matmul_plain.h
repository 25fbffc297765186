// matmul of f32, f16 and bf16 weights that stay as they lie in the checkpoint's file.
// docs/cpu-kernels.md has the choices.
//
// Shapes  x [M,K]; w [N,K] rows; row_scale and bias [N] or none; out [M,N].
// Method  The lanes are columns: an output is a vector of partial sums over 1024 or 2048 columns,
//         added across lanes in one order at the end of them, whatever M is. bf16 weights meet x
//         rounded to bf16 where there is an instruction for pairs of them (matmul_input.h); otherwise
//         everything is f32. Register blocks are plain_rows rows of x by plain_columns rows of w.
// Bound   M = 1: the bytes of w, 2 or 4 a weight. Large M: one multiply-add per m, n, k, of which
//         an instruction does 16 in f32 and 32 in bf16.
#pragma once

#include "cpu/matmul/matmul_input.h"

namespace bc::cpu {

template <class V>
struct MatmulPlain {
  using F = typename V::F;

  // Columns ahead at which w is fetched where a line takes longer to multiply than the processor looks
  // ahead for by itself: with 8 or 16 rows of x that saves a tenth of the time.
  static constexpr int64_t kAhead = 256;

  // kPairs: bf16 by bf16, two at a time. MR rows of x from x on, their groups of 32 columns `x_step`
  // apart, by NR rows of w, columns [k0, k1). Sums wait at `partial` until k1 is K: then out gets them.
  template <class W, bool kPairs, class X, int MR, int NR>
  static void tile(const MatmulParams& p, const X* x, int64_t x_row, int64_t x_step, int64_t m,
                   int64_t n, int64_t k0, int64_t k1, bool fetch, float* partial) {
    using Row = typename V::Row;
    constexpr int kSums = sums_of(MR, NR);
    const W* w = static_cast<const W*>(p.w) + n * p.w_ld;
    Row acc[kSums];
#pragma GCC unroll 32
    for (int i = 0; i < kSums; ++i) acc[i] = Row{};
    const auto columns = [&](const X* a, int64_t k, int64_t count) __attribute__((always_inline)) {
      if constexpr (kPairs) {
#pragma GCC unroll 32
        for (int c = 0; c < NR; ++c) {
          if (fetch) __builtin_prefetch(w + c * p.w_ld + k + kAhead, 0, 3);
          const auto v = count == kGroup ? V::load_pairs(w + c * p.w_ld + k)
                                         : V::load_pairs(w + c * p.w_ld + k, count);
#pragma GCC unroll 32
          for (int r = 0; r < MR; ++r)
            acc[r * NR + c] = V::dot_pairs(acc[r * NR + c], v, V::load_pairs(a + r * x_row));
        }
      } else {
#pragma GCC unroll 1
        for (int64_t i = 0; i < count; i += V::row_lanes) {
          const int64_t left = count - i;
          const auto part = [left](const auto* from) __attribute__((always_inline)) {
            return left >= V::row_lanes ? V::row(from) : V::row(from, left);
          };
          Row rows[MR];
#pragma GCC unroll 32
          for (int r = 0; r < MR; ++r) rows[r] = part(a + r * x_row + i);
#pragma GCC unroll 32
          for (int c = 0; c < NR; ++c) {
            const Row v = part(w + c * p.w_ld + k + i);
#pragma GCC unroll 32
            for (int r = 0; r < MR; ++r) acc[r * NR + c] = V::fma(rows[r], v, acc[r * NR + c]);
          }
        }
      }
    };
    int64_t k = k0;
    for (; k + kGroup <= k1; k += kGroup, x += x_step) columns(x, k, kGroup);
    if (k < k1) columns(x, k, k1 - k);
    for (int i = 0; i < kSums; i += 16) {
      const auto sums = V::sums(acc + i);
      V::store(partial + i, k0 == 0 ? sums : V::add(V::load(partial + i), sums));
    }
    if (k1 < p.K) return;
    for (int r = 0; r < MR; ++r) {
      float* out = static_cast<float*>(p.out) + (m + r) * p.out_ld + n;
      for (int c = 0; c < NR; ++c) {
        const float sum = partial[r * NR + c];
        out[c] = p.row_scale == nullptr ? sum : sum * p.row_scale[n + c];
      }
      if (p.bias == nullptr) continue;
      for (int c = 0; c < NR; ++c) out[c] += p.bias[n + c];
    }
  }

  // Sums of a tile, in whole vectors.
  static constexpr int sums_of(int rows, int columns) { return (rows * columns + 15) / 16 * 16; }
  // Bytes in which the sums of a row of x by a panel of w wait, at most: of the 1 to 16 rows of w that a
  // panel has, those that fill no block take a tile each.
  static constexpr int64_t sum_bytes() {
    int64_t most = 0;
    for (int64_t n = 1; n <= kPanel; ++n) {
      const int64_t sums = n / V::plain_columns * sums_of(V::plain_rows, V::plain_columns) +
                           n % V::plain_columns * sums_of(V::plain_rows, 1);
      if (sums > most) most = sums;
    }
    return (most * int64_t{sizeof(float)} + V::plain_rows - 1) / V::plain_rows;
  }

  // `rows` rows of x, at most MR, from m on.
  template <class W, bool kPairs, int NR, int MR = V::plain_rows>
  static void rows_of(const MatmulParams& p, const uint8_t* packed, int64_t rows, int64_t m,
                      int64_t n, int64_t k0, int64_t k1, bool fetch, float*& partial) {
    if (rows == MR) {
      if constexpr (kPairs) {
        const int64_t groups = (p.K + kGroup - 1) / kGroup;
        const bf16* x = reinterpret_cast<const bf16*>(packed) + m * groups * kGroup;
        tile<W, kPairs, bf16, MR, NR>(p, x + k0 * MR, kGroup, MR * kGroup, m, n, k0, k1, fetch,
                                      partial);
      } else {
        tile<W, kPairs, float, MR, NR>(p, static_cast<const float*>(p.x) + m * p.x_ld + k0, p.x_ld,
                                       kGroup, m, n, k0, k1, fetch, partial);
      }
      partial += sums_of(MR, NR);
      return;
    }
    if constexpr (MR > 1)
      rows_of<W, kPairs, NR, MR - 1>(p, packed, rows, m, n, k0, k1, fetch, partial);
  }

  template <class W, bool kPairs>
  static void run(const MatmulParams& p, const uint8_t* x, int64_t m0, int64_t m1, int64_t u0,
                  int64_t u1, uint8_t* scratch) {
    // Columns at a time: 4 KiB of what stays in the first-level cache.
    constexpr int64_t depth = 4096 / (kPairs ? sizeof(W) : sizeof(float));
    constexpr int NR = V::plain_columns;
    const int64_t n1 = u1 * kPanel < p.N ? u1 * kPanel : p.N;
    const bool one = m1 - m0 <= V::plain_rows;
    // With one block of rows w is read once, row after row.
    const int64_t span = one ? NR : n1 - u0 * kPanel;
    alignas(64) float sums_of_span[NR * sums_of(V::plain_rows, 1)];
    for (int64_t n = u0 * kPanel; n < n1; n += span) {
      const int64_t to = n + span < n1 ? n + span : n1;
      for (int64_t k0 = 0; k0 < p.K; k0 += depth) {
        const int64_t k1 = k0 + depth < p.K ? k0 + depth : p.K;
        // The smaller of the two stays in the cache: NR rows of w with pairs, else a block of rows of x.
        const int64_t step = kPairs ? NR : to - n;
        // Tiles come in the same order for all columns.
        float* partial = one ? sums_of_span : reinterpret_cast<float*>(scratch);
        for (int64_t from = n; from < to; from += step) {
          const int64_t end = from + step < to ? from + step : to;
          for (int64_t m = m0; m < m1; m += V::plain_rows) {
            const int64_t rows = m + V::plain_rows <= m1 ? V::plain_rows : m1 - m;
            // The first rows of x find w in memory, the others in the cache.
            const bool fetch = kPairs && p.M > 1 && m == m0;
            int64_t c = from;
            for (; c + NR <= end; c += NR)
              rows_of<W, kPairs, NR>(p, x, rows, m, c, k0, k1, fetch, partial);
            for (; c < end; ++c) rows_of<W, kPairs, 1>(p, x, rows, m, c, k0, k1, fetch, partial);
          }
        }
      }
    }
  }
};

}  // namespace bc::cpu
