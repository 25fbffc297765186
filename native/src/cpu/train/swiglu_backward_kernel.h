// swiglu_backward: with s = 1 / (1 + exp(-gate)) and y = gate s up,
//   dgate = dy up s (1 + gate (1 - s))          dup = dy gate s
//
// Shapes  all [T,F]; dgate and dup may be what they are made of.
// Method  One pass; exp as in exp.h. Where exp(-gate) overflows, s is 0 and so are both.
// Bound   Memory: 20TF bytes.
// Source  Shazeer 2020, arXiv:2002.05202
#pragma once

#include "cpu/simd/exp.h"
#include "train.h"

namespace bc::cpu {

template <class V>
struct SwigluBackward {
  using F = typename V::F;

  static void run(const SwigluBackwardParams& p, int64_t token, int64_t begin, int64_t end) {
    const F one = V::set(1.0f);
    for (int64_t f = begin; f < end; f += 16) {
      const int64_t n = end - f < 16 ? end - f : 16;
      const F gate = V::load(p.gate + token * p.gate_ld + f, n);
      const F up = V::load(p.up + token * p.up_ld + f, n);
      const F dy = V::load(p.dy + token * p.dy_ld + f, n);
      const F e = exp<V>(V::sub(V::set(0.0f), gate));
      const F s = V::div(one, V::add(one, e));
      // 1 - s without cancellation: exp(-gate) s, of which exp may be infinite where s is 0.
      const F rest = V::min(one, V::mul(V::min(e, V::set(1e38f)), s));
      const F slope = V::mul(s, V::fma(gate, rest, one));
      V::store(p.dgate + token * p.dgate_ld + f, V::mul(V::mul(dy, up), slope), n);
      V::store(p.dup + token * p.dup_ld + f, V::mul(dy, V::mul(gate, s)), n);
    }
  }
};

}  // namespace bc::cpu
