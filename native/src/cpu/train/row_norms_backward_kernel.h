// row_norms_backward: for rows u = r w with r = 1 / |w|, dw = r (du - (u . du) u), in place of du.
//
// Shapes  dw [N,K] in place; w [N,K] f32, f16 or bf16; norms [N]: r.
// Bound   Memory: 12NK bytes.
#pragma once

#include "train.h"

namespace bc::cpu {

template <class V>
struct RowNormsBackward {
  using F = typename V::F;

  static void run(const RowNormsBackwardParams& p, int64_t begin, int64_t end) {
    if (p.w_type == Type::f32) rows<float>(p, begin, end);
    if (p.w_type == Type::f16) rows<f16>(p, begin, end);
    if (p.w_type == Type::bf16) rows<bf16>(p, begin, end);
  }

 private:
  template <class W>
  static void rows(const RowNormsBackwardParams& p, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* const dw = p.dw + row * p.dw_ld;
      const W* const w = static_cast<const W*>(p.w) + row * p.w_ld;
      F sum = V::set(0.0f);
      for (int64_t k = 0; k < p.K; k += 16) {
        const int64_t n = p.K - k < 16 ? p.K - k : 16;
        sum = V::fma(V::load(w + k, n), V::load(dw + k, n), sum);
      }
      const float r = p.norms[row];
      const F along = V::set(V::sum(sum) * r * r);
      for (int64_t k = 0; k < p.K; k += 16) {
        const int64_t n = p.K - k < 16 ? p.K - k : 16;
        const F change = V::sub(V::load(dw + k, n), V::mul(V::load(w + k, n), along));
        V::store(dw + k, V::mul(V::set(r), change), n);
      }
    }
  }
};

}  // namespace bc::cpu
