// What does matmul make of x before it multiplies? Blocks of rows, in the order in which kernels read.
//
// A block has `rows` rows of x; the last block has those that are left. Its groups of 32 columns
// follow each other, and a group has for each row, one row after the other:
//   int8  32 codes; then for each row the scale f32, then for each row minus the sum of its codes,
//         int32: 40 bytes a row
//   bf16  32 numbers, beyond K zeros: 64 bytes a row
// Kernels read a block front to back, whatever the distance of the rows in x is: rows that are 4096
// floats apart would share 8 ways of the first-level cache.
#pragma once

#include "ops.h"
#include "quant.h"

namespace bc::cpu {

constexpr int64_t kInt8Row = kGroup + 4 + 4;
constexpr int64_t kBf16Row = kGroup * 2;

template <class V>
struct MatmulInput {
  using F = typename V::F;

  // Symmetric int8. A NaN or an infinity makes its group's scale NaN, which the result shows.
  static void int8(const MatmulParams& p, uint8_t* block, int64_t m0, int64_t m1, int64_t g0,
                   int64_t g1) {
    const int64_t rows = m1 - m0;
    for (int64_t g = g0; g < g1; ++g) {
      uint8_t* codes = block + g * rows * kInt8Row;
      uint8_t* scales = codes + rows * kGroup;
      uint8_t* sums = scales + rows * 4;
      for (int64_t r = 0; r < rows; ++r) {
        const float* x = static_cast<const float*>(p.x) + (m0 + r) * p.x_ld + g * kGroup;
        const F a = V::load(x);
        const F b = V::load(x + 16);
        const F zero = V::set(0.0f);
        const float poison = V::sum(V::add(V::mul(a, zero), V::mul(b, zero)));
        const float peak = V::largest(V::max(V::abs(a), V::abs(b)));
        const F inverse = V::set(peak > 1e-30f ? 127.0f / peak : 0.0f);
        const F p127 = V::set(127.0f);
        const F m127 = V::set(-127.0f);
        // The constant comes second: it stands where a NaN would.
        const F qa = V::round(V::max(V::min(V::mul(a, inverse), p127), m127));
        const F qb = V::round(V::max(V::min(V::mul(b, inverse), p127), m127));
        V::store(reinterpret_cast<int8_t*>(codes + r * kGroup), qa);
        V::store(reinterpret_cast<int8_t*>(codes + r * kGroup + 16), qb);
        const float scale = peak / 127.0f + poison;
        const int32_t sum = -static_cast<int32_t>(V::sum(V::add(qa, qb)));
        __builtin_memcpy(scales + r * 4, &scale, 4);
        __builtin_memcpy(sums + r * 4, &sum, 4);
      }
    }
  }

  static void bf16_pairs(const MatmulParams& p, uint8_t* block, int64_t m0, int64_t m1, int64_t g0,
                         int64_t g1) {
    const int64_t rows = m1 - m0;
    for (int64_t g = g0; g < g1; ++g) {
      bf16* out = reinterpret_cast<bf16*>(block + g * rows * kBf16Row);
      for (int64_t r = 0; r < rows; ++r) {
        const float* x = static_cast<const float*>(p.x) + (m0 + r) * p.x_ld + g * kGroup;
        for (int64_t i = 0; i < kGroup; i += 16) {
          const int64_t left = p.K - g * kGroup - i;
          V::store(out + r * kGroup + i, left >= 16 ? V::load(x + i)
                                         : left > 0 ? V::load(x + i, left)
                                                    : V::set(0.0f));
        }
      }
    }
  }
};

}  // namespace bc::cpu
