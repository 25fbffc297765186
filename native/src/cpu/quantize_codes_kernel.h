// quantize to codes of 2 to 8 bits (BC_CODES): one source for every instruction set, and one for all
// sizes of codes and groups, which are data here.
//
// Method  quantize_search.h. The forms with a zero or a least number, and grids, are searched as q4 is.
//         The symmetric form has trials of scales of both signs, because it has one code more below 0
//         than above: s = sum(wq) / sum(q^2), with q from -2^(bits-1) to 2^(bits-1) - 1.
// Bound   Compute: 27 trials (symmetric 12) and 4 encodings x 7 operations a weight.
#pragma once

#include "quantize_search.h"

namespace bc::cpu {

// The range that the first trials shrink to: the fewer codes there are, the more of the extremes is
// clipped.
constexpr float kShrinks2[] = {0.88f, 0.74f, 0.6f};
constexpr float kShrinks3[] = {0.98f, 0.86f, 0.74f};
constexpr float kShrinks5[] = {1.0f, 0.96f, 0.9f};
// Of the symmetric form: what the largest magnitude is divided by, in parts of 2^(bits-1).
constexpr float kSymmetricTrials[] = {1.0f, 0.94f, 0.88f, 1.06f, 1.16f, 1.3f};

template <class V>
struct QuantizeCodes {
  using F = typename V::F;
  using Search = QuantizeSearch<V>;
  using Grid = typename Search::Grid;
  using Fit = typename Search::Fit;

  struct Shape {
    int64_t count;
    float top;
    float most_zero;
  };

  static float as_f16(float x) {
    const float most = 65504.0f;
    return to_float(to_f16(x > most ? most : x < -most ? -most : x));
  }
  // Scales in f16, and zeros or least numbers: m = -s z.
  struct HalfRounding {
    bool min;
    static Grid smallest() { return {V::set(0.0f), V::set(0.0f)}; }
    static F scale(F s, bool) { return V::map(s, as_f16); }
    F zero(F z, F s) const {
      if (!min) return V::map(z, as_f16);
      const F m = V::map(V::sub(V::set(0.0f), V::mul(z, s)), as_f16);
      return V::sub(V::set(0.0f), V::mul(m, Search::inverse_of(s)));
    }
  };

  static Fit fit_symmetric(const F* w, const Shape& shape) {
    const F middle = V::set(shape.most_zero);
    F peak = V::set(0.0f);
    for (int64_t k = 0; k < shape.count; ++k) peak = V::max(peak, V::abs(w[k]));
    F best_gain = V::set(0.0f);
    F best = V::set(0.0f);
    for (const float part : kSymmetricTrials) {
      for (const float sign : {1.0f, -1.0f}) {
        const F inverse = Search::ratio(V::set(sign * part * shape.most_zero), peak);
        F wq = V::set(0.0f);
        F qq = V::set(0.0f);
        for (int64_t k = 0; k < shape.count; ++k) {
          const F q = V::sub(Search::codes(w[k], inverse, middle, shape.top), middle);
          wq = V::fma(q, w[k], wq);
          qq = V::fma(q, q, qq);
        }
        const F s = Search::ratio(wq, qq);
        const F gain = V::mul(wq, s);
        best = V::if_greater(gain, best_gain, s, best);
        best_gain = V::max(gain, best_gain);
      }
    }
    return {{V::map(best, as_f16), middle}, V::set(1.0f)};
  }

  static Fit fit(CodeFormat format, const F* w, const Shape& shape, F* memory) {
    if (format.form == CodeForm::symmetric) return fit_symmetric(w, shape);
    if (format.form != CodeForm::grid) {
      const HalfRounding rounding = {format.form == CodeForm::min};
      return of_size(format.bits, w, shape, rounding, memory);
    }
    return of_size(format.bits, w, shape, typename Search::GridRounding{}, memory);
  }
  template <class Rounding>
  static Fit of_size(int bits, const F* w, const Shape& shape, const Rounding& rounding,
                     F* memory) {
    switch (bits) {
      case 2:
        return Search::fit_grid(w, shape, rounding, kShrinks2, memory);
      case 3:
        return Search::fit_grid(w, shape, rounding, kShrinks3, memory);
      case 4:
        return Search::fit_grid(w, shape, rounding, kQ4Shrinks, memory);
      default:
        return Search::fit_grid(w, shape, rounding, kShrinks5, memory);
    }
  }

  // Writes one group of a panel: w has a vector for each of its columns, as many as fit.
  static void pack(Type type, const F* w, uint8_t* out, double* error) {
    const CodeFormat format = format_of(type);
    const float middle = static_cast<float>(1 << (format.bits - 1));
    const bool symmetric = format.form == CodeForm::symmetric;
    const Shape shape = {group_columns(type), 2.0f * middle - 1.0f,
                         symmetric                       ? middle
                         : format.form == CodeForm::grid ? kGridZeroMax
                                                         : 2.0f * middle};
    F memory[kMostGroup];
    const Fit fit = QuantizeCodes::fit(format, w, shape, memory);
    __builtin_memset(out, 0, static_cast<size_t>(group_bytes(type)));
    const auto sum = Search::encode_grid(w, shape, fit.grid, fit.stretch, [&](int64_t k, F code) {
      float q[kPanel];
      V::store(q, code);
      uint8_t* block = out + k / kGroup * 64 * format.bits;
      for (int64_t n = 0; n < kPanel; ++n)
        add_block_code(block, format.bits, n, k % kGroup, static_cast<uint32_t>(q[n]));
    });
    error[0] += static_cast<double>(V::sum(sum.lost));
    error[1] += static_cast<double>(V::sum(sum.total));
    float scale[kPanel];
    float zero[kPanel];
    V::store(scale, fit.grid.scale);
    V::store(zero, fit.grid.zero);
    uint8_t* tail = out + value_bytes(type);
    for (int64_t n = 0; n < kPanel; ++n) {
      const bool grid = format.form == CodeForm::grid;
      put(tail + 2 * n, grid ? bits_of(Q4Grid{scale[n], zero[n]}) : to_f16(scale[n]).bits);
      if (has_zeros(format.form)) {
        const float number = format.form == CodeForm::zero ? zero[n] : -zero[n] * scale[n];
        put(tail + kScales + 2 * n, to_f16(number).bits);
      }
    }
  }
  static void put(uint8_t* at, uint16_t bits) { __builtin_memcpy(at, &bits, 2); }

  static constexpr int64_t kMostGroup = 128;
};

}  // namespace bc::cpu
