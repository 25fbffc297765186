// quantize: packs w [N,K] into panels with a scale, or a grid, for each group of 32 columns
// (quant.h), one source for every instruction set.
//
// Method  Lane n is row n of the panel, so 16 groups are searched at once (quantize_search.h).
// Bound   Compute: trials (q8 6, q4 27) and encodings (q8 1, q4 6) x 7 operations a weight.
#pragma once

#include "cpu/matmul/matrix_kernels.h"
#include "cpu/quantize_codes_kernel.h"

namespace bc::cpu {

// The operations that the search asks of a vector.
template <class V>
struct SixteenGroups : V {
  using F = typename V::F;

  static F clamp(F x, F low, F high) { return V::max(V::min(x, high), low); }

  template <class G>
  static F map(F x, G&& g) {
    float lanes[kPanel];
    V::store(lanes, x);
    for (float& lane : lanes) lane = g(lane);
    return V::load(lanes);
  }
};

template <class V>
struct Quantize {
  using F = typename V::F;
  using Search = QuantizeSearch<SixteenGroups<V>>;
  using Codes = QuantizeCodes<SixteenGroups<V>>;

  // Writes one packed group; adds the squares of what is lost, and of all numbers, to error.
  template <Type kType>
  static void pack(const F (&w)[kGroup], uint8_t* out, double* error) {
    const typename Search::Fit fit = Search::template fit<kType>(w);
    float q[kGroup * kPanel];
    const auto sum = Search::template encode<kType>(
        w, fit.grid, fit.stretch, [&](int64_t k, F code) { V::store(q + k * kPanel, code); });
    error[0] += static_cast<double>(V::sum(sum.lost));
    error[1] += static_cast<double>(V::sum(sum.total));
    float scale[kPanel];
    float zero[kPanel];
    V::store(scale, fit.grid.scale);
    V::store(zero, fit.grid.zero);
    constexpr int64_t values = kType == Type::q8 ? kQ8Values : kQ4Values;
    for (int64_t n = 0; n < kPanel; ++n) {
      const uint16_t bits =
          kType == Type::q8 ? to_bf16(scale[n]).bits : bits_of(Q4Grid{scale[n], zero[n]});
      __builtin_memcpy(out + values + 2 * n, &bits, 2);
      const auto code = [&](int64_t k) { return static_cast<int32_t>(q[k * kPanel + n]); };
      for (int64_t k = 0; k < values / kPanel; ++k) {
        const int32_t byte = kType == Type::q8 ? code(k) + 128 : code(k) | code(k + 16) << 4;
        out[(k / 4) * 64 + n * 4 + k % 4] = static_cast<uint8_t>(byte);
      }
    }
  }

  static float number(float x) { return x; }
  static float number(f16 x) { return to_float(x); }
  static float number(bf16 x) { return to_float(x); }

  // 32 columns of the rows of a panel, a row in each lane. T is float, f16 or bf16.
  template <class T>
  static void columns_of(const QuantizeParams& p, int64_t row, int64_t k0, F* columns) {
    float w[kGroup * kPanel];
    for (int64_t n = 0; n < kPanel; ++n) {
      const bool inside = row + n < p.N;
      const T* from = static_cast<const T*>(p.w) + (inside ? (row + n) * p.w_ld + k0 : 0);
      const float factor = inside && p.row_scale != nullptr ? p.row_scale[row + n] : 1.0f;
      for (int64_t k = 0; k < kGroup; ++k)
        w[k * kPanel + n] = inside ? number(from[k]) * factor : 0.0f;
    }
    for (int64_t k = 0; k < kGroup; ++k) columns[k] = V::load(w + k * kPanel);
  }

  template <Type kType, class T>
  static void panels_of(const QuantizeParams& p, int64_t begin, int64_t end, double* error) {
    const int64_t groups = p.K / kGroup;
    F columns[kGroup];
    for (int64_t panel = begin; panel < end; ++panel) {
      for (int64_t g = 0; g < groups; ++g) {
        columns_of<T>(p, panel * kPanel, g * kGroup, columns);
        pack<kType>(columns,
                    static_cast<uint8_t*>(p.out) + (panel * groups + g) * group_bytes(kType),
                    error);
      }
    }
  }

  template <class T>
  static void panels_of_codes(const QuantizeParams& p, int64_t begin, int64_t end, double* error) {
    const int64_t count = group_columns(p.out_type);
    uint8_t* out = static_cast<uint8_t*>(p.out) + packed_bytes(p.out_type, begin * kPanel, p.K);
    F columns[Codes::kMostGroup];
    for (int64_t panel = begin; panel < end; ++panel) {
      for (int64_t k0 = 0; k0 < p.K; k0 += count, out += group_bytes(p.out_type)) {
        for (int64_t k = 0; k < count; k += kGroup)
          columns_of<T>(p, panel * kPanel, k0 + k, columns + k);
        Codes::pack(p.out_type, columns, out, error);
      }
    }
  }

  template <class T>
  static void of_weights(const QuantizeParams& p, int64_t begin, int64_t end, double* error) {
    if (is_codes(p.out_type)) {
      panels_of_codes<T>(p, begin, end, error);
    } else if (p.out_type == Type::q8) {
      panels_of<Type::q8, T>(p, begin, end, error);
    } else {
      panels_of<Type::q4, T>(p, begin, end, error);
    }
  }

  static void run(const QuantizeParams& p, int64_t begin, int64_t end, double* error) {
    if (p.w_type == Type::f32) {
      of_weights<float>(p, begin, end, error);
    } else if (p.w_type == Type::f16) {
      of_weights<f16>(p, begin, end, error);
    } else {
      of_weights<bf16>(p, begin, end, error);
    }
  }
};

}  // namespace bc::cpu
