// quantize: packs w [N,K] into panels with a scale, or a grid, for each group of 32 columns
// (quant.h), one source for every instruction set.
//
// Method  Lane n is row n of the panel, so 16 groups are searched at once. Codes come from a trial
//         scale (and zero); for given codes the scale (and zero) with the least squared error
//         follow in closed form, and so does the part of the squared error that they remove:
//           q8: codes round(w / s); s = sum(wq) / sum(q^2) removes sum(wq)^2 / sum(q^2).
//               Trials: the largest magnitude over v for v around 127.
//           q4: codes round(w / s + z); with q' = q - mean(q): s = sum(wq') / sum(q'^2),
//               z = mean(q) - mean(w) / s remove sum(wq')^2 / sum(q'^2) from sum((w - mean)^2).
//               Trials: the range of the group (zero included) shrunk and shifted, coarsely, then
//               finer around the best of each group.
//         The trial that removes most wins. Its scale is rounded to what is stored, for q4 both
//         down and up, and of those the one with the least squared error is kept.
//         Least squares shrinks: what q4 keeps of w falls short of it by the squared error, half a
//         percent, and so would what every layer adds. So the finer trials, and the codes, are
//         those of w stretched by that.
// Bound   Compute: trials (q8 6, q4 32) x 7 operations a weight.
#pragma once

#include "../quant.h"
#include "kernels.h"

namespace bc::cpu {

constexpr float kQ8Trials[] = {127.0f, 126.5f, 126.0f, 125.0f, 124.0f, 122.0f};
// Shrinks are factors of the range, shifts are parts of a step. These trials leave as little error as
// a full search of 49 in two rounds (7.1 % on normal numbers) in 0.37 of its time (EPYC Zen 3,
// 2026-11-24).
constexpr float kQ4Shrinks[] = {0.98f, 0.9f, 0.82f};
constexpr float kQ4Shifts[] = {-0.75f, -0.25f, 0.25f, 0.75f};
constexpr float kQ4FinerShrinks[] = {-0.04f, 0.0f, 0.04f};
constexpr float kQ4FinerShifts[] = {-0.25f, -0.125f, 0.0f, 0.125f, 0.25f};

template <class V>
struct Quantize {
  using F = typename V::F;

  // Scale and zero of the panel's 16 groups; q8 has zero = 0.
  struct Lanes {
    float scale[kPanel];
    float zero[kPanel];
  };

  // A NaN as first operand gives the second: codes stay in range, and the error, which stays NaN,
  // tells.
  static F clamp(F x, F low, F high) { return V::max(V::min(x, high), low); }

  template <Type kType>
  static F codes(F w, F inverse, F zero) {
    if constexpr (kType == Type::q8) {
      return clamp(V::round(V::mul(w, inverse)), V::set(-127.0f), V::set(127.0f));
    } else {
      return clamp(V::round(V::fma(w, inverse, zero)), V::set(0.0f), V::set(15.0f));
    }
  }

  // a / b, or 0 where b is not above 0.
  static F ratio(F a, F b) {
    const F zero = V::set(0.0f);
    return V::if_greater(b, zero, V::div(a, V::if_greater(b, zero, b, V::set(1.0f))), zero);
  }

  // Sixteen groups: w [32][16] column by column.
  static void search_q8(const float* w, Lanes& lanes) {
    F peak = V::set(0.0f);
    for (int64_t k = 0; k < kGroup; ++k) peak = V::max(peak, V::abs(V::load(w + k * kPanel)));
    F best_gain = V::set(0.0f);
    F best = V::set(0.0f);
    for (const float v : kQ8Trials) {
      const F inverse = ratio(V::set(v), peak);
      F wq = V::set(0.0f);
      F qq = V::set(0.0f);
      for (int64_t k = 0; k < kGroup; ++k) {
        const F value = V::load(w + k * kPanel);
        const F q = codes<Type::q8>(value, inverse, wq);
        wq = V::fma(q, value, wq);
        qq = V::fma(q, q, qq);
      }
      const F s = ratio(wq, qq);
      const F gain = V::mul(wq, s);
      best = V::if_greater(gain, best_gain, s, best);
      best_gain = V::max(gain, best_gain);
    }
    V::store(lanes.scale, best);
    for (int64_t n = 0; n < kPanel; ++n) {
      lanes.scale[n] = to_float(to_bf16(lanes.scale[n]));
      lanes.zero[n] = 0.0f;
    }
  }

  // A trial of each lane.
  struct Trial {
    F shrink, shift;
  };

  // The best trial around a start; lanes get its scales and zeros, which are those of least squares
  // and not yet what grids hold.
  template <int kShrinks, int kShifts>
  static Trial search_q4(const float* w, Trial start, const float (&shrinks)[kShrinks],
                         const float (&shifts)[kShifts], Lanes& lanes) {
    F low = V::set(0.0f);
    F high = V::set(0.0f);
    F sum = V::set(0.0f);
    for (int64_t k = 0; k < kGroup; ++k) {
      const F value = V::load(w + k * kPanel);
      low = V::min(low, value);
      high = V::max(high, value);
      sum = V::add(sum, value);
    }
    const F mean = V::mul(sum, V::set(1.0f / kGroup));
    const F range = V::sub(high, low);
    const F middle = V::mul(V::add(high, low), V::set(0.5f));
    Trial best = start;
    F best_gain = V::set(0.0f);
    F best_scale = V::mul(range, V::set(1.0f / 15.0f));
    F best_zero = ratio(V::sub(V::set(0.0f), low), best_scale);
    for (const float by : shrinks) {
      const F shrink = V::add(start.shrink, V::set(by));
      const F inverse = ratio(V::set(15.0f), V::mul(range, shrink));
      const F centre = V::sub(V::set(7.5f), V::mul(middle, inverse));
      for (const float further : shifts) {
        const F shift = V::add(start.shift, V::set(further));
        const F zero = V::add(centre, shift);
        F q1 = V::set(0.0f);
        F q2 = V::set(0.0f);
        F wq = V::set(0.0f);
        for (int64_t k = 0; k < kGroup; ++k) {
          const F value = V::load(w + k * kPanel);
          const F q = codes<Type::q4>(value, inverse, zero);
          q1 = V::add(q1, q);
          q2 = V::fma(q, q, q2);
          wq = V::fma(q, value, wq);
        }
        const F mean_q = V::mul(q1, V::set(1.0f / kGroup));
        const F covariance = V::sub(wq, V::mul(mean, q1));
        const F s = ratio(covariance, V::sub(q2, V::mul(mean_q, q1)));
        const F fitted_zero = V::sub(mean_q, ratio(mean, s));
        F gain = V::mul(covariance, s);
        gain = V::if_greater(V::set(0.0f), fitted_zero, V::set(0.0f), gain);  // z is not in a grid
        gain = V::if_greater(fitted_zero, V::set(kGridZeroMax), V::set(0.0f), gain);
        best.shrink = V::if_greater(gain, best_gain, shrink, best.shrink);
        best.shift = V::if_greater(gain, best_gain, shift, best.shift);
        best_scale = V::if_greater(gain, best_gain, s, best_scale);
        best_zero = V::if_greater(gain, best_gain, fitted_zero, best_zero);
        best_gain = V::max(gain, best_gain);
      }
    }
    V::store(lanes.scale, best_scale);
    V::store(lanes.zero, best_zero);
    return best;
  }

  // What is lost of w and all of it: squares, summed over each group.
  struct Squares {
    F lost, total;
  };

  // The codes q [32][16] of w times stretch.
  template <Type kType>
  static Squares encode(const float* w, const Lanes& lanes, F stretch, float* q) {
    const F scale = V::load(lanes.scale);
    const F zero = V::load(lanes.zero);
    const F inverse = V::mul(ratio(V::set(1.0f), scale), stretch);
    Squares sum = {V::set(0.0f), V::set(0.0f)};
    for (int64_t k = 0; k < kGroup; ++k) {
      const F value = V::load(w + k * kPanel);
      const F code = codes<kType>(value, inverse, zero);
      V::store(q + k * kPanel, code);
      const F difference = V::sub(value, V::mul(V::sub(code, zero), scale));
      sum.lost = V::fma(difference, difference, sum.lost);
      sum.total = V::fma(value, value, sum.total);
    }
    return sum;
  }

  // Rounds scales and zeros to what grids hold: of the scales below and above, and of the zeros
  // rounded and made anew for the codes that these give, the pair that loses least.
  static void round_q4(const float* w, Lanes& lanes) {
    const Lanes fitted = lanes;
    F mean = V::set(0.0f);
    for (int64_t k = 0; k < kGroup; ++k) mean = V::add(mean, V::load(w + k * kPanel));
    mean = V::mul(mean, V::set(1.0f / kGroup));
    // Of a group with a NaN no pair is better than this one; its error tells.
    V::store(lanes.scale, V::set(kGridSmallest));
    V::store(lanes.zero, V::set(0.0f));
    F least = V::set(__builtin_inff());
    for (const bool up : {false, true}) {
      Lanes trial = fitted;
      for (float& s : trial.scale) s = grid_scale(s, up);
      for (int pass = 0; pass < 2; ++pass) {
        const F steps = V::round(V::mul(V::load(trial.zero), V::set(kGridZeros)));
        const F zero = V::mul(clamp(steps, V::set(0.0f), V::set(kGridZeros * kGridZeroMax)),
                              V::set(1.0f / kGridZeros));
        V::store(trial.zero, zero);
        float q[kGroup * kPanel];
        const F lost = encode<Type::q4>(w, trial, V::set(1.0f), q).lost;
        const F scale = V::load(trial.scale);
        V::store(lanes.scale, V::if_greater(least, lost, scale, V::load(lanes.scale)));
        V::store(lanes.zero, V::if_greater(least, lost, zero, V::load(lanes.zero)));
        least = V::min(lost, least);
        F sum = V::set(0.0f);
        for (int64_t k = 0; k < kGroup; ++k) sum = V::add(sum, V::load(q + k * kPanel));
        V::store(trial.zero, V::sub(V::mul(sum, V::set(1.0f / kGroup)), V::div(mean, scale)));
      }
    }
  }

  // Finds the lanes for w; the codes are to be made of w times the result.
  template <Type kType>
  static F fit(const float* w, Lanes& lanes) {
    const F one = V::set(1.0f);
    if constexpr (kType == Type::q8) {
      search_q8(w, lanes);
      return one;
    } else {
      float other[kGroup * kPanel];
      const Trial none = {V::set(0.0f), V::set(0.0f)};
      const Trial coarse = search_q4(w, none, kQ4Shrinks, kQ4Shifts, lanes);
      const Squares sum = encode<kType>(w, lanes, one, other);
      const F stretch = V::add(one, ratio(sum.lost, sum.total));
      for (int64_t k = 0; k < kGroup; ++k) {
        V::store(other + k * kPanel, V::mul(V::load(w + k * kPanel), stretch));
      }
      search_q4(other, coarse, kQ4FinerShrinks, kQ4FinerShifts, lanes);
      round_q4(other, lanes);
      return stretch;
    }
  }

  // Writes one packed group; adds what is lost and all of it to error.
  template <Type kType>
  static void pack(const float* w, const Lanes& lanes, F stretch, uint8_t* out, double* error) {
    float q[kGroup * kPanel];
    const Squares sum = encode<kType>(w, lanes, stretch, q);
    error[0] += static_cast<double>(V::sum(sum.lost));
    error[1] += static_cast<double>(V::sum(sum.total));
    constexpr int64_t values = kType == Type::q8 ? kQ8Values : kQ4Values;
    for (int64_t n = 0; n < kPanel; ++n) {
      const uint16_t bits = kType == Type::q8 ? to_bf16(lanes.scale[n]).bits
                                              : bits_of(Q4Grid{lanes.scale[n], lanes.zero[n]});
      __builtin_memcpy(out + values + 2 * n, &bits, 2);
      const auto code = [&](int64_t k) { return static_cast<int32_t>(q[k * kPanel + n]); };
      for (int64_t k = 0; k < values / kPanel; ++k) {
        const int32_t byte = kType == Type::q8 ? code(k) + 128 : code(k) | code(k + 16) << 4;
        out[(k / 4) * 64 + n * 4 + k % 4] = static_cast<uint8_t>(byte);
      }
    }
  }

  template <Type kType>
  static void panels_of(const QuantizeParams& p, int64_t begin, int64_t end, double* error) {
    const int64_t groups = p.K / kGroup;
    float w[kGroup * kPanel];
    Lanes lanes;
    for (int64_t panel = begin; panel < end; ++panel) {
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t n = 0; n < kPanel; ++n) {
          const int64_t row = panel * kPanel + n;
          const float factor = row < p.N && p.row_scale != nullptr ? p.row_scale[row] : 1.0f;
          for (int64_t k = 0; k < kGroup; ++k) {
            w[k * kPanel + n] =
                row < p.N ? float_at(p.w, p.w_type, row * p.w_ld + g * kGroup + k) * factor : 0.0f;
          }
        }
        const F stretch = fit<kType>(w, lanes);
        uint8_t* out = static_cast<uint8_t*>(p.out) + (panel * groups + g) * group_bytes(kType);
        pack<kType>(w, lanes, stretch, out, error);
      }
    }
  }

  static void run(const QuantizeParams& p, int64_t begin, int64_t end, double* error) {
    if (p.out_type == Type::q8) {
      panels_of<Type::q8>(p, begin, end, error);
    } else {
      panels_of<Type::q4>(p, begin, end, error);
    }
  }
};

}  // namespace bc::cpu
