// Solves u^T x = b for the columns of a tile: row r of x is b_r less the products of u's column r with the rows
// of x above, over u_rr. Lanes run along the columns.
#pragma once

#include "cpu/tile_products.h"

namespace bc::cpu {

template <class V>
struct Solve {
  using F = typename V::F;

  static void run(const float* u, int64_t u_ld, int64_t n, float* b, int64_t b_ld) {
    for (int64_t lane = 0; lane < kTile; lane += 16) {
      for (int64_t r = 0; r < n; ++r) {
        F x = V::load(b + r * b_ld + lane);
        for (int64_t s = 0; s < r; ++s)
          x = V::sub(x, V::mul(V::set(u[s * u_ld + r]), V::load(b + s * b_ld + lane)));
        V::store(b + r * b_ld + lane, V::div(x, V::set(u[r * (u_ld + 1)])));
      }
    }
  }
};

}  // namespace bc::cpu
