// A tile of w [N,K] as the rows that products of tiles read: n by 64 columns, times the factors of its rows.
//
// Rows of f32, f16 and bf16 are widened. Of packed weights (quant.h) the lanes of a vector are 16 rows: 16
// columns are decoded, and change places with the rows in registers.
#pragma once

#include "cpu/matmul/matmul_codes.h"
#include "cpu/tile_products.h"
#include "train.h"

namespace bc::cpu {

template <class V>
struct WeightTile {
  using F = typename V::F;

  // Rows [n0, n0 + rows) and columns [k0, k0 + kTile), of which those from K on are 0. n0 is a multiple of
  // 16, and out has room for rows up to a multiple of 16; one behind the last is 0 as far as pairs need it.
  template <class E>
  static void pack(const MatmulBackwardInputParams& p, int64_t n0, int64_t rows, int64_t k0,
                   E* out) {
    switch (p.w_type) {
      case Type::f32:
        return plain<float>(p, n0, rows, k0, out);
      case Type::f16:
        return plain<f16>(p, n0, rows, k0, out);
      case Type::bf16:
        return plain<bf16>(p, n0, rows, k0, out);
      default:
        return packed(p, n0, rows, k0, out);
    }
  }

 private:
  // Vector l of row r of the tile, or of two rows.
  static void store(float* tile, int64_t r, int64_t l, F first, F second) {
    V::store(tile + r * kTile + l, first);
    V::store(tile + (r + 1) * kTile + l, second);
  }
  static void store(Pair* tile, int64_t r, int64_t l, F first, F second) {
    V::store_pairs(&tile[r / 2 * kTile + l].first, first, second);
  }

  static F scale_of(const MatmulBackwardInputParams& p, int64_t n) {
    return V::set(p.row_scale == nullptr ? 1.0f : p.row_scale[n]);
  }

  template <class W, class E>
  static void plain(const MatmulBackwardInputParams& p, int64_t n0, int64_t rows, int64_t k0,
                    E* out) {
    const F zero = V::set(0.0f);
    for (int64_t r = 0; r < rows; r += 2) {
      for (int64_t l = 0; l < kTile; l += 16) {
        const int64_t left = p.K - k0 - l;
        const auto vector = [&](int64_t row) {
          if (row >= rows || left <= 0) return zero;
          const W* const from = static_cast<const W*>(p.w) + (n0 + row) * p.w_ld + k0 + l;
          const F w = left >= 16 ? V::load(from) : V::load(from, left);
          return V::mul(w, scale_of(p, n0 + row));
        };
        store(out, r, l, vector(r), vector(r + 1));
      }
    }
  }

  using Exact = MatmulCodesExact<V>;

  // A block of 32 columns of a panel.
  static void block(const MatmulBackwardInputParams& p, int64_t panel, int64_t k,
                    typename Exact::Block& out) {
    const int64_t columns = group_columns(p.w_type);
    const uint8_t* const group = static_cast<const uint8_t*>(p.w) +
                                 (panel * (p.K / columns) + k / columns) * group_bytes(p.w_type);
    const uint8_t* const tail = group + value_bytes(p.w_type);
    if (p.w_type == Type::q8) {
      Exact::template widen<8>(group, out.quads);
      const F scale = V::load(reinterpret_cast<const bf16*>(tail));
      V::store(out.scale, scale);
      V::store(out.base, V::mul(scale, V::set(-128.0f)));
      return;
    }
    const CodeFormat format =
        is_codes(p.w_type) ? format_of(p.w_type) : CodeFormat{4, 5, CodeForm::grid};
    Exact::widen_of(format.bits)(group + k % columns / kGroup * 64 * format.bits, out.quads);
    Exact::line(format, tail, out);
  }

  template <class E>
  static void packed(const MatmulBackwardInputParams& p, int64_t n0, int64_t rows, int64_t k0,
                     E* out) {
    typename Exact::Block of;
    F number[kPanel];
    for (int64_t r0 = 0; r0 < rows; r0 += kPanel) {
      for (int64_t l = 0; l < kTile; l += 16) {
        if (k0 + l >= p.K) {
          for (F& row : number) row = V::set(0.0f);
        } else {
          if (l % kGroup == 0) block(p, (n0 + r0) / kPanel, k0 + l, of);
          const F scale = V::load(of.scale);
          const F base = V::load(of.base);
          for (int64_t c = 0; c < kPanel; ++c) {
            const int64_t k = l % kGroup + c;
            const auto quad = V::load_bytes(of.quads + 64 * (k / 4));
            number[c] = V::fma(V::byte(quad, static_cast<int>(k % 4)), scale, base);
          }
          V::transpose(number);
        }
        // Rows from N on are not of w.
        for (int64_t r = 0; r < kPanel && p.row_scale != nullptr; ++r) {
          if (r0 + r < rows) number[r] = V::mul(number[r], scale_of(p, n0 + r0 + r));
        }
        for (int64_t r = 0; r < kPanel; r += 2) store(out, r0 + r, l, number[r], number[r + 1]);
      }
    }
  }
};

}  // namespace bc::cpu
