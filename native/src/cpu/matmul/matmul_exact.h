// matmul of q8 and q4 weights by x as it is, in f32.
//
// Shapes  x [M,K]; w [N,K] in packed panels (quant.h); row_scale and bias [N] or none; out [M,N].
// Method  The lanes are 16 rows of w: codes are widened to f32, their zero is taken off, and they are
//         multiplied by x and summed over a group, whose scale is applied to the sum. Register blocks
//         are V::rows rows of x by V::panels panels. The order of an output's additions does not
//         depend on M.
// Bound   One multiply-add in f32 per m, n, k.
#pragma once

#include "cpu/matmul/matmul_int8.h"

namespace bc::cpu {

template <class V>
struct MatmulExact {
  using F = typename V::F;
  using I = typename V::I;

  template <Type kType, int MR, int NP>
  static void block(const MatmulParams& p, int64_t m, int64_t u) {
    constexpr int64_t values = kType == Type::q8 ? kQ8Values : kQ4Values;
    constexpr int64_t stride = values + kScales;
    const int64_t groups = p.K / kGroup;
    const uint8_t* w[NP];
    for (int n = 0; n < NP; ++n)
      w[n] = static_cast<const uint8_t*>(p.w) + (u + n) * groups * stride;
    F acc[MR][NP];
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) acc[r][n] = V::set(0.0f);
    }
    F zero[NP];
    for (int n = 0; n < NP; ++n) zero[n] = V::set(128.0f);
    for (int64_t g = 0; g < groups; ++g) {
      F part[MR][NP];
      for (int r = 0; r < MR; ++r) {
        for (int n = 0; n < NP; ++n) part[r][n] = V::set(0.0f);
      }
      if constexpr (kType == Type::q4) {
        for (int n = 0; n < NP; ++n)
          zero[n] = V::mul(V::grid_zero(w[n] + values), V::set(1.0f / kGridZeros));
      }
      const float* a = static_cast<const float*>(p.x) + m * p.x_ld + g * kGroup;
      for (int j = 0; j < 8; ++j) {
        I v[NP];
        for (int n = 0; n < NP; ++n) {
          if constexpr (kType == Type::q8) {
            v[n] = V::load_bytes(w[n] + 64 * j);
          } else {
            const I both = V::load_bytes(w[n] + 64 * (j % 4));
            v[n] = j < 4 ? V::low_nibbles(both) : V::high_nibbles(both);
          }
        }
        for (int b = 0; b < 4; ++b) {
          for (int n = 0; n < NP; ++n) {
            const F q = V::sub(V::byte(v[n], b), zero[n]);
            for (int r = 0; r < MR; ++r)
              part[r][n] = V::fma(q, V::set(a[r * p.x_ld + 4 * j + b]), part[r][n]);
          }
        }
      }
      for (int n = 0; n < NP; ++n) {
        const F scale = kType == Type::q8 ? V::load(reinterpret_cast<const bf16*>(w[n] + values))
                                          : V::grid_scale(w[n] + values);
        for (int r = 0; r < MR; ++r) acc[r][n] = V::fma(part[r][n], scale, acc[r][n]);
        w[n] += stride;
      }
    }
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) MatmulInt8<V>::store(p, m + r, u + n, acc[r][n]);
    }
  }

  template <Type kType, int NP, int MR = V::exact_rows>
  static void rows_of(const MatmulParams& p, int64_t m0, int64_t m1, int64_t u) {
    for (; m0 + MR <= m1; m0 += MR) block<kType, MR, NP>(p, m0, u);
    if constexpr (MR > 1) {
      if (m0 < m1) rows_of<kType, NP, MR - 1>(p, m0, m1, u);
    }
  }

  template <Type kType>
  static void run(const MatmulParams& p, const uint8_t*, int64_t m0, int64_t m1, int64_t u0,
                  int64_t u1, uint8_t*) {
    for (; u0 + V::panels <= u1; u0 += V::panels) rows_of<kType, V::panels>(p, m0, m1, u0);
    for (; u0 < u1; ++u0) rows_of<kType, 1>(p, m0, m1, u0);
  }
};

}  // namespace bc::cpu
