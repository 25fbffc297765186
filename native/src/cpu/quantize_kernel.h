// quantize: packs w [N,K] into panels with a scale for each group of 32 columns (quant.h), one
// source for every instruction set.
//
// Method  Lane n is row n of the panel, so 16 groups are searched at once. For a scale s the codes
// are round(w / s),
//         clamped; for given codes q the best scale is sum(c w q) / sum(c q^2), c being the
//         importance of a column, and it removes sum(c w q)^2 / sum(c q^2) from the squared error.
//         Candidates come from the group's extreme value e:
//           q4: s = e / -v for v from 8 down and e / v for v around 7, so that either end of -8..7
//           may hold the extreme q8: s = |e| / v for v around 127
//         The candidate that removes most wins, its least-squares scale is rounded to bf16 and the
//         codes are made anew.
// Bound   Compute: candidates x 6 operations a weight.
#pragma once

#include "../quant.h"
#include "kernels.h"

namespace bc::cpu {

constexpr float kQ4Candidates[] = {-8.0f, -7.7f, -7.4f, -7.1f, -6.8f, -6.4f, -6.0f, -8.4f,
                                   -8.8f, 7.0f,  6.7f,  6.4f,  6.1f,  5.8f,  7.4f,  7.8f};
constexpr float kQ8Candidates[] = {127.0f, 126.5f, 126.0f, 125.0f, 124.0f, 122.0f};

template <class V>
struct Quantize {
  using F = typename V::F;

  template <Type kType>
  static F codes(F w, F inverse) {
    constexpr float low = kType == Type::q8 ? -127.0f : -8.0f;
    constexpr float high = kType == Type::q8 ? 127.0f : 7.0f;
    // A NaN as first operand gives the second: codes stay in range, and the error, which stays NaN,
    // tells.
    return V::max(V::min(V::round(V::mul(w, inverse)), V::set(high)), V::set(low));
  }

  // 1/s, or 0 where s is 0: a group of zeros.
  static F inverse(F s) {
    const F one = V::set(1.0f);
    const F zero = V::set(0.0f);
    const F safe = V::if_greater(V::abs(s), zero, s, one);
    return V::if_greater(V::abs(s), zero, V::div(one, safe), zero);
  }

  // Sixteen groups: w [32][16] column by column, c [32] importances; returns bf16-rounded scales in
  // scale [16].
  template <Type kType>
  static void search(const float* w, const float* c, float* scale) {
    F peak = V::set(0.0f);
    F extreme = V::set(0.0f);
    for (int64_t k = 0; k < kGroup; ++k) {
      const F v = V::load(w + k * kPanel);
      extreme = V::if_greater(V::abs(v), peak, v, extreme);
      peak = V::max(peak, V::abs(v));
    }
    F best_gain = V::set(0.0f);
    F best = V::set(0.0f);
    const auto attempt = [&](float v) {
      const F inverse_scale = inverse(V::mul(extreme, V::set(1.0f / v)));
      F wq = V::set(0.0f);
      F qq = V::set(0.0f);
      for (int64_t k = 0; k < kGroup; ++k) {
        const F value = V::load(w + k * kPanel);
        const F q = codes<kType>(value, inverse_scale);
        const F cq = V::mul(V::set(c[k]), q);
        wq = V::fma(cq, value, wq);
        qq = V::fma(cq, q, qq);
      }
      const F s = V::mul(wq, inverse(qq));
      const F gain = V::mul(wq, s);
      best = V::if_greater(gain, best_gain, s, best);
      best_gain = V::max(gain, best_gain);
    };
    if constexpr (kType == Type::q8) {
      for (const float v : kQ8Candidates) attempt(v);
    } else {
      for (const float v : kQ4Candidates) attempt(v);
    }
    V::store(scale, best);
    for (int64_t n = 0; n < kPanel; ++n) scale[n] = to_float(to_bf16(scale[n]));
  }

  // Writes one packed group; w as above, row i of the panel is `rows` or fewer.
  template <Type kType>
  static void pack(const float* w, const float* scale, uint8_t* out, double* error) {
    float q[kGroup * kPanel];
    const F s = V::load(scale);
    const F inverse_scale = inverse(s);
    F lost = V::set(0.0f);
    F total = V::set(0.0f);
    for (int64_t k = 0; k < kGroup; ++k) {
      const F value = V::load(w + k * kPanel);
      const F code = codes<kType>(value, inverse_scale);
      V::store(q + k * kPanel, code);
      const F difference = V::sub(value, V::mul(code, s));
      lost = V::fma(difference, difference, lost);
      total = V::fma(value, value, total);
    }
    error[0] += static_cast<double>(V::sum(lost));
    error[1] += static_cast<double>(V::sum(total));
    constexpr int64_t values = kType == Type::q8 ? kQ8Values : kQ4Values;
    for (int64_t n = 0; n < kPanel; ++n) {
      const bf16 rounded = to_bf16(scale[n]);
      __builtin_memcpy(out + values + 2 * n, &rounded, 2);
      if constexpr (kType == Type::q8) {
        for (int64_t k = 0; k < kGroup; ++k) {
          out[(k / 4) * 64 + n * 4 + k % 4] =
              static_cast<uint8_t>(static_cast<int32_t>(q[k * kPanel + n]) + 128);
        }
      } else {
        for (int64_t k = 0; k < 16; ++k) {
          const int32_t low = static_cast<int32_t>(q[k * kPanel + n]) + 8;
          const int32_t high = static_cast<int32_t>(q[(k + 16) * kPanel + n]) + 8;
          out[(k / 4) * 64 + n * 4 + k % 4] = static_cast<uint8_t>(low | high << 4);
        }
      }
    }
  }

  template <Type kType>
  static void panels_of(const QuantizeParams& p, int64_t begin, int64_t end, double* error) {
    const int64_t groups = p.K / kGroup;
    float w[kGroup * kPanel];
    float c[kGroup];
    float scale[kPanel];
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
        for (int64_t k = 0; k < kGroup; ++k)
          c[k] = p.importance == nullptr ? 1.0f : p.importance[g * kGroup + k];
        search<kType>(w, c, scale);
        uint8_t* out = static_cast<uint8_t*>(p.out) + (panel * groups + g) * group_bytes(kType);
        pack<kType>(w, scale, out, error);
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
