// The tasks of matmul_backward_input and matmul_backward_weight (matmul_backward.cpp), in f32 or in pairs of
// bf16 (tile_products.h).
#pragma once

#include "cpu/train/train_kernels.h"
#include "cpu/train/weight_tile.h"

namespace bc::cpu {

template <class V>
struct MatmulBackward {
  using F = typename V::F;

  // What a task of dx may need: kMostRows rows of sums, and a tile of w.
  struct alignas(64) InputRoom {
    float sums[kMostRows * kTile];
    float tile[kTileDepth * kTile];
  };

  // Elements of i for n rows of w, or n tokens.
  template <class E>
  static constexpr int64_t elements(int64_t n) {
    return std::is_same_v<E, float> ? n : (n + 1) / 2;
  }

  // Columns [k0, k0 + kTile) of rows [m0, m1) of dx, at most kMostRows, gain the products with rows [n0, n1) of
  // w. dy has those columns of dy from n0 on, element after element, rows ld apart; add: to what is there.
  template <class E>
  static void input(const MatmulBackwardInputParams& p, const E* dy, int64_t ld, int64_t m0,
                    int64_t m1, int64_t n0, int64_t n1, int64_t k0, bool add, void* room) {
    auto& in = *static_cast<InputRoom*>(room);
    E* const tile = reinterpret_cast<E*>(in.tile);
    constexpr int64_t depth = std::is_same_v<E, float> ? kTileDepth : 2 * kTileDepth;
    const int64_t rows = m1 - m0;
    const int64_t columns = p.K - k0 < kTile ? p.K - k0 : kTile;
    for (int64_t m = 0; m < rows; ++m) {
      const float* const from = p.dx + (m0 + m) * p.dx_ld + k0;
      for (int64_t l = 0; l < kTile; l += 16)
        V::store(in.sums + m * kTile + l, add ? part(from, l, columns) : V::set(0.0f));
    }
    for (int64_t n = n0; n < n1; n += depth) {
      const int64_t count = n1 - n < depth ? n1 - n : depth;
      WeightTile<V>::pack(p, n, count, k0, tile);
      TileProducts<V>::add(in.sums, kTile, Strided<E>{dy + m0 * ld + elements<E>(n - n0), 1, ld},
                           rows, TileRows<E>{tile}, elements<E>(count), 1.0f);
    }
    for (int64_t m = 0; m < rows; ++m) {
      float* const to = p.dx + (m0 + m) * p.dx_ld + k0;
      for (int64_t l = 0; l < columns; l += 16)
        store_part(to, l, columns, V::load(in.sums + m * kTile + l));
    }
  }

  // Tokens [m0, m1) of x [.,columns] as tiles [tile][elements][kTile], of which this is tile `tile`.
  template <class E>
  static void pack(const float* x, int64_t ld, int64_t columns, int64_t m0, int64_t m1,
                   int64_t tile, E* out) {
    const int64_t width = columns - tile * kTile < kTile ? columns - tile * kTile : kTile;
    const auto vector = [&](int64_t m, int64_t l) {
      return m < m1 ? part(x + m * ld + tile * kTile, l, width) : V::set(0.0f);
    };
    for (int64_t m = m0; m < m1; m += std::is_same_v<E, float> ? 1 : 2) {
      for (int64_t l = 0; l < kTile; l += 16) {
        if constexpr (std::is_same_v<E, float>) {
          V::store(out + l, vector(m, l));
        } else {
          V::store_pairs(&out[l].first, vector(m, l), vector(m + 1, l));
        }
      }
      out += kTile;
    }
  }

  // Rows [n0, n0 + kTile) and columns [k0, k0 + kTile) of dw gain the products of `count` elements: dy
  // [count][kTile], and x.
  template <class E>
  static void weight(const MatmulBackwardWeightParams& p, const E* dy, TileRows<E> x, int64_t count,
                     int64_t n0, int64_t k0) {
    alignas(64) float sums[kTile * kTile];
    const int64_t rows = p.N - n0 < kTile ? p.N - n0 : kTile;
    const int64_t columns = p.K - k0 < kTile ? p.K - k0 : kTile;
    for (int64_t i = 0; i < rows * kTile; i += 16) V::store(sums + i, V::set(0.0f));
    for (int64_t i = 0; i < count; i += kTileDepth) {
      TileProducts<V>::add(sums, kTile, Strided<E>{dy + i * kTile, kTile, 1}, rows,
                           TileRows<E>{x.data + i * x.ld, x.ld},
                           count - i < kTileDepth ? count - i : kTileDepth, 1.0f);
    }
    for (int64_t n = 0; n < rows; ++n) {
      float* const to = p.dw + (n0 + n) * p.dw_ld + k0;
      for (int64_t l = 0; l < columns; l += 16)
        store_part(to, l, columns, V::add(part(to, l, columns), V::load(sums + n * kTile + l)));
    }
  }

  // Row m of dy, columns [n0, n1), as pairs.
  static void round(const float* dy, int64_t count, Pair* out) {
    bf16* const to = &out->first;
    int64_t n = 0;
    for (; n + 16 <= count; n += 16) V::store_rounded(to + n, V::load(dy + n));
    if (n < count) {
      bf16 last[16];
      V::store_rounded(last, V::load(dy + n, count - n));
      for (int64_t i = 0; i < (count - n + 1) / 2 * 2; ++i) to[n + i] = last[i];
    }
  }

 private:
  static F part(const float* row, int64_t l, int64_t columns) {
    if (l + 16 <= columns) return V::load(row + l);
    return l < columns ? V::load(row + l, columns - l) : V::set(0.0f);
  }
  static void store_part(float* row, int64_t l, int64_t columns, F x) {
    if (l + 16 <= columns) {
      V::store(row + l, x);
    } else {
      V::store(row + l, x, columns - l);
    }
  }
};

}  // namespace bc::cpu
