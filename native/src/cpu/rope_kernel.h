// rope: (x_k, x_{k+D/2}) of every query and key head turns by the angle position * base^(-2k/D).
//
// Shapes  qkv [T,3C] in place, of which [T,2C] is touched; positions [T]; C = H D.
// Method  Cosines and sines are computed in double once per token and step (rope.cpp) and shared by
//         the 2H heads of every layer: 64 of either take as long as a product of 64 by 4096.
// Bound   Memory: 16TC bytes.
// Source  Su et al. 2021, arXiv:2104.09864; the pairing (k, k + D/2) is Baichuan's.
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct Rope {
  using F = typename V::F;

  static void run(const RopeParams& p, const float* cosine, const float* sine, int64_t token) {
    const int64_t half = p.D / 2;
    float* row = static_cast<float*>(p.qkv) + token * p.ld;
    for (int64_t h = 0; h < 2 * p.H; ++h) {
      float* low = row + h * p.D;
      float* high = low + half;
      for (int64_t k = 0; k < half; k += 16) {
        const int64_t n = half - k < 16 ? half - k : 16;
        const F c = V::load(cosine + k, n);
        const F s = V::load(sine + k, n);
        const F x = V::load(low + k, n);
        const F y = V::load(high + k, n);
        V::store(low + k, V::sub(V::mul(x, c), V::mul(y, s)), n);
        V::store(high + k, V::fma(x, s, V::mul(y, c)), n);
      }
    }
  }
};

}  // namespace bc::cpu
