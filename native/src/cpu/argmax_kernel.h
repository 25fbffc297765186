// argmax: index of the largest number of each row, ties by lower index. A NaN counts as above every
// number, so that none goes unseen.
//
// Shapes  x [T,V]; ids [T].
// Method  Pass 1 finds the largest number and whether there is a NaN; pass 2 the first index.
// Bound   Memory: 4TV bytes.
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct Argmax {
  using F = typename V::F;

  static int32_t first_largest(const float* x, int64_t n) {
    // max(x, best): where x is a NaN the second operand stays.
    F best[4];
    for (F& b : best) b = V::set(-__builtin_inff());
    bool nan = false;
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
      for (int j = 0; j < 4; ++j) {
        const F block = V::load(x + i + 16 * j);
        nan |= V::any_above(block, block);
        best[j] = V::max(block, best[j]);
      }
    }
    float largest = V::largest(V::max(V::max(best[0], best[1]), V::max(best[2], best[3])));
    for (; i < n; ++i) {
      nan |= x[i] != x[i];
      largest = x[i] > largest ? x[i] : largest;
    }
    i = 0;
    while (i + 1 < n && (nan ? x[i] == x[i] : x[i] != largest)) ++i;
    return static_cast<int32_t>(i);
  }

  static void run(const ArgmaxParams& p, int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) p.ids[t] = first_largest(p.x + t * p.x_ld, p.V);
  }
};

}  // namespace bc::cpu
