// Sums of products of two packed tiles, which second moments, their factor and calibrated rounding all
// consist of: out[m][l] += sign * sum over i of a[i][m] * b[i][l].
//
// Lanes run along l. A block of sums stays in registers for all i, so that an output is added to once a
// call, in the same order whatever the number of threads.
#pragma once

#include <cstdint>

namespace bc::cpu {

constexpr int64_t kTile = 64;    // columns of a packed tile
constexpr int64_t kDepth = 128;  // most i of a call: two packed tiles of this depth fit in 64 KB

// Numbers a[i][m] at a + i * step + m * ld.
struct TileOperand {
  const float* data;
  int64_t step, ld;
};

template <class V>
struct TileProducts {
  using F = typename V::F;

  // Sums of M x L vectors in registers: 16 of 32 with AVX-512, 8 of 16 with AVX2.
  static constexpr int M = V::wide ? 8 : 4;
  static constexpr int L = V::wide ? 2 : 1;

  // m outputs by kTile lanes; m is a multiple of 8. b [n][kTile], out rows out_ld apart.
  static void add(float* out, int64_t out_ld, TileOperand a, int64_t m, const float* b, int64_t n,
                  float sign) {
    for (int64_t m0 = 0; m0 < m; m0 += M) {
      for (int64_t l0 = 0; l0 < kTile; l0 += 16 * L)
        block(out + m0 * out_ld + l0, out_ld, a.data + m0 * a.ld, a.step, a.ld, b + l0, n, sign);
    }
  }

 private:
  static void block(float* out, int64_t out_ld, const float* a, int64_t step, int64_t ld,
                    const float* b, int64_t n, float sign) {
    F sum[M][L];
    for (int m = 0; m < M; ++m) {
      for (int l = 0; l < L; ++l) sum[m][l] = V::set(0.0f);
    }
    for (int64_t i = 0; i < n; ++i) {
      F row[L];
      for (int l = 0; l < L; ++l) row[l] = V::load(b + i * kTile + 16 * l);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const F factor = V::set(a[i * step + m * ld]);
#pragma GCC unroll 2
        for (int l = 0; l < L; ++l) sum[m][l] = V::fma(factor, row[l], sum[m][l]);
      }
    }
    const F by = V::set(sign);
    for (int m = 0; m < M; ++m) {
      for (int l = 0; l < L; ++l) {
        float* const to = out + m * out_ld + 16 * l;
        V::store(to, V::fma(by, sum[m][l], V::load(to)));
      }
    }
  }
};

}  // namespace bc::cpu
