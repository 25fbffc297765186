// matmul of codes of 2 to 6 and 8 bits (BC_CODES) by x rounded to int8, and by x as it is.
//
// Shapes  x [M,K]; w [N,K] in packed panels of blocks and groups (quant.h); row_scale and bias [N] or
//         none; out [M,N].
// Method  As in matmul_int8.h, whose tiles these are, after a weight is written as s (q - c) - lift with c
//         the middle 2^(bits-1): lift is 0 (symmetric), s (z - c) or -(m + s c). So dot products are
//         exact integers of small numbers whatever the zero is, and the sum of a group's x, times the
//         lift, is taken off. A grid's zero is an integer of eighths, as in q4, and so is c for at most 4
//         bits; codes of more bits are dotted as signed bytes.
//           Few rows   Blocks are unpacked to registers as they stream by: a mask, or a shift and a mask,
//                      twice and an OR for codes whose bits lie in two vectors.
//           Many rows  Blocks are unpacked to what matmul_int8.h unpacks q4 or q8 to.
//         By x in f32 a block is unpacked to bytes, and a weight is s q + base, rounded once.
// Bound   M = 1: the bytes of w, (bits + 16 / group) / 8 a weight, 32 for 16 with a zero or a least number.
//         Large M: that of matmul_int8.h, and with a lift a multiply-add more for each m, n and 32 k.
#pragma once

#include "cpu/matmul/matmul_int8.h"

namespace bc::cpu {

// What a group has beside its codes, as the kernels see it: grids, scales, or scales and lifts.
enum class GroupKind { grid, scaled, lifted };

static inline GroupKind group_kind(CodeForm form) {
  if (form == CodeForm::grid) return GroupKind::grid;
  return form == CodeForm::symmetric ? GroupKind::scaled : GroupKind::lifted;
}

// The codes of a block in registers: quad(block, j) has columns 4j to 4j + 3.
template <class V, int kBits>
struct BlockQuads {
  using I = typename V::I;
  static constexpr int64_t bytes = 64 * kBits;

  static I quad(const uint8_t* block, int j) {
    constexpr int low = low_bits(kBits);
    constexpr int high = kBits - low;
    if constexpr (kBits == 3) {
      if (j < 6) return V::field(V::load_bytes(block + 64 * (j / 2)), j % 2 * 3, 7);
      return V::join(V::field(V::load_bytes(block + 64 * (j - 6)), 6, 3),
                     V::field(V::load_bytes(block + 128), j - 2, 4));
    } else if constexpr (kBits == 8) {
      return V::load_bytes(block + 64 * j);
    } else {
      const I q = V::field(V::load_bytes(block + 64 * (j % low)), j / low * low, (1 << low) - 1);
      if constexpr (high == 0) {
        return q;
      } else {
        return V::join(q, V::field(V::load_bytes(block + 64 * (low + j % high)),
                                   j / high * high - low, ((1 << high) - 1) << low));
      }
    }
  }
};

template <class V, int kBits, GroupKind kKind>
struct MatmulCodes {
  using F = typename V::F;
  using I = typename V::I;
  using Int8 = MatmulInt8<V>;
  using Quads = BlockQuads<V, kBits>;

  static constexpr bool kNibbles = kBits <= 4;  // dotted as codes 0 to 15
  static constexpr bool kLifted = kKind == GroupKind::lifted;
  static constexpr int kMiddle = 1 << (kBits - 1);
  static constexpr int64_t kTail = kLifted ? 2 * kScales : kScales;

  // Of 16 rows: the factor of an integer dot product (of nibbles, of eighths), the zero in eighths, and
  // what is taken off.
  struct Line {
    F scale;
    I zero;
    F lift;
  };
  static Line line(const uint8_t* tail, CodeForm form) {
    Line line;
    const F eighth = V::set(1.0f / kGridZeros);
    if constexpr (kKind == GroupKind::grid) {
      line.scale = V::mul(V::grid_scale(tail), eighth);
      line.zero = V::grid_zero_steps(tail);
    } else {
      const F scale = V::load(reinterpret_cast<const f16*>(tail));
      line.scale = kNibbles ? V::mul(scale, eighth) : scale;
      line.zero = V::set_int(8 * kMiddle);
      if constexpr (kLifted) {
        const F number = V::load(reinterpret_cast<const f16*>(tail + kScales));
        const F middle = V::set(static_cast<float>(kMiddle));
        line.lift = form == CodeForm::zero
                        ? V::mul(scale, V::sub(number, middle))
                        : V::sub(V::set(0.0f), V::add(V::mul(scale, middle), number));
      }
    }
    return line;
  }

  struct OfNibbles : Int8::Nibbles {
    static I quad(const uint8_t* block, int j) { return Quads::quad(block, j); }
    static I total(typename V::NibbleSum sum, const uint8_t*, const uint8_t*) {
      return V::total(sum);
    }
  };
  struct OfBytes : Int8::Bytes {
    // Where bytes are dotted without a sign, what the middle takes off comes first.
    static I start(const uint8_t* minus_sum) {
      if constexpr (V::signed_bytes) return V::set_int(0);
      int32_t sum;
      __builtin_memcpy(&sum, minus_sum, 4);
      return V::set_int(sum * kMiddle);
    }
    static I quad(const uint8_t* block, int j) {
      const I q = Quads::quad(block, j);
      return V::signed_bytes ? V::less_offset(q, kMiddle) : q;
    }
    static I total(I sum, const uint8_t*, const uint8_t*) { return sum; }
  };
  using Packed = std::conditional_t<kNibbles, OfNibbles, OfBytes>;

  // acc += MR rows of x by a block.
  template <int MR>
  static inline void add_block(const uint8_t* x, const uint8_t* w, const Line& of, F (&acc)[MR]) {
    I dot[MR][1];
    Int8::template dots<Packed, MR, 1>(x, {w}, dot);
    const uint8_t* scales = x + MR * kGroup;
    const uint8_t* sums = scales + MR * 4;
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
      const I exact = kNibbles ? V::eight_less_zero(dot[r][0], of.zero, sums + 4 * r) : dot[r][0];
      acc[r] = V::fma(V::mul(V::to_floats(exact), of.scale), V::broadcast(scales + 4 * r), acc[r]);
      if constexpr (kLifted)
        acc[r] = Int8::less_lift(acc[r], of.lift, scales + 4 * r, sums + 4 * r);
    }
  }

  // Few rows: [0, MR) by panels [u0, u1), groups of kBlocks blocks, or where that is 0 of as many as the type
  // says.
  template <int MR, int kBlocks>
  static void stream(const MatmulParams& p, const uint8_t* x, int64_t u0, int64_t u1) {
    const CodeForm form = format_of(p.w_type).form;
    const int64_t blocks = kBlocks > 0 ? kBlocks : group_columns(p.w_type) / kGroup;
    const int64_t groups = p.K / kGroup / blocks;
    const int64_t codes = blocks * Quads::bytes;
    const uint8_t* w = static_cast<const uint8_t*>(p.w) + u0 * groups * (codes + kTail);
    for (int64_t u = u0; u < u1; ++u) {
      const uint8_t* a = x;
      F acc[MR];
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) acc[r] = V::set(0.0f);
      if constexpr (kBlocks > 0) {
        for (int64_t g = 0; g < groups; ++g, w += codes + kTail) {
          const Line of = line(w + codes, form);
#pragma GCC unroll 4
          for (int b = 0; b < kBlocks; ++b, a += MR * kInt8Row)
            add_block<MR>(a, w + b * Quads::bytes, of, acc);
        }
      } else {
        // One loop over blocks: with one inside of another, groups of 64 took a fifth more time.
        const uint8_t* tail = w + codes;
#pragma GCC unroll 2
        for (int64_t b = 0; b < groups * blocks; ++b, a += MR * kInt8Row) {
          add_block<MR>(a, w, line(tail, form), acc);
          w += Quads::bytes;
          const bool last = w == tail;
          w += last ? kTail : 0;
          tail += last ? codes + kTail : 0;
        }
      }
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) Int8::store(p, r, u, acc[r]);
    }
  }

  // One row has too little to do to count blocks as well: with their number known, 3 bits in groups of 64 take
  // 0.75 of the time (EPYC Zen 5).
  template <int MR = V::few>
  static void few(const MatmulParams& p, const uint8_t* x, int64_t u0, int64_t u1) {
    if constexpr (MR > 1) {
      if (p.M < MR) return few<MR - 1>(p, x, u0, u1);
      stream<MR, 0>(p, x, u0, u1);
    } else {
      switch (group_columns(p.w_type) / kGroup) {
        case 1:
          return stream<1, 1>(p, x, u0, u1);
        case 2:
          return stream<1, 2>(p, x, u0, u1);
        default:
          return stream<1, 4>(p, x, u0, u1);
      }
    }
  }

  // Many rows: depth blocks, of whole groups, as Tile reads them.
  using Plain = std::conditional_t<kNibbles && !V::wide, typename Int8::UnpackedNibbles,
                                   typename Int8::UnpackedBytes>;
  using Tile = std::conditional_t<kLifted, typename Int8::template Lifted<Plain>, Plain>;

  static void unpack(const uint8_t* w, CodeForm form, int64_t blocks, int64_t depth, uint8_t* out) {
    for (int64_t g = 0; g < depth; g += blocks, w += kTail) {
      const Line of = line(w + blocks * Quads::bytes, form);
      for (int64_t b = 0; b < blocks; ++b, w += Quads::bytes, out += Tile::stride) {
        for (int j = 0; j < 8; ++j) {
          if constexpr (!kNibbles) {
            V::store_bytes(out + 64 * j, V::less_offset(Quads::quad(w, j), kMiddle));
          } else if constexpr (V::wide) {
            V::store_bytes(out + 64 * j,
                           V::eight_plus(Packed::quad(w, j), V::offset_bytes(of.zero)));
          } else {
            V::store_bytes(out + 64 * j, Packed::quad(w, j));
          }
        }
        V::store(reinterpret_cast<float*>(out + 512), of.scale);
        if constexpr (kNibbles && !V::wide) V::store_bytes(out + 576, of.zero);
        if constexpr (kLifted) V::store(reinterpret_cast<float*>(out + kUnpackedGroup), of.lift);
      }
    }
  }

  static void run(const MatmulParams& p, const uint8_t* x, int64_t m0, int64_t m1, int64_t u0,
                  int64_t u1, uint8_t* scratch) {
    if (p.M <= V::few) return few(p, x, u0, u1);
    const int64_t blocks = group_columns(p.w_type) / kGroup;
    const int64_t groups = p.K / kGroup / blocks;
    const int64_t stride = group_bytes(p.w_type);
    // A depth of 16 blocks is one of whole groups, which have 4 at most.
    Int8::template many<Tile>(
        p, x, m0, m1, u0, u1, scratch, [&](int64_t u, int64_t b0, int64_t depth, uint8_t* out) {
          unpack(static_cast<const uint8_t*>(p.w) + (u * groups + b0 / blocks) * stride,
                 format_of(p.w_type).form, blocks, depth, out);
        });
  }
};

// By x in f32. One kernel for all codes, because unpacking takes a small part of its time.
template <class V>
struct MatmulCodesExact {
  using F = typename V::F;

  // A block as bytes q, and what its rows make of them: scale q + base.
  struct alignas(64) Block {
    uint8_t quads[kQ8Values];
    float scale[kPanel];
    float base[kPanel];
  };
  using Widen = void (*)(const uint8_t* block, uint8_t* quads);

  template <int kBits>
  static void widen(const uint8_t* block, uint8_t* quads) {
    for (int j = 0; j < 8; ++j)
      V::store_bytes(quads + 64 * j, BlockQuads<V, kBits>::quad(block, j));
  }
  static Widen widen_of(int bits) {
    switch (bits) {
      case 2:
        return &widen<2>;
      case 3:
        return &widen<3>;
      case 4:
        return &widen<4>;
      case 5:
        return &widen<5>;
      case 6:
        return &widen<6>;
      default:
        return &widen<8>;
    }
  }

  static void line(CodeFormat format, const uint8_t* tail, Block& block) {
    const auto less = [](F x) { return V::sub(V::set(0.0f), x); };
    F scale;
    F base;
    if (format.form == CodeForm::grid) {
      scale = V::grid_scale(tail);
      base = less(V::mul(scale, V::mul(V::grid_zero(tail), V::set(1.0f / kGridZeros))));
    } else {
      scale = V::load(reinterpret_cast<const f16*>(tail));
      if (format.form == CodeForm::symmetric) {
        base = less(V::mul(scale, V::set(static_cast<float>(1 << (format.bits - 1)))));
      } else {
        base = V::load(reinterpret_cast<const f16*>(tail + kScales));
        if (format.form == CodeForm::zero) base = less(V::mul(scale, base));
      }
    }
    V::store(block.scale, scale);
    V::store(block.base, base);
  }

  template <int MR, int NP>
  static void block(const MatmulParams& p, int64_t m, int64_t u, Widen widen) {
    const CodeFormat format = format_of(p.w_type);
    const int64_t blocks = group_columns(p.w_type) / kGroup;
    const int64_t groups = p.K / kGroup / blocks;
    const int64_t bytes = group_bytes(p.w_type);
    F acc[MR][NP];
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) acc[r][n] = V::set(0.0f);
    }
    Block of[NP];
    for (int64_t k = 0; k < p.K; k += kGroup) {
      const int64_t b = k / kGroup % blocks;
      for (int n = 0; n < NP; ++n) {
        const uint8_t* group =
            static_cast<const uint8_t*>(p.w) + ((u + n) * groups + k / kGroup / blocks) * bytes;
        if (b == 0) line(format, group + value_bytes(p.w_type), of[n]);
        widen(group + b * 64 * format.bits, of[n].quads);
      }
      const float* a = static_cast<const float*>(p.x) + m * p.x_ld + k;
      for (int j = 0; j < 8; ++j) {
        for (int c = 0; c < 4; ++c) {
          for (int n = 0; n < NP; ++n) {
            const F q = V::byte(V::load_bytes(of[n].quads + 64 * j), c);
            const F w = V::fma(q, V::load(of[n].scale), V::load(of[n].base));
            for (int r = 0; r < MR; ++r)
              acc[r][n] = V::fma(w, V::set(a[r * p.x_ld + 4 * j + c]), acc[r][n]);
          }
        }
      }
    }
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) MatmulInt8<V>::store(p, m + r, u + n, acc[r][n]);
    }
  }

  template <int NP, int MR = V::exact_rows>
  static void rows_of(const MatmulParams& p, int64_t m0, int64_t m1, int64_t u, Widen widen) {
    for (; m0 + MR <= m1; m0 += MR) block<MR, NP>(p, m0, u, widen);
    if constexpr (MR > 1) {
      if (m0 < m1) rows_of<NP, MR - 1>(p, m0, m1, u, widen);
    }
  }

  static void run(const MatmulParams& p, const uint8_t*, int64_t m0, int64_t m1, int64_t u0,
                  int64_t u1, uint8_t*) {
    const Widen widen = widen_of(format_of(p.w_type).bits);
    for (; u0 + V::panels <= u1; u0 += V::panels) rows_of<V::panels>(p, m0, m1, u0, widen);
    for (; u0 < u1; ++u0) rows_of<1>(p, m0, m1, u0, widen);
  }
};

}  // namespace bc::cpu
