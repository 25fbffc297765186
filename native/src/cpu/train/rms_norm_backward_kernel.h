// rms_norm_backward: with f = 1 / sqrt(mean(x^2) + eps) and y = x f weight,
//   dx += f (weight dy - x f^2 mean(x weight dy))          dweight += sum over tokens of dy x f
//
// Shapes  x, dy, dx [T,C]; weight [C] f32, f16 or bf16; dweight [C] or none.
// Method  A row of dx in two passes, each sum in four chains of 16 lanes. dweight by columns, token after
//         token, so that its order does not depend on threads.
// Bound   Memory: 16TC bytes, and 8TC for dweight.
// Source  Zhang and Sennrich 2019, arXiv:1910.07467
#pragma once

#include "train.h"

namespace bc::cpu {

template <class V>
struct RmsNormBackward {
  using F = typename V::F;

  template <class W>
  static void rows_of(const RmsNormBackwardParams& p, int64_t begin, int64_t end, float* factors) {
    const W* const weight = static_cast<const W*>(p.weight);
    for (int64_t t = begin; t < end; ++t) {
      const float* const x = p.x + t * p.x_ld;
      const float* const dy = p.dy + t * p.dy_ld;
      float* const dx = p.dx + t * p.dx_ld;
      F squares[2] = {V::set(0.0f), V::set(0.0f)};
      F products[2] = {V::set(0.0f), V::set(0.0f)};
      const auto columns = [&](int64_t c, int64_t n, int chain) {
        const F v = n == 16 ? V::load(x + c) : V::load(x + c, n);
        const F w = n == 16 ? V::load(weight + c) : V::load(weight + c, n);
        const F g = n == 16 ? V::load(dy + c) : V::load(dy + c, n);
        squares[chain] = V::fma(v, v, squares[chain]);
        products[chain] = V::fma(v, V::mul(w, g), products[chain]);
      };
      int64_t c = 0;
      for (; c + 32 <= p.C; c += 32) {
        columns(c, 16, 0);
        columns(c + 16, 16, 1);
      }
      for (; c < p.C; c += 16) columns(c, p.C - c < 16 ? p.C - c : 16, 0);
      const auto C = static_cast<float>(p.C);
      const float f = 1.0f / __builtin_sqrtf(V::sum(V::add(squares[0], squares[1])) / C + p.eps);
      const float along = V::sum(V::add(products[0], products[1])) / C * f * f;
      factors[t] = f;
      for (c = 0; c < p.C; c += 16) {
        const int64_t n = p.C - c < 16 ? p.C - c : 16;
        const F straight = V::mul(V::load(weight + c, n), V::load(dy + c, n));
        const F change = V::sub(straight, V::mul(V::load(x + c, n), V::set(along)));
        V::store(dx + c, V::fma(V::set(f), change, V::load(dx + c, n)), n);
      }
    }
  }

  // Rows [begin, end) of dx, and the f of each.
  static void rows(const RmsNormBackwardParams& p, int64_t begin, int64_t end, float* factors) {
    if (p.weight_type == Type::f32) rows_of<float>(p, begin, end, factors);
    if (p.weight_type == Type::f16) rows_of<f16>(p, begin, end, factors);
    if (p.weight_type == Type::bf16) rows_of<bf16>(p, begin, end, factors);
  }

  // Columns [begin, end) of dweight.
  static void weight(const RmsNormBackwardParams& p, int64_t begin, int64_t end,
                     const float* factors) {
    for (int64_t c = begin; c < end; c += 16) {
      const int64_t n = end - c < 16 ? end - c : 16;
      F sum = V::set(0.0f);
      for (int64_t t = 0; t < p.T; ++t) {
        const F unit = V::mul(V::load(p.x + t * p.x_ld + c, n), V::set(factors[t]));
        sum = V::fma(V::load(p.dy + t * p.dy_ld + c, n), unit, sum);
      }
      V::store(p.dweight + c, V::add(V::load(p.dweight + c, n), sum), n);
    }
  }
};

}  // namespace bc::cpu
