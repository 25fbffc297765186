// Sums of products of a strided operand with rows of 64 lanes, which calibration and training consist of:
// out[m][l] += sign * sum over i of a[i][m] * b[i][l].
//
// Lanes run along l. A block of sums stays in registers for all i, so that an output is added to once a
// call, in the same order whatever the number of threads and whatever other m there are. Elements are
// numbers of f32, or pairs of bf16, two i at a time, whose products are exact and summed in f32.
#pragma once

#include <cstdint>
#include <type_traits>

#include "types.h"

namespace bc::cpu {

constexpr int64_t kTile = 64;        // columns of a tile
constexpr int64_t kTileDepth = 128;  // most i of a call: a tile of this depth has 32 KB

// Elements 2i and 2i + 1.
struct alignas(4) Pair {
  bf16 first, second;
};

// Elements a[i][m] at data + i * step + m * ld.
template <class E>
struct Strided {
  const E* data;
  int64_t step, ld;
};
using TileOperand = Strided<float>;

// Rows b[i] of kTile elements, ld apart.
template <class E>
struct TileRows {
  const E* data;
  int64_t ld = kTile;
};

template <class V>
struct TileProducts {
  using F = typename V::F;

  // Sums of M x L vectors in registers: 16 of 32 with AVX-512, 8 of 16 with AVX2.
  static constexpr int M = V::wide ? 8 : 4;
  static constexpr int L = V::wide ? 2 : 1;

  // m outputs by kTile lanes, rows of out out_ld apart; n elements of i.
  template <class E>
  static void add(float* out, int64_t out_ld, Strided<E> a, int64_t m, TileRows<E> b, int64_t n,
                  float sign) {
    int64_t m0 = 0;
    for (; m0 + M <= m; m0 += M) rows<M>(out + m0 * out_ld, out_ld, from(a, m0), b, n, sign);
    rest<M / 2>(out, out_ld, a, m0, m, b, n, sign);
  }

 private:
  template <class E>
  static Strided<E> from(Strided<E> a, int64_t m) {
    return {a.data + m * a.ld, a.step, a.ld};
  }

  // Rows m0 to m, fewer than 2 R.
  template <int R, class E>
  static void rest(float* out, int64_t out_ld, Strided<E> a, int64_t m0, int64_t m, TileRows<E> b,
                   int64_t n, float sign) {
    if (m0 + R <= m) {
      rows<R>(out + m0 * out_ld, out_ld, from(a, m0), b, n, sign);
      m0 += R;
    }
    if constexpr (R > 1) rest<R / 2>(out, out_ld, a, m0, m, b, n, sign);
  }

  template <int R, class E>
  static void rows(float* out, int64_t out_ld, Strided<E> a, TileRows<E> b, int64_t n, float sign) {
    for (int64_t l = 0; l < kTile; l += 16 * L)
      block<R>(out + l, out_ld, a, {b.data + l, b.ld}, n, sign);
  }

  template <int R, class E>
  static void block(float* out, int64_t out_ld, Strided<E> a, TileRows<E> b, int64_t n,
                    float sign) {
    F sum[R][L];
    for (int m = 0; m < R; ++m) {
      for (int l = 0; l < L; ++l) sum[m][l] = V::set(0.0f);
    }
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<E, float>) {
        F row[L];
        for (int l = 0; l < L; ++l) row[l] = V::load(b.data + i * b.ld + 16 * l);
#pragma GCC unroll 8
        for (int m = 0; m < R; ++m) {
          const F factor = V::set(a.data[i * a.step + m * a.ld]);
#pragma GCC unroll 2
          for (int l = 0; l < L; ++l) sum[m][l] = V::fma(factor, row[l], sum[m][l]);
        }
      } else {
        typename V::Pairs row[L];
        for (int l = 0; l < L; ++l) row[l] = V::load_pairs(&b.data[i * b.ld + 16 * l].first);
#pragma GCC unroll 8
        for (int m = 0; m < R; ++m) {
          const auto factor = V::broadcast_pair(&a.data[i * a.step + m * a.ld].first);
#pragma GCC unroll 2
          for (int l = 0; l < L; ++l) sum[m][l] = V::dot_pairs(sum[m][l], factor, row[l]);
        }
      }
    }
    const F by = V::set(sign);
    for (int m = 0; m < R; ++m) {
      for (int l = 0; l < L; ++l) {
        float* const to = out + m * out_ld + 16 * l;
        V::store(to, V::fma(by, sum[m][l], V::load(to)));
      }
    }
  }
};

}  // namespace bc::cpu
