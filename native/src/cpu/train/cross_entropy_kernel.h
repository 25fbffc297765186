// cross_entropy: loss = log(sum(exp(x))) - x[target]; x becomes (softmax(x) - one_hot(target)) scale, by rows.
//
// Shapes  x [T,V] in place; targets [T], -1 for a row without a loss, which becomes 0; scales, loss [T].
// Method  Three passes over a row: its maximum; exp(x - max) in place and their sum, 64 chains; the quotient.
//         The caller makes the logits of few rows at a time, so that [T,V] never is.
// Bound   Memory: 20TV bytes, while a row of 500 KB is in the second-level cache.
#pragma once

#include "cpu/simd/exp.h"
#include "train.h"

namespace bc::cpu {

template <class V>
struct CrossEntropy {
  using F = typename V::F;

  // Row t. The logarithm of the sum is the caller's: returns the sum, and the maximum.
  static float weigh(const CrossEntropyParams& p, int64_t t, float* most) {
    float* const x = p.x + t * p.x_ld;
    F top = V::set(-__builtin_inff());
    int64_t v = 0;
    for (; v + 16 <= p.V; v += 16) top = V::max(top, V::load(x + v));
    *most = V::largest(top);
    for (; v < p.V; ++v) *most = x[v] > *most ? x[v] : *most;
    const F less = V::set(*most);
    F sums[4] = {V::set(0.0f), V::set(0.0f), V::set(0.0f), V::set(0.0f)};
    const auto vectors = [&](int64_t at, int i) {
      const F e = exp<V>(V::sub(V::load(x + at), less));
      V::store(x + at, e);
      sums[i] = V::add(sums[i], e);
    };
    for (v = 0; v + 64 <= p.V; v += 64) {
      for (int i = 0; i < 4; ++i) vectors(v + 16 * i, i);
    }
    for (; v + 16 <= p.V; v += 16) vectors(v, 0);
    float sum = V::sum(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
    if (v < p.V) {
      float last[16];
      V::store(last, exp<V>(V::sub(V::load(x + v, p.V - v), less)));
      for (int64_t i = 0; i < p.V - v; ++i) sum += x[v + i] = last[i];
    }
    return sum;
  }

  // Row t times a factor, less `scale` at the target.
  static void finish(const CrossEntropyParams& p, int64_t t, float factor) {
    float* const x = p.x + t * p.x_ld;
    const F by = V::set(factor);
    int64_t v = 0;
    for (; v + 16 <= p.V; v += 16) V::store(x + v, V::mul(V::load(x + v), by));
    if (v < p.V) V::store(x + v, V::mul(V::load(x + v, p.V - v), by), p.V - v);
    x[p.targets[t]] -= p.scales[t];
  }
};

}  // namespace bc::cpu
