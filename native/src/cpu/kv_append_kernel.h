// kv_append: stores each token's keys and values in the page and slot of its position.
//
// Shapes  qkv [T,(H+2G)D], of which the last [T,2GD] are read; pages [pages,2,G,64,D] f32, f16, bf16
//         or i8; scales [pages,2,G,64] for i8. D is a multiple of 8: the last vector may be half one.
// Method  Rounds to nearest even. i8: scale = max|x| / 127 over the D numbers of one head and
//         position.
// Bound   Memory: 2TGD (4 + bytes of an element).
// Source  Pages: Kwon et al. 2023, arXiv:2309.06180
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct KvAppend {
  using F = typename V::F;

  static void quantize(int8_t* out, float* scale, const float* x, int64_t D) {
    const int64_t whole = D / 16 * 16;
    F peaks = V::set(0.0f);
    for (int64_t d = 0; d < whole; d += 16) peaks = V::max(V::abs(V::load(x + d)), peaks);
    if (whole < D) peaks = V::max(V::abs(V::load(x + whole, D - whole)), peaks);
    const float peak = V::largest(peaks);
    const F inverse = V::set(peak > 0.0f ? 127.0f / peak : 0.0f);
    const auto code = [inverse](F a) {
      return V::max(V::min(V::round(V::mul(a, inverse)), V::set(127.0f)), V::set(-127.0f));
    };
    for (int64_t d = 0; d < whole; d += 16) V::store(out + d, code(V::load(x + d)));
    if (whole < D) V::store(out + whole, code(V::load(x + whole, D - whole)), D - whole);
    *scale = peak / 127.0f;
  }

  template <class E>
  static void tokens(const KvAppendParams& p, int64_t begin, int64_t end) {
    const Ragged& r = p.batch;
    const int64_t whole = p.D / 16 * 16;
    int64_t b = 0;
    for (int64_t t = begin; t < end; ++t) {
      while (r.offsets[b + 1] <= t) ++b;
      const int64_t page = r.table[b * r.P + r.positions[t] / kPageSize];
      const int64_t slot = r.positions[t] % kPageSize;
      for (int64_t i = 0; i < 2 * p.G; ++i) {  // G heads of keys, then G of values
        const float* x = static_cast<const float*>(p.qkv) + t * p.ld + (p.H + i) * p.D;
        const int64_t row = (page * 2 * p.G + i) * kPageSize + slot;
        E* out = static_cast<E*>(p.pages) + row * p.D;
        if constexpr (sizeof(E) == 1) {
          quantize(out, p.scales + row, x, p.D);
        } else {
          for (int64_t d = 0; d < whole; d += 16) V::store(out + d, V::load(x + d));
          if (whole < p.D) V::store(out + whole, V::load(x + whole, p.D - whole), p.D - whole);
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
