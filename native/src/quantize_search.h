// quantize: finds the codes and the scale, or grid, of a group of weights. This is one source for the
// CPU, where a vector V has 16 groups, and for kernels, where it has one.
//
// Method  Trial scales (and zeros) give codes. For given codes the scale (and zero) with the least
//         squared error follow in closed form, and so does the part of the squared error that they
//         remove:
//           q8: codes round(w / s); s = sum(wq) / sum(q^2) removes sum(wq)^2 / sum(q^2).
//           q4: codes round(w / s + z); with q' = q - mean(q): s = sum(wq') / sum(q'^2),
//               z = mean(q) - mean(w) / s remove sum(wq')^2 / sum(q'^2) from sum((w - mean)^2).
//         The trial that removes most wins, and its scale is rounded to what can be stored. Which
//         trials there are, and why q4 stretches w first: docs/int4-format.md. Codes of other sizes
//         (BC_CODES) are searched as q4 is, or, in the symmetric form, as q8 is.
//
// V has F, a float for each of its groups, and these functions of F: set, add, sub, mul, div, fma, abs
// and if_greater; min and max, which give the second operand if the first is a NaN; clamp, which gives
// `high` for a NaN; round, to nearest even, for magnitudes up to 2^22; map, a function of each float.
#pragma once

#include "quant.h"

// Under nvcc only kernels call the search, because V's functions are theirs; tables are in constant
// memory.
#ifdef __CUDACC__
#define BC_IN_KERNEL __device__ __forceinline__
#define BC_CONSTANT __constant__
#else
#define BC_IN_KERNEL
#define BC_CONSTANT
#endif

namespace bc {

BC_CONSTANT constexpr float kQ8Trials[] = {127.0f, 126.5f, 126.0f, 125.0f, 124.0f, 122.0f};
// Shrinks are factors of the range, shifts are parts of a step. These trials leave as little error
// as a full search of 49 in two rounds (7.1 % on normal numbers) in 0.37 of its time (EPYC Zen 3,
// 2026-11-24).
BC_CONSTANT constexpr float kQ4Shrinks[] = {0.98f, 0.9f, 0.82f};
BC_CONSTANT constexpr float kQ4Shifts[] = {-0.75f, -0.25f, 0.25f, 0.75f};
BC_CONSTANT constexpr float kQ4FinerShrinks[] = {-0.04f, 0.0f, 0.04f};
BC_CONSTANT constexpr float kQ4FinerShifts[] = {-0.25f, -0.125f, 0.0f, 0.125f, 0.25f};
constexpr float kInfinity = __builtin_inff();

// What is known of a group and its codes, for q4 when compiling.
struct Q4Shape {
  static constexpr int64_t count = kGroup;  // weights
  static constexpr float top = 15.0f;       // the largest code
  static constexpr float most_zero = kGridZeroMax;
};

template <class V>
struct QuantizeSearch {
  using F = typename V::F;

  // w is about scale (q - zero); q8 has zero = 0.
  struct Grid {
    F scale, zero;
  };
  // What is stored: the grid, and the codes of w times stretch.
  struct Fit {
    Grid grid;
    F stretch;
  };
  // Sums of squares over each group: of what is lost of w, and of w.
  struct Squares {
    F lost, total;
  };

  // A NaN gets the largest code, so that codes stay in range; the error is NaN then, which shows it.
  static BC_IN_KERNEL F q8_codes(F w, F inverse) {
    return V::round(V::clamp(V::mul(w, inverse), V::set(-127.0f), V::set(127.0f)));
  }
  static BC_IN_KERNEL F codes(F w, F inverse, F zero, float top) {
    return V::round(V::clamp(V::fma(w, inverse, zero), V::set(0.0f), V::set(top)));
  }

  // a / b, or 0 if b is not above 0.
  static BC_IN_KERNEL F ratio(F a, F b) {
    const F zero = V::set(0.0f);
    return V::if_greater(b, zero, V::div(a, V::if_greater(b, zero, b, V::set(1.0f))), zero);
  }

  // 1 / s, or 0 for 0.
  static BC_IN_KERNEL F inverse_of(F s) {
    const F zero = V::set(0.0f);
    const F one = V::set(1.0f);
    const F size = V::abs(s);
    return V::if_greater(size, zero, V::div(one, V::if_greater(size, zero, s, one)), zero);
  }

  static BC_IN_KERNEL F sum_of(const F* w, int64_t count) {
    F sum = V::set(0.0f);
    for (int64_t k = 0; k < count; ++k) sum = V::add(sum, w[k]);
    return sum;
  }

  static BC_IN_KERNEL Grid search_q8(const F (&w)[kGroup]) {
    F peak = V::set(0.0f);
    for (int64_t k = 0; k < kGroup; ++k) peak = V::max(peak, V::abs(w[k]));
    F best_gain = V::set(0.0f);
    F best = V::set(0.0f);
    for (const float v : kQ8Trials) {
      const F inverse = ratio(V::set(v), peak);
      F wq = V::set(0.0f);
      F qq = V::set(0.0f);
      for (int64_t k = 0; k < kGroup; ++k) {
        const F q = q8_codes(w[k], inverse);
        wq = V::fma(q, w[k], wq);
        qq = V::fma(q, q, qq);
      }
      const F s = ratio(wq, qq);
      const F gain = V::mul(wq, s);
      best = V::if_greater(gain, best_gain, s, best);
      best_gain = V::max(gain, best_gain);
    }
    return {V::map(best, [](float s) { return to_float(to_bf16(s)); }), V::set(0.0f)};
  }

  // A trial for each group.
  struct Trial {
    F shrink, shift;
  };

  // The best trial around a start. `grid` gets its scale and zero: those of least squares, not yet
  // rounded to what grids hold.
  template <class Shape, int kShrinks, int kShifts>
  static BC_IN_KERNEL Trial search_grid(const F* w, const Shape& shape, Trial start,
                                        const float (&shrinks)[kShrinks],
                                        const float (&shifts)[kShifts], Grid& grid) {
    const float part = 1.0f / static_cast<float>(shape.count);
    F low = V::set(0.0f);
    F high = V::set(0.0f);
    for (int64_t k = 0; k < shape.count; ++k) {
      low = V::min(low, w[k]);
      high = V::max(high, w[k]);
    }
    const F mean = V::mul(sum_of(w, shape.count), V::set(part));
    const F range = V::sub(high, low);
    const F middle = V::mul(V::add(high, low), V::set(0.5f));
    Trial best = start;
    F best_gain = V::set(0.0f);
    grid.scale = V::mul(range, V::set(1.0f / shape.top));
    grid.zero = ratio(V::sub(V::set(0.0f), low), grid.scale);
    for (const float by : shrinks) {
      const F shrink = V::add(start.shrink, V::set(by));
      const F inverse = ratio(V::set(shape.top), V::mul(range, shrink));
      const F centre = V::sub(V::set(0.5f * shape.top), V::mul(middle, inverse));
      for (const float further : shifts) {
        const F shift = V::add(start.shift, V::set(further));
        const F zero = V::add(centre, shift);
        F q1 = V::set(0.0f);
        F q2 = V::set(0.0f);
        F wq = V::set(0.0f);
        for (int64_t k = 0; k < shape.count; ++k) {
          const F q = codes(w[k], inverse, zero, shape.top);
          q1 = V::add(q1, q);
          q2 = V::fma(q, q, q2);
          wq = V::fma(q, w[k], wq);
        }
        const F mean_q = V::mul(q1, V::set(part));
        const F covariance = V::sub(wq, V::mul(mean, q1));
        const F s = ratio(covariance, V::sub(q2, V::mul(mean_q, q1)));
        const F fitted_zero = V::sub(mean_q, ratio(mean, s));
        F gain = V::mul(covariance, s);
        gain = V::if_greater(V::set(0.0f), fitted_zero, V::set(0.0f), gain);  // no grid holds z
        gain = V::if_greater(fitted_zero, V::set(shape.most_zero), V::set(0.0f), gain);
        best.shrink = V::if_greater(gain, best_gain, shrink, best.shrink);
        best.shift = V::if_greater(gain, best_gain, shift, best.shift);
        grid.scale = V::if_greater(gain, best_gain, s, grid.scale);
        grid.zero = V::if_greater(gain, best_gain, fitted_zero, grid.zero);
        best_gain = V::max(gain, best_gain);
      }
    }
    return best;
  }

  // Calls take(k, code) with the code of w[k] times stretch, for each of count columns k.
  template <class Code, class Take>
  static BC_IN_KERNEL Squares encode(const F* w, int64_t count, const Grid& grid, F stretch,
                                     Code&& code_of, Take&& take) {
    const F inverse = V::mul(inverse_of(grid.scale), stretch);
    Squares sum = {V::set(0.0f), V::set(0.0f)};
    for (int64_t k = 0; k < count; ++k) {
      const F code = code_of(w[k], inverse);
      take(k, code);
      const F difference = V::sub(w[k], V::mul(V::sub(code, grid.zero), grid.scale));
      sum.lost = V::fma(difference, difference, sum.lost);
      sum.total = V::fma(w[k], w[k], sum.total);
    }
    return sum;
  }
  template <class Shape, class Take>
  static BC_IN_KERNEL Squares encode_grid(const F* w, const Shape& shape, const Grid& grid,
                                          F stretch, Take&& take) {
    return encode(
        w, shape.count, grid, stretch,
        [&](F x, F inverse) { return codes(x, inverse, grid.zero, shape.top); }, take);
  }
  template <Type kType, class Take>
  static BC_IN_KERNEL Squares encode(const F (&w)[kGroup], const Grid& grid, F stretch,
                                     Take&& take) {
    if constexpr (kType == Type::q4) {
      return encode_grid(w, Q4Shape{}, grid, stretch, take);
    } else {
      return encode(w, kGroup, grid, stretch, q8_codes, take);
    }
  }

  // What a grid can hold.
  struct GridRounding {
    static BC_IN_KERNEL Grid smallest() { return {V::set(kGridSmallest), V::set(0.0f)}; }
    static BC_IN_KERNEL F scale(F s, bool up) {
      return V::map(s, [up](float of_group) { return grid_scale(of_group, up); });
    }
    static BC_IN_KERNEL F zero(F z, F) {
      const F steps =
          V::clamp(V::mul(z, V::set(kGridZeros)), V::set(0.0f), V::set(kGridZeros * kGridZeroMax));
      return V::mul(V::round(steps), V::set(1.0f / kGridZeros));
    }
  };

  // The scale and zero to store. Tried are the scales below and above the fitted one, each with the
  // zero rounded, and with a zero made anew for the codes that this gives. The pair that loses least
  // wins.
  template <class Shape, class Rounding>
  static BC_IN_KERNEL Grid round_grid(const F* w, const Shape& shape, const Rounding& rounding,
                                      const Grid& fitted) {
    const float part = 1.0f / static_cast<float>(shape.count);
    const F mean = V::mul(sum_of(w, shape.count), V::set(part));
    // In a group with a NaN no pair compares as better than this one; its error shows the NaN.
    Grid best = rounding.smallest();
    F least = V::set(kInfinity);
    for (int up = 0; up < 2; ++up) {
      const F scale = rounding.scale(fitted.scale, up != 0);
      F zero = fitted.zero;
      for (int pass = 0; pass < 2; ++pass) {
        zero = rounding.zero(zero, scale);
        F sum = V::set(0.0f);
        const F lost = encode_grid(w, shape, {scale, zero}, V::set(1.0f), [&](int64_t, F code) {
                         sum = V::add(sum, code);
                       }).lost;
        best.scale = V::if_greater(least, lost, scale, best.scale);
        best.zero = V::if_greater(least, lost, zero, best.zero);
        least = V::min(lost, least);
        zero = V::sub(V::mul(sum, V::set(part)), V::div(mean, scale));
      }
    }
    return best;
  }

  // The grid of codes of w stretched by what least squares takes off. `memory` has room for w.
  template <class Shape, class Rounding, int kShrinks>
  static BC_IN_KERNEL Fit fit_grid(const F* w, const Shape& shape, const Rounding& rounding,
                                   const float (&shrinks)[kShrinks], F* memory) {
    const F one = V::set(1.0f);
    Grid grid;
    const Trial none = {V::set(0.0f), V::set(0.0f)};
    const Trial coarse = search_grid(w, shape, none, shrinks, kQ4Shifts, grid);
    const Squares sum = encode_grid(w, shape, grid, one, [](int64_t, F) {});
    const F stretch = V::add(one, ratio(sum.lost, sum.total));
    for (int64_t k = 0; k < shape.count; ++k) memory[k] = V::mul(w[k], stretch);
    search_grid(memory, shape, coarse, kQ4FinerShrinks, kQ4FinerShifts, grid);
    return {round_grid(memory, shape, rounding, grid), stretch};
  }

  template <Type kType>
  static BC_IN_KERNEL Fit fit(const F (&w)[kGroup]) {
    if constexpr (kType == Type::q8) {
      return {search_q8(w), V::set(1.0f)};
    } else {
      F stretched[kGroup];
      return fit_grid(w, Q4Shape{}, GridRounding{}, kQ4Shrinks, stretched);
    }
  }
};

}  // namespace bc
