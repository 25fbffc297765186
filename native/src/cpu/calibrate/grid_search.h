// Scale and zero of a group of weights whose columns matter in different degrees, sixteen rows at once.
//
// Method  As in quantize_search.h, with a weight d for each column, the diagonal of the second moments, so
//         that sums over columns are sums of d times their terms: trial scales and zeros give codes, and for given
//         codes the least weighted squared error has, with m(x) = sum(d x) / sum(d) and q' = q - m(q),
//           s = sum(d w q') / sum(d q'^2), z = m(q) - m(w) / s,
//         which removes sum(d w q')^2 / sum(d q'^2). The best trial is rounded to what a grid holds (quant.h).
#pragma once

#include "quant.h"

namespace bc::cpu {

constexpr int64_t kMostColumns = 128;  // of a group

template <class V>
struct GridSearch {
  using F = typename V::F;

  struct Grid {
    F scale, zero;
  };

  const F* w;            // [columns]
  const float* degrees;  // [columns]
  int64_t columns;
  F top;  // the largest code
  F mean, total;

  GridSearch(const F* weights, const float* of_columns, int64_t count, float largest)
      : w(weights), degrees(of_columns), columns(count), top(V::set(largest)) {
    float sum = 0.0f;
    F weighted = V::set(0.0f);
    for (int64_t k = 0; k < columns; ++k) {
      sum += degrees[k];
      weighted = V::fma(V::set(degrees[k]), w[k], weighted);
    }
    total = V::set(sum);
    mean = V::div(weighted, total);
  }

  static F clamp(F x, F low, F high) { return V::max(V::min(x, high), low); }
  static F ratio(F a, F b) {
    const F zero = V::set(0.0f);
    return V::if_greater(b, zero, V::div(a, V::if_greater(b, zero, b, V::set(1.0f))), zero);
  }
  static F grid_zero(F zero) {
    const F steps =
        clamp(V::mul(zero, V::set(kGridZeros)), V::set(0.0f), V::set(kGridZeros * kGridZeroMax));
    return V::mul(V::round(steps), V::set(1.0f / kGridZeros));
  }
  static F grid_scale_of(F scale, bool up) {
    float lanes[kPanel];
    V::store(lanes, scale);
    for (float& lane : lanes) lane = grid_scale(lane, up);
    return V::load(lanes);
  }

  F code(F x, F inverse, F zero) const {
    return V::round(clamp(V::fma(x, inverse, zero), V::set(0.0f), top));
  }

  struct Best {
    F gain, scale, zero, shrink, shift;
  };

  void trial(F range, F middle, F shrink, F shift, Best& best) const {
    const F inverse = ratio(top, V::mul(range, shrink));
    const F zero = V::add(V::sub(V::mul(top, V::set(0.5f)), V::mul(middle, inverse)), shift);
    F q1 = V::set(0.0f);
    F q2 = V::set(0.0f);
    F wq = V::set(0.0f);
    for (int64_t k = 0; k < columns; ++k) {
      const F q = code(w[k], inverse, zero);
      const F dq = V::mul(V::set(degrees[k]), q);
      q1 = V::add(q1, dq);
      q2 = V::fma(dq, q, q2);
      wq = V::fma(dq, w[k], wq);
    }
    const F mean_q = V::div(q1, total);
    const F covariance = V::sub(wq, V::mul(mean, q1));
    const F scale = ratio(covariance, V::sub(q2, V::mul(mean_q, q1)));
    const F fitted = V::sub(mean_q, ratio(mean, scale));
    F gain = V::mul(covariance, scale);
    gain = V::if_greater(V::set(0.0f), fitted, V::set(0.0f), gain);  // no grid holds the zero
    gain = V::if_greater(fitted, V::set(kGridZeroMax), V::set(0.0f), gain);
    best.scale = V::if_greater(gain, best.gain, scale, best.scale);
    best.zero = V::if_greater(gain, best.gain, fitted, best.zero);
    best.shrink = V::if_greater(gain, best.gain, shrink, best.shrink);
    best.shift = V::if_greater(gain, best.gain, shift, best.shift);
    best.gain = V::max(gain, best.gain);
  }

  // Shrinks are factors of the group's range, zero included; shifts are parts of a step. Fewer codes gain by
  // giving up more of the range.
  Grid find() const {
    F low = V::set(0.0f);
    F high = V::set(0.0f);
    for (int64_t k = 0; k < columns; ++k) {
      low = V::min(low, w[k]);
      high = V::max(high, w[k]);
    }
    const F range = V::sub(high, low);
    const F middle = V::mul(V::add(high, low), V::set(0.5f));
    const F start = ratio(range, top);
    Best best = {V::set(0.0f), start, ratio(V::sub(V::set(0.0f), low), start), V::set(1.0f),
                 V::set(0.0f)};
    for (const float shrink : {1.0f, 0.92f, 0.84f, 0.76f, 0.68f, 0.6f}) {
      for (const float shift : {-0.5f, -0.25f, 0.0f, 0.25f, 0.5f})
        trial(range, middle, V::set(shrink), V::set(shift), best);
    }
    const F shrink = best.shrink;
    const F shift = best.shift;
    for (const float finer : {-0.04f, 0.0f, 0.04f}) {
      for (const float further : {-0.125f, 0.0f, 0.125f}) {
        trial(range, middle, V::add(shrink, V::set(finer)), V::add(shift, V::set(further)), best);
      }
    }
    return rounded({best.scale, best.zero});
  }

  // Tried are the scales below and above, each with the zero rounded and with a zero made anew for the codes
  // that this gives.
  Grid rounded(const Grid& fitted) const {
    Grid best = {V::set(kGridSmallest), V::set(0.0f)};
    F least = V::set(__builtin_inff());
    for (int up = 0; up < 2; ++up) {
      const F scale = grid_scale_of(fitted.scale, up != 0);
      const F inverse = V::div(V::set(1.0f), scale);
      F zero = fitted.zero;
      for (int pass = 0; pass < 2; ++pass) {
        zero = grid_zero(zero);
        F sum = V::set(0.0f);
        F lost = V::set(0.0f);
        for (int64_t k = 0; k < columns; ++k) {
          const F d = V::set(degrees[k]);
          const F q = code(w[k], inverse, zero);
          const F difference = V::sub(w[k], V::mul(V::sub(q, zero), scale));
          sum = V::fma(d, q, sum);
          lost = V::fma(V::mul(d, difference), difference, lost);
        }
        best.scale = V::if_greater(least, lost, scale, best.scale);
        best.zero = V::if_greater(least, lost, zero, best.zero);
        least = V::min(lost, least);
        zero = V::sub(V::div(sum, total), V::mul(mean, inverse));
      }
    }
    return best;
  }
};

}  // namespace bc::cpu
