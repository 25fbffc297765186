// matmul of q8 and q4 weights by x rounded to int8 (matmul_input.h). docs/cpu-kernels.md has the
// choices.
//
// Shapes  x [M,K]; w [N,K] in packed panels (quant.h); row_scale and bias [N] or none; out [M,N].
// Method  The lanes are 16 rows of w, and a quad of x is broadcast: nothing is added across lanes. The
//         dot product over a group of 32 is an exact integer; it is converted, multiplied by the
//         scale of w and added, times the scale of x. An output's additions come in the order of its
//         groups, whatever M is: a row's result does not depend on its batch.
//           Few rows   Panels stream by, and q4 codes are dotted as they are; what their zeros take
//                      off follows: s (q - z) = s/8 (8 q - 8z) with 8z an integer.
//           Many rows  Of two panels 16 groups are unpacked to a byte a weight, which for q4 is
//                      8 q - 8z + 128 (1 to 248), while all rows of a task pass by.
// Bound   M = 1: the bytes of w, 0.5625 (q4) or 1.0625 (q8) a weight. Large M: 80 % of the peak of dot
//         products, since 2 of 10 instructions of those ports multiply by scales.
#pragma once

#include <type_traits>

#include "cpu/matmul/matmul_input.h"

namespace bc::cpu {

constexpr int64_t kDepth = 16;                       // groups unpacked at a time
constexpr int64_t kUnpackedGroup = 8 * 64 + 2 * 64;  // bytes, then scales f32 and 8z int32

template <class V>
struct MatmulInt8 {
  using F = typename V::F;
  using I = typename V::I;

  // How a group is dotted: as bytes, whose offset the sum starts with, or as codes 0 to 15, from whose
  // sum the zero's part is taken off at the end.
  struct Bytes {
    using Sum = I;
    static Sum start(const uint8_t* minus_sum) { return V::bytes_start(minus_sum); }
    template <class Q>
    static Sum add(Sum sum, I w, Q x) {
      return V::dot_bytes(sum, w, x);
    }
  };
  struct Nibbles {
    using Sum = typename V::NibbleSum;
    static Sum start(const uint8_t*) { return V::no_nibbles(); }
    template <class Q>
    static Sum add(Sum sum, I w, Q x) {
      return V::dot_nibbles(sum, w, x);
    }
  };

  // A tile reads groups as they are packed, or unpacked. quad(g, j) has columns 4j to 4j + 3.
  struct PackedQ8 : Bytes {
    static constexpr bool lifted = false;
    static constexpr int64_t stride = kQ8Values + kScales;
    static I quad(const uint8_t* g, int j) { return V::code_bytes(V::load_bytes(g + 64 * j)); }
    static F scale(const uint8_t* g) {
      return V::load(reinterpret_cast<const bf16*>(g + kQ8Values));
    }
    static I total(I sum, const uint8_t*, const uint8_t*) { return sum; }
  };
  struct PackedQ4 : Nibbles {
    static constexpr bool lifted = false;
    static constexpr int64_t stride = kQ4Values + kScales;
    static I quad(const uint8_t* g, int j) {
      return j < 4 ? V::low_nibbles(V::load_bytes(g + 64 * j))
                   : V::high_nibbles(V::load_bytes(g + 64 * (j - 4)));
    }
    static F scale(const uint8_t* g) {
      return V::mul(V::grid_scale(g + kQ4Values), V::set(1.0f / kGridZeros));
    }
    static I zero(const uint8_t* g) { return V::grid_zero_steps(g + kQ4Values); }
    static I total(typename V::NibbleSum sum, const uint8_t* g, const uint8_t* minus_sum) {
      return V::eight_less_zero(V::total(sum), zero(g), minus_sum);
    }
  };
  struct Unpacked {
    static constexpr int64_t stride = kUnpackedGroup;
    static constexpr bool lifted = false;
    static I quad(const uint8_t* g, int j) { return V::load_bytes(g + 64 * j); }
    static F scale(const uint8_t* g) { return V::load(reinterpret_cast<const float*>(g + 512)); }
  };
  struct UnpackedBytes : Unpacked, Bytes {
    static I total(I sum, const uint8_t*, const uint8_t*) { return sum; }
  };
  struct UnpackedNibbles : Unpacked, Nibbles {
    static I total(typename V::NibbleSum sum, const uint8_t* g, const uint8_t* minus_sum) {
      return V::eight_less_zero(V::total(sum), V::load_bytes(g + 576), minus_sum);
    }
  };

  // What all weights of a group have besides: the sum of x times the lift is taken off (matmul_codes.h).
  template <class S>
  struct Lifted : S {
    static constexpr int64_t stride = kUnpackedGroup + 64;
    static constexpr bool lifted = true;
    static F lift(const uint8_t* g) {
      return V::load(reinterpret_cast<const float*>(g + kUnpackedGroup));
    }
  };
  static F less_lift(F acc, F lift, const uint8_t* scale, const uint8_t* minus_sum) {
    float s;
    int32_t sum;
    __builtin_memcpy(&s, scale, 4);
    __builtin_memcpy(&sum, minus_sum, 4);
    return V::fma(lift, V::set(static_cast<float>(sum) * s), acc);
  }

  // Dot products of one group: rows of x from `codes` on by panels.
  template <class S, int MR, int NP>
  static inline void dots(const uint8_t* codes, const uint8_t* const (&w)[NP], I (&dot)[MR][NP]) {
    const uint8_t* sums = codes + MR * (kGroup + 4);
    typename S::Sum part[MR][NP];
#pragma GCC unroll 16
    for (int r = 0; r < MR; ++r) {
      const typename S::Sum start = S::start(sums + 4 * r);
#pragma GCC unroll 16
      for (int n = 0; n < NP; ++n) part[r][n] = start;
    }
#pragma GCC unroll 16
    for (int j = 0; j < 8; ++j) {
      I v[NP];
#pragma GCC unroll 16
      for (int n = 0; n < NP; ++n) v[n] = S::quad(w[n], j);
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) {
        const auto q = V::broadcast4(codes + r * kGroup + 4 * j);
#pragma GCC unroll 16
        for (int n = 0; n < NP; ++n) part[r][n] = S::add(part[r][n], v[n], q);
      }
    }
#pragma GCC unroll 16
    for (int n = 0; n < NP; ++n) {
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) dot[r][n] = S::total(part[r][n], w[n], sums + 4 * r);
    }
  }

  // acc += groups of x [MR] by panels w [NP]; both move on.
  template <class S, int MR, int NP>
  static inline void tile(const uint8_t* x, const uint8_t* (&w)[NP], int64_t groups,
                          F (&acc)[MR][NP]) {
    for (int64_t g = 0; g < groups; ++g, x += MR * kInt8Row) {
      I dot[MR][NP];
      dots<S, MR, NP>(x, w, dot);
      const uint8_t* scales = x + MR * kGroup;
#pragma GCC unroll 16
      for (int n = 0; n < NP; ++n) {
        const F scale = S::scale(w[n]);
#pragma GCC unroll 16
        for (int r = 0; r < MR; ++r) {
          acc[r][n] = V::fma(V::mul(V::to_floats(dot[r][n]), scale), V::broadcast(scales + 4 * r),
                             acc[r][n]);
          if constexpr (S::lifted)
            acc[r][n] = less_lift(acc[r][n], S::lift(w[n]), scales + 4 * r, scales + 4 * (MR + r));
        }
        w[n] += S::stride;
      }
    }
  }

  // Few rows: [0, MR) by panels [u0, u1).
  template <class S, int MR>
  static void stream(const MatmulParams& p, const uint8_t* x, int64_t u0, int64_t u1) {
    const int64_t groups = p.K / kGroup;
    for (int64_t u = u0; u < u1; ++u) {
      const uint8_t* w[1] = {static_cast<const uint8_t*>(p.w) + u * groups * S::stride};
      F acc[MR][1];
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) acc[r][0] = V::set(0.0f);
      tile<S, MR, 1>(x, w, groups, acc);
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) store(p, r, u, acc[r][0]);
    }
  }

  template <class S, int MR = V::few>
  static void few(const MatmulParams& p, const uint8_t* x, int64_t u0, int64_t u1) {
    if (p.M == MR) return stream<S, MR>(p, x, u0, u1);
    if constexpr (MR > 1) few<S, MR - 1>(p, x, u0, u1);
  }

  // Many rows: unpacked panels in scratch, a block of x, partial sums [panel][row][16].
  template <class S, int MR, int NP>
  static void block(const uint8_t* x, const uint8_t* unpacked, int64_t groups, float* sums,
                    int64_t panel_sums, bool first) {
    const uint8_t* w[NP];
    F acc[MR][NP];
#pragma GCC unroll 16
    for (int n = 0; n < NP; ++n) {
      w[n] = unpacked + n * kDepth * S::stride;
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) {
        acc[r][n] = first ? V::set(0.0f) : V::load(sums + n * panel_sums + r * kPanel);
      }
    }
    tile<S, MR, NP>(x, w, groups, acc);
#pragma GCC unroll 16
    for (int n = 0; n < NP; ++n) {
#pragma GCC unroll 16
      for (int r = 0; r < MR; ++r) V::store(sums + n * panel_sums + r * kPanel, acc[r][n]);
    }
  }

  // Rows of one block, of which there may be fewer than V::rows.
  template <class S, int NP, int MR = V::rows>
  static void block_of(int64_t rows, const uint8_t* x, const uint8_t* unpacked, int64_t groups,
                       float* sums, int64_t panel_sums, bool first) {
    if (rows == MR) return block<S, MR, NP>(x, unpacked, groups, sums, panel_sums, first);
    if constexpr (MR > 1)
      block_of<S, NP, MR - 1>(rows, x, unpacked, groups, sums, panel_sums, first);
  }

  template <Type kType>
  static void unpack(const uint8_t* w, uint8_t* out, int64_t groups) {
    using S = std::conditional_t<kType == Type::q8, PackedQ8, PackedQ4>;
    for (int64_t g = 0; g < groups; ++g, w += S::stride, out += kUnpackedGroup) {
      V::store(reinterpret_cast<float*>(out + 512), S::scale(w));
      if constexpr (kType == Type::q8) {
        for (int j = 0; j < 8; ++j) V::store_bytes(out + 64 * j, S::quad(w, j));
      } else if constexpr (V::wide) {
        const I offset = V::offset_bytes(S::zero(w));
        for (int j = 0; j < 8; ++j)
          V::store_bytes(out + 64 * j, V::eight_plus(S::quad(w, j), offset));
      } else {
        V::store_bytes(out + 576, S::zero(w));
        for (int j = 0; j < 8; ++j) V::store_bytes(out + 64 * j, S::quad(w, j));
      }
    }
  }

  // unpack(u, g0, depth, out): depth groups of panel u from g0 on, as S reads them.
  template <class S, class Unpack>
  static void many(const MatmulParams& p, const uint8_t* x, int64_t m0, int64_t m1, int64_t u0,
                   int64_t u1, uint8_t* scratch, const Unpack& unpack) {
    constexpr int64_t panel_bytes = kDepth * S::stride;
    const int64_t groups = p.K / kGroup;
    float* sums = reinterpret_cast<float*>(scratch + V::panels * panel_bytes);
    const int64_t panel_sums = (m1 - m0) * kPanel;
    for (int64_t g0 = 0; g0 < groups; g0 += kDepth) {
      const int64_t depth = g0 + kDepth < groups ? kDepth : groups - g0;
      for (int64_t u = u0; u < u1; u += V::panels) {
        const int64_t np = u + V::panels <= u1 ? V::panels : u1 - u;
        for (int64_t n = 0; n < np; ++n) unpack(u + n, g0, depth, scratch + n * panel_bytes);
        for (int64_t m = m0; m < m1; m += V::rows) {
          const int64_t rows = m + V::rows <= m1 ? V::rows : m1 - m;
          const uint8_t* block = x + (m * groups + g0 * rows) * kInt8Row;
          float* tile_sums = sums + (u - u0) * panel_sums + (m - m0) * kPanel;
          if (np == V::panels) {
            block_of<S, V::panels>(rows, block, scratch, depth, tile_sums, panel_sums, g0 == 0);
          } else {
            for (int64_t n = 0; n < np; ++n) {
              block_of<S, 1>(rows, block, scratch + n * panel_bytes, depth,
                             tile_sums + n * panel_sums, panel_sums, g0 == 0);
            }
          }
        }
      }
    }
    for (int64_t m = m0; m < m1; ++m) {
      for (int64_t u = u0; u < u1; ++u)
        store(p, m, u, V::load(sums + (u - u0) * panel_sums + (m - m0) * kPanel));
    }
  }

  template <Type kType>
  static void run(const MatmulParams& p, const uint8_t* x, int64_t m0, int64_t m1, int64_t u0,
                  int64_t u1, uint8_t* scratch) {
    if (p.M <= V::few) {
      few<std::conditional_t<kType == Type::q8, PackedQ8, PackedQ4>>(p, x, u0, u1);
      return;
    }
    const int64_t groups = p.K / kGroup;
    many<std::conditional_t<kType == Type::q4 && !V::wide, UnpackedNibbles, UnpackedBytes>>(
        p, x, m0, m1, u0, u1, scratch, [&](int64_t u, int64_t g0, int64_t depth, uint8_t* out) {
          unpack<kType>(static_cast<const uint8_t*>(p.w) + (u * groups + g0) * group_bytes(kType),
                        out, depth);
        });
  }

  // 16 outputs of row m, panel u, scaled and with the bias; the last panel may reach past N.
  static void store(const MatmulParams& p, int64_t m, int64_t u, F value) {
    if (p.bias != nullptr) return store_with_bias(p, m, u, value);
    const int64_t n = u * kPanel;
    float* out = static_cast<float*>(p.out) + m * p.out_ld + n;
    if (n + kPanel <= p.N) {
      V::store(out, p.row_scale == nullptr ? value : V::mul(value, V::load(p.row_scale + n)));
    } else {
      if (p.row_scale != nullptr) value = V::mul(value, V::load(p.row_scale + n, p.N - n));
      V::store(out, value, p.N - n);
    }
  }
  // Apart, because inlined it takes registers from the loops before it: 4 % of a product.
  [[gnu::noinline]] static void store_with_bias(const MatmulParams& p, int64_t m, int64_t u,
                                                F value) {
    const int64_t n = u * kPanel;
    const int64_t count = n + kPanel <= p.N ? kPanel : p.N - n;
    if (p.row_scale != nullptr) value = V::mul(value, V::load(p.row_scale + n, count));
    V::store(static_cast<float*>(p.out) + m * p.out_ld + n,
             V::add(value, V::load(p.bias + n, count)), count);
  }
};

}  // namespace bc::cpu
