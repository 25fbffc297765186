// rope: normalizes every query and key head where there are norms, then turns its pairs
// (x_k, x_{k+D/2}) by the angle position * frequencies[k] and multiplies them by a scale.
//
// Shapes  qkv [T,(H+2G)D] in place, of which [T,(H+G)D] is touched; positions [T]; q_norm and k_norm
//         [D] f32, f16 or bf16, or none. D is a multiple of 8: the last vector of a half may be a
//         part of one.
// Method  Cosines and sines are computed in double, and multiplied by the scale, once per token and
//         step (rope.cpp), and shared by the H + G heads of every layer: 64 of either take as long
//         as a product of 64 by 4096. Where there are norms, a head's squares are summed in f32
//         first, 32 partial sums, while it is on its way to the first-level cache.
// Bound   Memory: 8T(H+G)D bytes.
// Source  Su et al. 2021, arXiv:2104.09864; the pairing (k, k + D/2) is Baichuan's. Norms of heads:
//         Yang et al. 2025, arXiv:2505.09388 (Qwen3). Scale: Peng et al. 2023, arXiv:2309.00071
//         (YaRN)
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct Rope {
  using F = typename V::F;

  // 1 / sqrt(mean(x^2) + eps) of a head.
  static float factor(const float* low, int64_t half, float eps) {
    const float* high = low + half;
    F a = V::set(0.0f);
    F b = V::set(0.0f);
    for (int64_t k = 0; k < half; k += 16) {
      const int64_t n = half - k < 16 ? half - k : 16;
      const F x = V::load(low + k, n);
      const F y = V::load(high + k, n);
      a = V::fma(x, x, a);
      b = V::fma(y, y, b);
    }
    const float mean = V::sum(V::add(a, b)) / static_cast<float>(2 * half);
    return 1.0f / __builtin_sqrtf(mean + eps);
  }

  static void turn(float* low, int64_t k, int64_t half, const float* cosine, const float* sine, F x,
                   F y) {
    const int64_t n = half - k < 16 ? half - k : 16;
    const F c = V::load(cosine + k, n);
    const F s = V::load(sine + k, n);
    V::store(low + k, V::sub(V::mul(x, c), V::mul(y, s)), n);
    V::store(low + half + k, V::fma(x, s, V::mul(y, c)), n);
  }

  static void plain(float* low, int64_t half, const float* cosine, const float* sine) {
    for (int64_t k = 0; k < half; k += 16) {
      const int64_t n = half - k < 16 ? half - k : 16;
      turn(low, k, half, cosine, sine, V::load(low + k, n), V::load(low + half + k, n));
    }
  }

  template <class W>
  static void normed(float* low, int64_t half, const float* cosine, const float* sine,
                     const W* norm, float eps) {
    const F root = V::set(factor(low, half, eps));
    const auto load = [&](int64_t d, int64_t n) {
      return V::mul(V::mul(V::load(low + d, n), root), V::load(norm + d, n));
    };
    for (int64_t k = 0; k < half; k += 16) {
      const int64_t n = half - k < 16 ? half - k : 16;
      turn(low, k, half, cosine, sine, load(k, n), load(half + k, n));
    }
  }

  template <class W>
  static void normed_heads(const RopeParams& p, float* row, const float* cosine,
                           const float* sine) {
    for (int64_t h = 0; h < p.H + p.G; ++h) {
      const W* norm = static_cast<const W*>(h < p.H ? p.q_norm : p.k_norm);
      normed(row + h * p.D, p.D / 2, cosine, sine, norm, p.eps);
    }
  }

  static void run(const RopeParams& p, const float* cosine, const float* sine, int64_t token) {
    float* row = static_cast<float*>(p.qkv) + token * p.ld;
    if (p.q_norm == nullptr) {
      for (int64_t h = 0; h < p.H + p.G; ++h) plain(row + h * p.D, p.D / 2, cosine, sine);
    } else {
      if (p.norm_type == Type::f32) normed_heads<float>(p, row, cosine, sine);
      if (p.norm_type == Type::f16) normed_heads<f16>(p, row, cosine, sine);
      if (p.norm_type == Type::bf16) normed_heads<bf16>(p, row, cosine, sine);
    }
  }
};

}  // namespace bc::cpu
