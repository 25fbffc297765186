// embed: out[t,:] = table[ids[t],:]
//
// Shapes  out [T,C]; ids [T]; table [V,C] f32, f16 or bf16.
// Method  One row after the other, widened to f32.
// Bound   Memory: TC (4 + bytes of an element of the table).
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct Embed {
  template <class W>
  static void rows(const EmbedParams& p, int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const W* row = static_cast<const W*>(p.table) + p.ids[t] * p.table_ld;
      float* out = static_cast<float*>(p.out) + t * p.out_ld;
      int64_t c = 0;
      for (; c + 16 <= p.C; c += 16) V::store(out + c, V::load(row + c));
      if (c < p.C) V::store(out + c, V::load(row + c, p.C - c), p.C - c);
    }
  }

  static void run(const EmbedParams& p, int64_t begin, int64_t end) {
    if (p.table_type == Type::f32) rows<float>(p, begin, end);
    if (p.table_type == Type::f16) rows<f16>(p, begin, end);
    if (p.table_type == Type::bf16) rows<bf16>(p, begin, end);
  }
};

}  // namespace bc::cpu
