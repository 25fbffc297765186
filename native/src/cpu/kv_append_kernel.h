// kv_append: stores each token's keys and values in the page and slot of its position.
//
// Shapes  qkv [T,3C], of which the last [T,2C] are read; pages [pages,2,H,64,D] f32, f16, bf16 or
//         i8; scales [pages,2,H,64] for i8. D is a multiple of 16.
// Method  Rounds to nearest even. i8: scale = max|x| / 127 over the D numbers of one head and
//         position.
// Bound   Memory: 2TC (4 + bytes of an element).
// Source  Pages: Kwon et al. 2023, arXiv:2309.06180
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct KvAppend {
  using F = typename V::F;

  static void quantize(int8_t* out, float* scale, const float* x, int64_t D) {
    F peaks = V::set(0.0f);
    for (int64_t d = 0; d < D; d += 16) peaks = V::max(V::abs(V::load(x + d)), peaks);
    const float peak = V::largest(peaks);
    const F inverse = V::set(peak > 0.0f ? 127.0f / peak : 0.0f);
    for (int64_t d = 0; d < D; d += 16) {
      const F q = V::round(V::mul(V::load(x + d), inverse));
      V::store(out + d, V::max(V::min(q, V::set(127.0f)), V::set(-127.0f)));
    }
    *scale = peak / 127.0f;
  }

  template <class E>
  static void tokens(const KvAppendParams& p, int64_t begin, int64_t end) {
    const Ragged& r = p.batch;
    const int64_t C = p.H * p.D;
    int64_t b = 0;
    for (int64_t t = begin; t < end; ++t) {
      while (r.offsets[b + 1] <= t) ++b;
      const int64_t page = r.table[b * r.P + r.positions[t] / kPageSize];
      const int64_t slot = r.positions[t] % kPageSize;
      for (int64_t i = 0; i < 2 * p.H; ++i) {  // H heads of keys, then H of values
        const float* x = static_cast<const float*>(p.qkv) + t * p.ld + C + i * p.D;
        const int64_t row = (page * 2 * p.H + i) * kPageSize + slot;
        E* out = static_cast<E*>(p.pages) + row * p.D;
        if constexpr (sizeof(E) == 1) {
          quantize(out, p.scales + row, x, p.D);
        } else {
          for (int64_t d = 0; d < p.D; d += 16) V::store(out + d, V::load(x + d));
        }
      }
    }
  }

  static void run(const KvAppendParams& p, int64_t begin, int64_t end) {
    if (p.pages_type == Type::f32) tokens<float>(p, begin, end);
    if (p.pages_type == Type::f16) tokens<f16>(p, begin, end);
    if (p.pages_type == Type::bf16) tokens<bf16>(p, begin, end);
    if (p.pages_type == Type::i8) tokens<int8_t>(p, begin, end);
  }
};

}  // namespace bc::cpu
