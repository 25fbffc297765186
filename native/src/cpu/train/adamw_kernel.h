// adamw: one step for a block of at most kStateBlock elements (AdamwStep in train.h has the formula).
//
// Method  Sixteen elements at a time; what a block decodes of states of 8 bits stays in registers and 2 KB.
//         States of 8 bits have a scale for each block, the largest magnitude P in it: m = P sign(c) (c/127)^2
//         for c in -127..127, v = P (c/254)^4 for c in 0..254, since a step needs the smallest numbers of a
//         block to the same share of themselves, not of P. The code is one of the two neighbours, at random
//         so that the mean is the number: rounded to the nearest one a v that loses a thousandth a step would
//         never change. A v above 0 never becomes 0, which would divide by eps.
//         Weights in bf16 are rounded so as well. Random numbers follow from the seed and the index of the
//         element, so that they do not depend on threads.
// Bound   Memory: 28 bytes an element with weights and states in f32, 12 with both small; 2 for a copy.
// Source  Loshchilov and Hutter 2019, arXiv:1711.05101; states of 8 bits in blocks: Dettmers et al. 2022,
//         arXiv:2110.02861; stochastic rounding of weights: Gupta et al. 2015, arXiv:1502.02551
#pragma once

#include "random.h"
#include "train.h"

namespace bc::cpu {

template <class V>
struct Adamw {
  using F = typename V::F;

  static constexpr float kSteps = 127.0f;
  static constexpr float kVSteps = 254.0f;

  // 2^-16 times whole numbers, for 16 elements from i on; stream makes several of them independent.
  struct Uniform {
    uint16_t bits[16];

    Uniform(uint64_t seed, uint64_t i, uint64_t stream) {
      for (uint64_t word = 0; word < 4; ++word) {
        const uint64_t random = mix(mix(mix(seed) + stream) + i / 4 + word);
        __builtin_memcpy(bits + 4 * word, &random, 8);
      }
    }
    F lanes() const {
      float numbers[16];
      for (int l = 0; l < 16; ++l) numbers[l] = static_cast<float>(bits[l]) * 0x1p-16f;
      return V::load(numbers);
    }
  };

  // Elements [begin, end) are a block.
  static void run(const AdamwParams& p, int64_t begin, int64_t end) {
    const bool small = p.state_type == Type::i8;
    float m[kStateBlock];
    float v[kStateBlock];
    for (int64_t i = begin; i < end; i += 16) {
      const int64_t n = end - i < 16 ? end - i : 16;
      F of_m;
      F of_v;
      if (small) {
        of_m =
            decode_m(V::load(static_cast<const int8_t*>(p.m) + i, n), p.m_peaks[i / kStateBlock]);
        of_v =
            decode_v(V::load(static_cast<const int8_t*>(p.v) + i, n), p.v_peaks[i / kStateBlock]);
      } else {
        of_m = V::load(static_cast<const float*>(p.m) + i, n);
        of_v = V::load(static_cast<const float*>(p.v) + i, n);
      }
      step(p, i, n, of_m, of_v);
      V::store(m + (i - begin), of_m);
      V::store(v + (i - begin), of_v);
      if (!small) {
        V::store(static_cast<float*>(p.m) + i, of_m, n);
        V::store(static_cast<float*>(p.v) + i, of_v, n);
      }
    }
    if (small) encode(p, begin, end, m, v);
  }

 private:
  static void step(const AdamwParams& p, int64_t i, int64_t n, F& m, F& v) {
    const AdamwStep& s = p.step;
    const F g = V::mul(V::load(p.gradient + i, n), V::set(s.gradient_scale));
    m = V::fma(V::set(s.beta1), m, V::mul(V::set(1.0f - s.beta1), g));
    v = V::fma(V::set(s.beta2), v, V::mul(V::set(1.0f - s.beta2), V::mul(g, g)));
    const F root = V::sqrt(V::div(v, V::set(s.correction2)));
    const F direction = V::div(V::div(m, V::set(s.correction1)), V::add(root, V::set(s.eps)));
    const F w = p.w_type == Type::f32 ? V::load(static_cast<const float*>(p.w) + i, n)
                                      : V::load(static_cast<const bf16*>(p.w) + i, n);
    const F decayed = V::mul(w, V::set(1.0f - s.rate * s.decay));
    const F next = V::sub(decayed, V::mul(V::set(s.rate), direction));
    if (p.w_type == Type::f32) {
      V::store(static_cast<float*>(p.w) + i, next, n);
      if (p.copy != nullptr) V::store(reinterpret_cast<bf16*>(p.copy) + i, next, n);
      return;
    }
    const Uniform random(s.seed, static_cast<uint64_t>(i), 0);
    float numbers[16];
    V::store(numbers, next);
    for (int64_t l = 0; l < n; ++l)
      static_cast<bf16*>(p.w)[i + l] = to_bf16(numbers[l], random.bits[l]);
  }

  // Truncates after adding below the last place; a NaN or an infinity stays one.
  static bf16 to_bf16(float x, uint16_t random) {
    const uint32_t u = bits_of(x);
    if ((u & 0x7f800000u) == 0x7f800000u) return bc::to_bf16(x);
    return {static_cast<uint16_t>((u + random) >> 16)};
  }

  static F decode_m(F code, float peak) {
    const F share = V::mul(code, V::set(1.0f / kSteps));
    return V::mul(V::mul(V::abs(share), share), V::set(peak));
  }
  static F decode_v(F code, float peak) {
    const F share = V::mul(V::add(code, V::set(127.0f)), V::set(1.0f / kVSteps));
    const F square = V::mul(share, share);
    return V::mul(V::mul(square, square), V::set(peak));
  }

  static F floor(F x) {
    const F nearest = V::round(x);
    return V::if_greater(nearest, x, V::sub(nearest, V::set(1.0f)), nearest);
  }

  static void encode(const AdamwParams& p, int64_t begin, int64_t end, const float* m,
                     const float* v) {
    const F zero = V::set(0.0f);
    const F one = V::set(1.0f);
    float m_peak = 0.0f;
    float v_peak = 0.0f;
    for (int64_t i = 0; i < end - begin; ++i) {
      const float magnitude = __builtin_fabsf(m[i]);
      // A NaN comes and stays: it shows in the next step.
      m_peak = magnitude > m_peak || magnitude != magnitude ? magnitude : m_peak;
      v_peak = v[i] > v_peak || v[i] != v[i] ? v[i] : v_peak;
    }
    p.m_peaks[begin / kStateBlock] = m_peak;
    p.v_peaks[begin / kStateBlock] = v_peak;
    const F per_m = V::set(m_peak > 0.0f ? 1.0f / m_peak : 0.0f);
    const F per_v = V::set(v_peak > 0.0f ? 1.0f / v_peak : 0.0f);
    for (int64_t i = begin; i < end; i += 16) {
      const int64_t n = end - i < 16 ? end - i : 16;
      const auto index = static_cast<uint64_t>(i);
      const F of_m = V::load(m + (i - begin), n);
      const F of_v = V::load(v + (i - begin), n);
      {
        // Between c^2 and (c + 1)^2 = c^2 + 2c + 1.
        const F square = V::mul(V::mul(V::abs(of_m), per_m), V::set(kSteps * kSteps));
        const F low = V::min(floor(V::sqrt(square)), V::set(kSteps - 1.0f));
        const F share = V::div(V::sub(square, V::mul(low, low)), V::fma(low, V::set(2.0f), one));
        const F random = Uniform(p.step.seed, index, 1).lanes();
        const F code = V::if_greater(share, random, V::add(low, one), low);
        const F sign = V::if_greater(zero, of_m, V::sub(zero, code), code);
        V::store(static_cast<int8_t*>(p.m) + i, sign, n);
      }
      {
        const F fourth = V::mul(V::mul(of_v, per_v), V::set(kVSteps * kVSteps * kVSteps * kVSteps));
        const F low = V::min(floor(V::sqrt(V::sqrt(fourth))), V::set(kVSteps - 1.0f));
        const F high = V::add(low, one);
        const F below = V::mul(V::mul(low, low), V::mul(low, low));
        const F above = V::mul(V::mul(high, high), V::mul(high, high));
        const F share = V::div(V::sub(fourth, below), V::sub(above, below));
        const F random = Uniform(p.step.seed, index, 2).lanes();
        const F least = V::if_greater(of_v, zero, one, zero);
        const F code = V::max(least, V::if_greater(share, random, high, low));
        V::store(static_cast<int8_t*>(p.v) + i, V::sub(code, V::set(127.0f)), n);
      }
    }
  }
};

}  // namespace bc::cpu
