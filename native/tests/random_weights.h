// Weights of every type for the tests of products: any codes, with scales and zeros near those of normal
// numbers.
#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "quant.h"

namespace bc::test {

// w [N,K] in rows, or in the CPU's panels.
inline std::vector<uint8_t> random_weights(Type type, int64_t N, int64_t K, Random& random) {
  const bool packed = is_quantized(type);
  const int64_t bytes = packed ? packed_bytes(type, N, K) : N * K * element_bytes(type);
  std::vector<uint8_t> w(static_cast<size_t>(bytes));
  if (!packed) {
    for (int64_t i = 0; i < N * K; ++i) {
      const float value = random.normal();
      if (type == Type::f32) reinterpret_cast<float*>(w.data())[i] = value;
      if (type == Type::f16) reinterpret_cast<f16*>(w.data())[i] = to_f16(value);
      if (type == Type::bf16) reinterpret_cast<bf16*>(w.data())[i] = to_bf16(value);
    }
    return w;
  }
  const int64_t size = group_bytes(type);
  const int64_t values = value_bytes(type);
  const bool grid = type == Type::q4 || (is_codes(type) && format_of(type).form == CodeForm::grid);
  const float middle = is_codes(type) ? std::ldexp(1.0f, format_of(type).bits - 1) - 0.5f : 7.5f;
  // As far from end to end as 4 bits are.
  const float step = is_codes(type) ? std::ldexp(1.0f, 4 - format_of(type).bits) : 1.0f;
  for (int64_t g = 0; g < bytes / size; ++g) {
    uint8_t* group = w.data() + g * size;
    for (int64_t i = 0; i < values; ++i)
      group[i] = static_cast<uint8_t>(random.bits() | (type == Type::q8));
    for (int64_t n = 0; n < kPanel; ++n) {
      const float s = step * (0.01f + 0.1f * static_cast<float>(random.uniform()));
      const float z = middle + random.normal();
      const uint16_t scale = type == Type::q8 ? to_bf16(s).bits
                             : grid           ? bits_of(Q4Grid{grid_scale(s, false), std::fabs(z)})
                                              : to_f16(s).bits;
      std::memcpy(group + values + 2 * n, &scale, 2);
      if (size == values + kScales) continue;
      const uint16_t zero = to_f16(format_of(type).form == CodeForm::zero ? z : -z * s).bits;
      std::memcpy(group + values + kScales + 2 * n, &zero, 2);
    }
  }
  return w;
}

}  // namespace bc::test
