// The ops as plain loops in double: the oracle of every backend. They read the params of the op and
// give, for each output, its value and the error that an op in f32 may have. u is the relative
// error of one rounding to f32.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "ops.h"

namespace bc::reference {

using test::Expected;
using test::kRounding;

// Element of a plain or a page array.
inline double element(const void* data, Type type, int64_t index) {
  switch (type) {
    case Type::f16:
      return static_cast<double>(to_float(static_cast<const f16*>(data)[index]));
    case Type::bf16:
      return static_cast<double>(to_float(static_cast<const bf16*>(data)[index]));
    case Type::i8:
      return static_cast<const int8_t*>(data)[index];
    default:
      return static_cast<double>(static_cast<const float*>(data)[index]);
  }
}

// A weight of codes [N,K] (BC_CODES), read as the layout's description says: panels of 16 rows; for each
// group its blocks of 32 columns, then the 16 rows' scales, then their zeros or least numbers.
inline double coded_element(const void* w, Type type, int64_t K, int64_t n, int64_t k) {
  const auto number = static_cast<int32_t>(type);
  const int bits = number & 15;
  const int64_t columns = int64_t{1} << (number >> 4 & 15);
  const int form = number >> 8 & 15;  // symmetric, zero, min, grid
  const int64_t values = columns * 2 * bits;
  const int64_t bytes = values + (form == 1 || form == 2 ? 64 : 32);
  const uint8_t* group =
      static_cast<const uint8_t*>(w) + (n / 16 * (K / columns) + k / columns) * bytes;
  const uint8_t* block = group + k % columns / 32 * 64 * bits;
  const int64_t quad = k % 32 / 4;
  const int64_t place = n % 16 * 4 + k % 4;
  int64_t q = 0;
  int done = 0;
  const auto byte = [&](int64_t vector) { return int{block[vector * 64 + place]}; };
  if (bits == 3) {
    q = quad < 6 ? byte(quad / 2) >> (quad % 2 * 3) & 7
                 : byte(quad - 6) >> 6 | (byte(2) >> quad & 1) << 2;
    done = 3;
  }
  for (const int plane : {8, 4, 2, 1}) {  // from the one that has the lowest bits
    if (bits - done < plane) continue;
    q |= int64_t{byte(done + quad % plane) >> (quad / plane * plane) & ((1 << plane) - 1)} << done;
    done += plane;
  }
  uint16_t first;
  uint16_t second = 0;
  std::memcpy(&first, group + values + n % 16 * 2, 2);
  if (form == 1 || form == 2) std::memcpy(&second, group + values + 32 + n % 16 * 2, 2);
  const auto code = static_cast<double>(q);
  if (form == 3)
    return std::ldexp(1.0 + (first >> 7 & 15) / 16.0, (first >> 11) - 27) *
           (code - (first & 127) / 8.0);
  const auto s = static_cast<double>(to_float(f16{first}));
  const auto z = static_cast<double>(to_float(f16{second}));
  return form == 0   ? s * (code - std::ldexp(1.0, bits - 1))
         : form == 1 ? s * (code - z)
                     : s * code + z;
}

// A packed weight of [N,K], read as the layout's description in quant.h says: panels of 16 rows;
// for each group of 32 columns the bytes of four columns of the 16 rows at a time, then the 16
// rows' scales in bf16 (q8) or grids (q4: 5 bits of exponent, 4 of mantissa, 7 of zero).
inline double packed_element(const void* w, Type type, int64_t K, int64_t n, int64_t k) {
  if (is_codes(type)) return coded_element(w, type, K, n, k);
  const int64_t values = type == Type::q8 ? 512 : 256;
  const uint8_t* group =
      static_cast<const uint8_t*>(w) + (n / 16 * (K / 32) + k / 32) * (values + 32);
  uint16_t bits;
  std::memcpy(&bits, group + values + n % 16 * 2, 2);
  const int64_t column = k % 32;
  if (type == Type::q8) {
    const int q = group[column / 4 * 64 + n % 16 * 4 + column % 4] - 128;
    return static_cast<double>(to_float(bf16{bits})) * q;
  }
  const uint8_t pair = group[column % 16 / 4 * 64 + n % 16 * 4 + column % 4];
  const int q = column < 16 ? pair & 15 : pair >> 4;
  const double scale = std::ldexp(1.0 + (bits >> 7 & 15) / 16.0, (bits >> 11) - 27);
  return scale * (q - (bits & 127) / 8.0);
}

// sums[i] += a x[i], and the same of magnitudes.
inline void multiply_add(double a, const double* x, std::vector<double>& sums,
                         std::vector<double>& magnitudes) {
  double* const sum = sums.data();
  double* const magnitude = magnitudes.data();
  const size_t count = sums.size();
  for (size_t i = 0; i < count; ++i) {
    const double product = a * x[i];
    sum[i] += product;
    magnitude[i] += std::fabs(product);
  }
}

// out [T,C]: exact, the table's numbers are numbers of f32.
inline std::vector<Expected> embed(const EmbedParams& p) {
  std::vector<Expected> out;
  for (int64_t t = 0; t < p.T; ++t) {
    for (int64_t c = 0; c < p.C; ++c)
      out.push_back({element(p.table, p.table_type, p.ids[t] * p.table_ld + c), 0.0});
  }
  return out;
}

// out [M,N]: one rounding, of f16 below its smallest normal number an absolute one.
inline std::vector<Expected> convert(const ConvertParams& p) {
  std::vector<Expected> out;
  const bool exact = p.out_type == Type::f32 || p.out_type == p.x_type;
  for (int64_t m = 0; m < p.M; ++m) {
    for (int64_t n = 0; n < p.N; ++n) {
      const double x = element(p.x, p.x_type, m * p.x_ld + n);
      const double least = p.out_type == Type::f16 ? 0x1p-25 : 0.0;
      out.push_back({x, exact ? 0.0 : std::fabs(x) * test::rounding_of(p.out_type) + least});
    }
  }
  return out;
}

// out [T,C] for x as it is before the op. Terms of the sum are positive: its relative error is at
// most its longest chain of roundings, C/16 + 8, and half of it passes the root; four more
// roundings follow. A delta adds one rounding to each x, relative to the sum: it is taken as made,
// since x is stored.
inline std::vector<Expected> rms_norm(const RmsNormParams& p) {
  std::vector<Expected> out;
  for (int64_t t = 0; t < p.T; ++t) {
    std::vector<double> x;
    double squares = 0.0;
    for (int64_t c = 0; c < p.C; ++c) {
      float v = static_cast<const float*>(p.x)[t * p.x_ld + c];
      if (p.delta != nullptr) v += static_cast<const float*>(p.delta)[t * p.delta_ld + c];
      x.push_back(static_cast<double>(v));
      squares += x.back() * x.back();
    }
    const double root = std::sqrt(squares / static_cast<double>(p.C) + static_cast<double>(p.eps));
    const double roundings = 0.5 * (static_cast<double>(p.C) / 16.0 + 8.0) + 5.0;
    for (int64_t c = 0; c < p.C; ++c) {
      const double value = x[static_cast<size_t>(c)] / root * element(p.weight, p.weight_type, c);
      out.push_back({value, std::fabs(value) * roundings * kRounding});
    }
  }
  return out;
}

// out [M,N] for x kept in f32: the error of a sum of K products in f32 is at most (K + 2) u times
// the sum of magnitudes.
inline std::vector<Expected> matmul(const MatmulParams& p) {
  std::vector<Expected> out;
  const auto M = static_cast<size_t>(p.M);
  std::vector<double> x;  // [K,M], so that the innermost loop is over neighbours
  for (int64_t k = 0; k < p.K; ++k) {
    for (int64_t m = 0; m < p.M; ++m)
      x.push_back(static_cast<double>(static_cast<const float*>(p.x)[m * p.x_ld + k]));
  }
  out.resize(M * static_cast<size_t>(p.N));
  for (int64_t n = 0; n < p.N; ++n) {
    const bool packed = is_quantized(p.w_type);
    std::vector<double> sums(M), magnitudes(M);
    for (int64_t k = 0; k < p.K; ++k) {
      const double w = packed ? packed_element(p.w, p.w_type, p.K, n, k)
                              : element(p.w, p.w_type, n * p.w_ld + k);
      multiply_add(w, x.data() + static_cast<size_t>(k) * M, sums, magnitudes);
    }
    const double scale = p.row_scale == nullptr ? 1.0 : static_cast<double>(p.row_scale[n]);
    const double bias = p.bias == nullptr ? 0.0 : static_cast<double>(p.bias[n]);
    const double roundings = static_cast<double>(p.K) + 2.0;
    for (size_t m = 0; m < M; ++m) {
      const double value = sums[m] * scale + bias;
      const double added = p.bias == nullptr ? 0.0 : std::fabs(value);  // one rounding more
      out[m * static_cast<size_t>(p.N) + static_cast<size_t>(n)] = {
          value, (std::fabs(magnitudes[m] * scale) * roundings + added) * kRounding};
    }
  }
  return out;
}

// What rounding x to int8 adds to the tolerance: half a step for each number of a group. Codes with a zero
// or a least number are summed around the middle of their range: up to 2 roundings of the group's range
// for each number of x.
inline void round_x_to_int8(const MatmulParams& p, std::vector<Expected>& want) {
  const int64_t groups = p.K / 32;
  std::vector<double> peaks;  // [M,groups] of x
  for (int64_t m = 0; m < p.M; ++m) {
    for (int64_t g = 0; g < groups; ++g) {
      const float* group = static_cast<const float*>(p.x) + m * p.x_ld + g * 32;
      float peak = 0.0f;
      for (int64_t i = 0; i < 32; ++i) peak = std::fmax(peak, std::fabs(group[i]));
      peaks.push_back(static_cast<double>(peak));
    }
  }
  for (int64_t n = 0; n < p.N; ++n) {
    std::vector<double> shares;  // [groups] of a peak
    for (int64_t g = 0; g < groups; ++g) {
      double sum = 0.0;
      double range = 0.0;
      for (int64_t i = 0; i < 32; ++i) {
        const double w = std::fabs(packed_element(p.w, p.w_type, p.K, n, g * 32 + i));
        sum += w;
        range = std::fmax(range, w);
      }
      shares.push_back(sum / 253.0 + (is_codes(p.w_type) ? 32.0 * 4.0 * range * kRounding : 0.0));
    }
    const double scale =
        p.row_scale == nullptr ? 1.0 : std::fabs(static_cast<double>(p.row_scale[n]));
    for (int64_t m = 0; m < p.M; ++m) {
      double extra = 0.0;
      for (int64_t g = 0; g < groups; ++g)
        extra += shares[static_cast<size_t>(g)] * peaks[static_cast<size_t>(m * groups + g)];
      want[static_cast<size_t>(m * p.N + n)].tolerance += extra * scale;
    }
  }
}

// What rounding x to bf16 adds: half of its last place, of the product.
inline void round_x_to_bf16(const MatmulParams& p, std::vector<Expected>& want) {
  for (int64_t m = 0; m < p.M; ++m) {
    for (int64_t n = 0; n < p.N; ++n) {
      double magnitude = 0.0;
      for (int64_t k = 0; k < p.K; ++k) {
        magnitude += std::fabs(element(p.w, p.w_type, n * p.w_ld + k) *
                               static_cast<double>(static_cast<const float*>(p.x)[m * p.x_ld + k]));
      }
      const double scale =
          p.row_scale == nullptr ? 1.0 : std::fabs(static_cast<double>(p.row_scale[n]));
      want[static_cast<size_t>(m * p.N + n)].tolerance +=
          magnitude * scale * test::rounding_of(Type::bf16);
    }
  }
}

// qkv [T,(H+2G)D] after the op. Sine, cosine, two products and a sum: 3 u of the pair's length,
// whichever way it turns, and one for a scale. A norm before it rounds as rms_norm does.
inline std::vector<Expected> rope(const RopeParams& p) {
  const int64_t width = (p.H + 2 * p.G) * p.D;
  const bool normed = p.q_norm != nullptr;
  const double roundings = 3.0 + (p.scale == 1.0f ? 0.0 : 1.0) +
                           (normed ? 0.5 * (static_cast<double>(p.D) / 16.0 + 8.0) + 5.0 : 0.0);
  std::vector<Expected> out(static_cast<size_t>(p.T * width));
  std::vector<double> head(static_cast<size_t>(p.D));
  for (int64_t t = 0; t < p.T; ++t) {
    const float* x = static_cast<const float*>(p.qkv) + t * p.ld;
    Expected* y = out.data() + t * width;
    for (int64_t c = 0; c < width; ++c) y[c] = {static_cast<double>(x[c]), 0.0};
    for (int64_t h = 0; h < p.H + p.G; ++h) {
      double squares = 0.0;
      for (int64_t d = 0; d < p.D; ++d) {
        head[static_cast<size_t>(d)] = static_cast<double>(x[h * p.D + d]);
        squares += head[static_cast<size_t>(d)] * head[static_cast<size_t>(d)];
      }
      if (normed) {
        const void* norm = h < p.H ? p.q_norm : p.k_norm;
        const double root =
            std::sqrt(squares / static_cast<double>(p.D) + static_cast<double>(p.eps));
        for (int64_t d = 0; d < p.D; ++d)
          head[static_cast<size_t>(d)] *= element(norm, p.norm_type, d) / root;
      }
      for (int64_t k = 0; k < p.D / 2; ++k) {
        const double angle = p.positions[t] * p.frequencies[k];
        const double scale = static_cast<double>(p.scale);
        const double a = head[static_cast<size_t>(k)] * scale;
        const double b = head[static_cast<size_t>(k + p.D / 2)] * scale;
        const double tolerance = roundings * kRounding * std::sqrt(a * a + b * b) * 1.4143;
        y[h * p.D + k] = {a * std::cos(angle) - b * std::sin(angle), tolerance};
        y[h * p.D + k + p.D / 2] = {a * std::sin(angle) + b * std::cos(angle), tolerance};
      }
    }
  }
  return out;
}

// What a page slot should hold for one number x: [T,2GD] keys and values as they read back.
inline std::vector<Expected> kv_append(const KvAppendParams& p) {
  std::vector<Expected> out;
  for (int64_t t = 0; t < p.batch.T; ++t) {
    for (int64_t g = 0; g < 2 * p.G; ++g) {
      const float* x = static_cast<const float*>(p.qkv) + t * p.ld + (p.H + g) * p.D;
      double peak = 0.0;
      for (int64_t d = 0; d < p.D; ++d)
        peak = std::fmax(peak, std::fabs(static_cast<double>(x[d])));
      for (int64_t d = 0; d < p.D; ++d) {
        const double value = static_cast<double>(x[d]);
        switch (p.pages_type) {
          case Type::f16:
            out.push_back({static_cast<double>(to_float(to_f16(x[d]))), 0.0});
            break;
          case Type::bf16:
            out.push_back({static_cast<double>(to_float(to_bf16(x[d]))), 0.0});
            break;
          case Type::i8:  // half a step, and the roundings of the scale
            out.push_back({value, 0.5 * peak / 127.0 + 4.0 * kRounding * peak});
            break;
          default:
            out.push_back({value, 0.0});
        }
      }
    }
  }
  return out;
}

// out [T,H D]. A score's error e is that of its dot product, (D + 3) u of the magnitudes, plus 2 u of
// bias and score, plus the 2 u of exp; weights then err by 2 e in all (numerator and sum), and the
// sums over n positions by (n + 8) u each. Weights below the normal numbers of f32 are lost.
//
// bf16: q is rounded to bf16 and products of two bf16 are exact, so the score errs by no more; a
// weight, times the scale of an i8 value, is rounded to bf16 beside its part in the sum; whatever is
// below the normal numbers counts as 0 (a weight of an i8 value meets a code of at most 127).
inline std::vector<Expected> attention(const AttentionParams& p, bool in_bf16 = false) {
  const int64_t C = p.H * p.D;
  std::vector<Expected> out(static_cast<size_t>(p.batch.T * C));
  const double root = std::sqrt(static_cast<double>(p.D));
  for (int64_t b = 0; b < p.batch.B; ++b) {
    int64_t longest = 0;
    for (int64_t t = p.batch.offsets[b]; t < p.batch.offsets[b + 1]; ++t)
      longest = std::max<int64_t>(longest, p.batch.positions[t] + 1);
    for (int64_t h = 0; h < p.H; ++h) {
      // Keys [D,longest] and values [longest,D], so that the innermost loops are over neighbours.
      std::vector<double> keys(static_cast<size_t>(p.D * longest));
      std::vector<double> values(static_cast<size_t>(longest * p.D));
      for (int64_t j = 0; j < longest; ++j) {
        const int64_t page = p.batch.table[b * p.batch.P + j / kPageSize];
        for (int64_t kv = 0; kv < 2; ++kv) {
          const int64_t row = ((page * 2 + kv) * p.G + h / (p.H / p.G)) * kPageSize + j % kPageSize;
          const double scale = p.scales == nullptr ? 1.0 : static_cast<double>(p.scales[row]);
          for (int64_t d = 0; d < p.D; ++d) {
            (kv == 0 ? keys[static_cast<size_t>(d * longest + j)]
                     : values[static_cast<size_t>(j * p.D + d)]) =
                scale * element(p.pages, p.pages_type, row * p.D + d);
          }
        }
      }
      for (int64_t t = p.batch.offsets[b]; t < p.batch.offsets[b + 1]; ++t) {
        const int64_t n = p.batch.positions[t] + 1;
        const int64_t first = p.window > 0 && n > p.window ? n - p.window : 0;
        const float* q = static_cast<const float*>(p.qkv) + t * p.ld + h * p.D;
        std::vector<double> weights(static_cast<size_t>(n)), magnitudes(static_cast<size_t>(n));
        for (int64_t d = 0; d < p.D; ++d) {
          const double rounded = static_cast<double>(in_bf16 ? to_float(to_bf16(q[d])) : q[d]);
          multiply_add(rounded, keys.data() + d * longest, weights, magnitudes);
        }
        double max = -HUGE_VAL;
        double error = 0.0;
        for (int64_t j = 0; j < n; ++j) {
          double& weight = weights[static_cast<size_t>(j)];
          const double bias = p.slopes == nullptr ? 0.0
                                                  : static_cast<double>(p.slopes[h]) *
                                                        static_cast<double>(j - n + 1);
          if (j < first) {
            weight = -HUGE_VAL;
            continue;
          }
          weight = weight / root + bias;
          max = std::fmax(max, weight);
          const double roundings =
              magnitudes[static_cast<size_t>(j)] / root * (static_cast<double>(p.D) + 3.0) +
              2.0 * std::fabs(weight) + 2.0 * std::fabs(bias);
          error = std::fmax(error, roundings * kRounding);
        }
        double sum = 0.0;
        for (double& w : weights) sum += w = std::exp(w - max);
        std::vector<double> sums(static_cast<size_t>(p.D)), of_terms(sums.size()),
            lost(sums.size());
        for (int64_t j = first; j < n; ++j) {
          const double* v = values.data() + j * p.D;
          multiply_add(weights[static_cast<size_t>(j)] / sum, v, sums, of_terms);
          for (size_t d = 0; d < lost.size(); ++d)
            lost[d] += 0x1p-126 * (std::fabs(v[d]) + (in_bf16 ? 128.0 : 0.0));
        }
        const double relative = 2.0 * (error + 2.0 * kRounding) +
                                2.0 * (static_cast<double>(n) + 8.0) * kRounding +
                                (in_bf16 ? test::rounding_of(Type::bf16) : 0.0);
        for (int64_t d = 0; d < p.D; ++d) {
          const auto i = static_cast<size_t>(d);
          out[static_cast<size_t>(t * C + h * p.D + d)] = {sums[i],
                                                           of_terms[i] * relative + lost[i]};
        }
      }
    }
  }
  return out;
}

// out [T,F]. exp errs by 3 u of itself (its argument is exact), the four operations by u each.
// Below the smallest normal number of f32 a rounding is absolute.
inline std::vector<Expected> swiglu(const SwigluParams& p) {
  std::vector<Expected> out;
  for (int64_t t = 0; t < p.T; ++t) {
    for (int64_t f = 0; f < p.F; ++f) {
      const double g = static_cast<double>(static_cast<const float*>(p.gate)[t * p.gate_ld + f]);
      const double u = static_cast<double>(static_cast<const float*>(p.up)[t * p.up_ld + f]);
      const double value = g / (1.0 + std::exp(-g)) * u;
      // exp(-g) overflows f32 below -88.7: what is lost then is less than |g| 2^-128.
      const double lost = (std::fabs(g) * 0x1p-126 + 0x1p-149) * std::fabs(u) + 0x1p-149;
      out.push_back({value, std::fabs(value) * 7.0 * kRounding + lost});
    }
  }
  return out;
}

// out [T,N] for out as it is before the op, x and out in f32. A sum over k rounds K + 2 times with the
// scale, one over r of its products R times more, each by u of the magnitudes at most; the last sum by u of
// itself.
inline std::vector<Expected> lora(const LoraParams& p) {
  std::vector<Expected> out;
  for (int64_t t = 0; t < p.T; ++t) {
    const float* before = static_cast<const float*>(p.out) + t * p.out_ld;
    std::vector<double> sums(before, before + p.N);
    std::vector<double> magnitudes(static_cast<size_t>(p.N), 0.0);
    const int32_t s = p.adapter_of[t];
    const int32_t none[kAdapterFields] = {};
    const int32_t* row = s < 0 ? none : p.table + s * int64_t{kAdapterFields};
    const auto type = static_cast<Type>(row[kElements]);
    for (int64_t r = 0; r < row[kRank]; ++r) {
      double product = 0.0;
      double magnitude = 0.0;
      for (int64_t k = 0; k < p.K; ++k) {
        const double term = static_cast<double>(static_cast<const float*>(p.x)[t * p.x_ld + k]) *
                            element(p.pool + row[kBeginA] * kPoolUnit, type, r * p.K + k);
        product += term;
        magnitude += std::fabs(term);
      }
      const double scale = static_cast<double>(p.scales[s]);
      for (int64_t n = 0; n < p.N; ++n) {
        const double b = element(p.pool + row[kBeginB] * kPoolUnit, type, r * p.N + n);
        sums[static_cast<size_t>(n)] += scale * product * b;
        magnitudes[static_cast<size_t>(n)] += std::fabs(scale * b) * magnitude;
      }
    }
    const double roundings = static_cast<double>(p.K + 3 + row[kRank]);
    for (size_t n = 0; n < sums.size(); ++n) {
      const double last = row[kRank] == 0 ? 0.0 : std::fabs(sums[n]);
      out.push_back({sums[n], (roundings * magnitudes[n] + last) * kRounding});
    }
  }
  return out;
}

// The indices of x [n] from the largest on, ties by lower index, NaN first.
inline std::vector<int32_t> order(const float* x, int64_t n, const uint32_t* mask = nullptr) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < n; ++i) {
    if (mask == nullptr || (mask[i / 32] >> (i % 32) & 1u) != 0)
      ids.push_back(static_cast<int32_t>(i));
  }
  std::stable_sort(ids.begin(), ids.end(), [x](int32_t a, int32_t b) {
    return x[a] > x[b] || (std::isnan(x[a]) && !std::isnan(x[b]));
  });
  return ids;
}

}  // namespace bc::reference
