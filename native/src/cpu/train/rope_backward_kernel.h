// rope_backward: turns the pairs of the heads of queries and keys back, times the scale, and where a head was
// normalized before it was turned goes on as rms_norm_backward does.
//
// Shapes  dqkv [T,(H+2G)D] in place, of which [T,(H+G)D] is touched; qkv before rope where there are norms.
// Method  A rotation's transpose is the rotation by the negative angle. What a token adds to the gradients
//         of the norms is summed by head; tokens are added in order (rope_backward.cpp).
// Bound   Memory: 8T(H+G)D bytes, and 4T(H+G)D with norms.
#pragma once

#include "train.h"

namespace bc::cpu {

template <class V>
struct RopeBackward {
  using F = typename V::F;

  // The queries and keys of a token; cosine and sine [D/2] of its angles, times the scale. norms [2][D] gets
  // what the token adds to the gradients of the norms of queries and keys; null without.
  static void run(const RopeBackwardParams& p, const float* cosine, const float* sine,
                  int64_t token, float* norms) {
    const RopeParams& of = p.forward;
    const int64_t half = of.D / 2;
    for (int64_t h = 0; h < of.H + of.G; ++h) {
      float* const low = p.dqkv + token * p.dqkv_ld + h * of.D;
      for (int64_t k = 0; k < half; k += 16) {
        const int64_t n = half - k < 16 ? half - k : 16;
        const F c = V::load(cosine + k, n);
        const F s = V::load(sine + k, n);
        const F x = V::load(low + k, n);
        const F y = V::load(low + half + k, n);
        V::store(low + k, V::fma(x, c, V::mul(y, s)), n);
        V::store(low + half + k, V::sub(V::mul(y, c), V::mul(x, s)), n);
      }
      if (of.q_norm == nullptr) continue;
      const void* const norm = h < of.H ? of.q_norm : of.k_norm;
      float* const sums = norms == nullptr ? nullptr : norms + (h < of.H ? 0 : of.D);
      const float* const x = p.qkv + token * p.qkv_ld + h * of.D;
      if (of.norm_type == Type::f32) normed(p, low, x, static_cast<const float*>(norm), sums);
      if (of.norm_type == Type::f16) normed(p, low, x, static_cast<const f16*>(norm), sums);
      if (of.norm_type == Type::bf16) normed(p, low, x, static_cast<const bf16*>(norm), sums);
    }
  }

 private:
  template <class W>
  static void normed(const RopeBackwardParams& p, float* dhead, const float* head, const W* norm,
                     float* sums) {
    const int64_t D = p.forward.D;
    F squares = V::set(0.0f);
    F products = V::set(0.0f);
    for (int64_t d = 0; d < D; d += 16) {
      const int64_t n = D - d < 16 ? D - d : 16;
      const F x = V::load(head + d, n);
      squares = V::fma(x, x, squares);
      products = V::fma(x, V::mul(V::load(norm + d, n), V::load(dhead + d, n)), products);
    }
    const auto width = static_cast<float>(D);
    const float f = 1.0f / __builtin_sqrtf(V::sum(squares) / width + p.forward.eps);
    const F along = V::set(V::sum(products) / width * f * f);
    for (int64_t d = 0; d < D; d += 16) {
      const int64_t n = D - d < 16 ? D - d : 16;
      const F x = V::load(head + d, n);
      const F dy = V::load(dhead + d, n);
      if (sums != nullptr)
        V::store(sums + d, V::fma(dy, V::mul(x, V::set(f)), V::load(sums + d, n)), n);
      const F change = V::sub(V::mul(V::load(norm + d, n), dy), V::mul(x, along));
      V::store(dhead + d, V::mul(V::set(f), change), n);
    }
  }
};

}  // namespace bc::cpu
