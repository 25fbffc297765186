// rms_norm: out[t,c] = x[t,c] * weight[c] / sqrt(mean_c(x[t,c]^2) + eps); add_rms_norm: x += delta
// first.
//
// Shapes  x, delta, out [T,C]; weight [C] f32, f16 or bf16.
// Method  Pass 1 adds delta and sums squares in f32, 64 partial sums a row; pass 2 rereads the row,
//         still in cache.
// Bound   Memory: 8TC bytes, 16TC with delta.
// Twin    cuda/rms_norm.cu
// Source  Zhang & Sennrich 2019, arXiv:1910.07467
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct RmsNorm {
  using F = typename V::F;

  // x += delta where there is one; returns the sum of squares.
  static float add_and_square(float* x, const float* delta, int64_t C) {
    F square[4] = {V::set(0.0f), V::set(0.0f), V::set(0.0f), V::set(0.0f)};
    int64_t c = 0;
    for (; c + 64 <= C; c += 64) {
      for (int i = 0; i < 4; ++i) {
        F v = V::load(x + c + 16 * i);
        if (delta != nullptr) {
          v = V::add(v, V::load(delta + c + 16 * i));
          V::store(x + c + 16 * i, v);
        }
        square[i] = V::fma(v, v, square[i]);
      }
    }
    for (; c < C; c += 16) {
      const int64_t n = C - c < 16 ? C - c : 16;
      F v = V::load(x + c, n);
      if (delta != nullptr) {
        v = V::add(v, V::load(delta + c, n));
        V::store(x + c, v, n);
      }
      square[0] = V::fma(v, v, square[0]);
    }
    return V::sum(V::add(V::add(square[0], square[1]), V::add(square[2], square[3])));
  }

  template <class W>
  static void rows(const RmsNormParams& p, int64_t begin, int64_t end) {
    const W* weight = static_cast<const W*>(p.weight);
    for (int64_t t = begin; t < end; ++t) {
      float* x = static_cast<float*>(p.x) + t * p.x_ld;
      float* out = static_cast<float*>(p.out) + t * p.out_ld;
      const float* delta = static_cast<const float*>(p.delta);
      const float squares =
          add_and_square(x, delta == nullptr ? nullptr : delta + t * p.delta_ld, p.C);
      const F factor = V::set(1.0f / __builtin_sqrtf(squares / static_cast<float>(p.C) + p.eps));
      int64_t c = 0;
      for (; c + 16 <= p.C; c += 16) {
        V::store(out + c, V::mul(V::mul(V::load(x + c), factor), V::load(weight + c)));
      }
      if (c < p.C) {
        const int64_t n = p.C - c;
        V::store(out + c, V::mul(V::mul(V::load(x + c, n), factor), V::load(weight + c, n)), n);
      }
    }
  }

  static void run(const RmsNormParams& p, int64_t begin, int64_t end) {
    if (p.weight_type == Type::f32) rows<float>(p, begin, end);
    if (p.weight_type == Type::f16) rows<f16>(p, begin, end);
    if (p.weight_type == Type::bf16) rows<bf16>(p, begin, end);
  }
};

}  // namespace bc::cpu
