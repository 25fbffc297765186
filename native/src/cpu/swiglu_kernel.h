// swiglu: out[t,f] = gate[t,f] / (1 + exp(-gate[t,f])) * up[t,f]
//
// Shapes  gate, up, out [T,F]; out may be gate or up.
// Method  One pass; exp as in exp.h.
// Bound   Memory: 12TF bytes.
// Source  Shazeer 2020, arXiv:2002.05202
#pragma once

#include "cpu/simd/exp.h"
#include "ops.h"

namespace bc::cpu {

template <class V>
struct Swiglu {
  using F = typename V::F;

  static F gated(F gate, F up) {
    const F below = V::add(V::set(1.0f), exp<V>(V::sub(V::set(0.0f), gate)));
    return V::mul(V::div(gate, below), up);
  }

  static void run(const SwigluParams& p, int64_t token, int64_t begin, int64_t end) {
    const float* gate = static_cast<const float*>(p.gate) + token * p.gate_ld;
    const float* up = static_cast<const float*>(p.up) + token * p.up_ld;
    float* out = static_cast<float*>(p.out) + token * p.out_ld;
    int64_t f = begin;
    for (; f + 16 <= end; f += 16) V::store(out + f, gated(V::load(gate + f), V::load(up + f)));
    if (f < end)
      V::store(out + f, gated(V::load(gate + f, end - f), V::load(up + f, end - f)), end - f);
  }
};

}  // namespace bc::cpu
