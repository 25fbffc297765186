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

  // kPairs: bf16 by bf16, two at a time. MR rows of x from x on, their groups of 32 columns `x_step`
  // apart, by NR rows of w, columns [k0, k1); out gets the sums, or they are added to it.
  template <class W, bool kPairs, class X, int MR, int NR>
  static void tile(const MatmulParams& p, const X* x, int64_t x_row, int64_t x_step, int64_t m,
                   int64_t n, int64_t k0, int64_t k1) {
    using Row = typename V::Row;
    constexpr int kSums = (MR * NR + 15) / 16 * 16;
    const W* w = static_cast<const W*>(p.w) + n * p.w_ld;
    Row acc[kSums];
#pragma GCC unroll 32
    for (int i = 0; i < kSums; ++i) acc[i] = Row{};
    const auto columns = [&](const X* a, int64_t k, int64_t count) __attribute__((always_inline)) {
      if constexpr (kPairs) {
#pragma GCC unroll 32
        for (int c = 0; c < NR; ++c) {
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
    float sums[kSums];
    for (int i = 0; i < kSums; i += 16) V::store(sums + i, V::sums(acc + i));
    for (int r = 0; r < MR; ++r) {
      float* out = static_cast<float*>(p.out) + (m + r) * p.out_ld + n;
      for (int c = 0; c < NR; ++c) {
        const float sum = k0 == 0 ? sums[r * NR + c] : out[c] + sums[r * NR + c];
        out[c] = k1 == p.K && p.row_scale != nullptr ? sum * p.row_scale[n + c] : sum;
      }
      if (k1 < p.K || p.bias == nullptr) continue;
      for (int c = 0; c < NR; ++c) out[c] += p.bias[n + c];
    }
  }

  // `rows` rows of x, at most MR, from m on.
  template <class W, bool kPairs, int NR, int MR = V::plain_rows>
  static void rows_of(const MatmulParams& p, const uint8_t* packed, int64_t rows, int64_t m,
                      int64_t n, int64_t k0, int64_t k1) {
    if (rows == MR) {
      if constexpr (kPairs) {
        const int64_t groups = (p.K + kGroup - 1) / kGroup;
        const bf16* x = reinterpret_cast<const bf16*>(packed) + m * groups * kGroup;
        tile<W, kPairs, bf16, MR, NR>(p, x + k0 * MR, kGroup, MR * kGroup, m, n, k0, k1);
      } else {
        tile<W, kPairs, float, MR, NR>(p, static_cast<const float*>(p.x) + m * p.x_ld + k0, p.x_ld,
                                       kGroup, m, n, k0, k1);
      }
      return;
    }
    if constexpr (MR > 1) rows_of<W, kPairs, NR, MR - 1>(p, packed, rows, m, n, k0, k1);
  }

  // Rows [m, m + rows), one block, by rows [n0, n1) of w.
  template <class W, bool kPairs>
  static void block(const MatmulParams& p, const uint8_t* x, int64_t rows, int64_t m, int64_t n0,
                    int64_t n1, int64_t k0, int64_t k1) {
    constexpr int NR = V::plain_columns;
    for (; n0 + NR <= n1; n0 += NR) rows_of<W, kPairs, NR>(p, x, rows, m, n0, k0, k1);
    for (; n0 < n1; ++n0) rows_of<W, kPairs, 1>(p, x, rows, m, n0, k0, k1);
  }

  template <class W, bool kPairs>
  static void run(const MatmulParams& p, const uint8_t* x, int64_t m0, int64_t m1, int64_t u0,
                  int64_t u1, uint8_t*) {
    // Columns at a time: 4 KiB of what stays in the first-level cache.
    constexpr int64_t depth = 4096 / (kPairs ? sizeof(W) : sizeof(float));
    constexpr int64_t NR = V::plain_columns;
    const int64_t n1 = u1 * kPanel < p.N ? u1 * kPanel : p.N;
    const bool one = m1 - m0 <= V::plain_rows;
    // With one block of rows w is read once, row after row.
    const int64_t span = one ? NR : n1 - u0 * kPanel;
    for (int64_t n = u0 * kPanel; n < n1; n += span) {
      const int64_t to = n + span < n1 ? n + span : n1;
      for (int64_t k0 = 0; k0 < p.K; k0 += depth) {
        const int64_t k1 = k0 + depth < p.K ? k0 + depth : p.K;
        // The smaller of the two stays in the cache: NR rows of w with pairs, else a block of rows of x.
        const int64_t step = kPairs ? NR : to - n;
        for (int64_t from = n; from < to; from += step) {
          for (int64_t m = m0; m < m1; m += V::plain_rows) {
            const int64_t rows = m + V::plain_rows <= m1 ? V::plain_rows : m1 - m;
            block<W, kPairs>(p, x, rows, m, from, from + step < to ? from + step : to, k0, k1);
          }
        }
      }
    }
  }
};

}  // namespace bc::cpu
