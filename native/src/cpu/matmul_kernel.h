// matmul: out[m,n] = row_scale[n] * sum_k x[m,k] * w[n,k], one source for every instruction set.
//
// Shapes  x [M,K] as f32, or int8 with a scale per group of 32; w [N,K] rows or packed panels
//         (quant.h); out [M,N].
// Method  Register blocks of V::rows rows of x by V::panels panels (or 4 rows) of w. In packed
//         weights the lanes are rows of w, so nothing is added across lanes; in plain rows the
//         lanes are columns and one sum ends the row. Either way an output's additions come in the
//         same order whatever M is: a row's result does not depend on its batch. int8: each group's
//         dot product is an integer; multiply-adds in f32 apply both scales and, for q4, take off
//         zero times the sum of x.
// Bound   M = 1: the bytes of w (0.5625, 1.0625, 2 or 4 a weight for q4, q8, 16-bit, f32). Large M:
//         one multiply-add per m, n, k at the width of the dot-product instruction.
#pragma once

#include "../ops.h"
#include "../quant.h"

namespace bc::cpu {

// x as the kernels read it: int8 where q is set, else f32.
struct Input {
  const float* f = nullptr;  // f32
  int64_t f_ld = 0;
  const int8_t* q = nullptr;     // int8 [M, ld]
  const float* scale = nullptr;  // [M, K/32]
  const int32_t* sum = nullptr;  // [M, K/32] sum of q over the group
  const float* shift = nullptr;  // [M, K/32] scale * sum / kGridZeros: what a step of z takes off
  int64_t ld = 0;
};

// Outputs of rows [m0, m1) and units [u0, u1): a unit is 16 rows of w.
using MatmulKernel = void (*)(const MatmulParams& p, const Input& x, int64_t m0, int64_t m1,
                              int64_t u0, int64_t u1);

template <class V>
struct Matmul {
  using F = typename V::F;
  using I = typename V::I;

  template <int MR, int NP, Type kType>
  static void packed_int8(const MatmulParams& p, const Input& x, int64_t m, int64_t panel) {
    constexpr int64_t values = kType == Type::q8 ? kQ8Values : kQ4Values;
    constexpr int64_t stride = values + kScales;
    constexpr int32_t offset = kType == Type::q8 ? V::q8_offset : 0;
    const int64_t groups = p.K / kGroup;
    const uint8_t* w[NP];
    for (int n = 0; n < NP; ++n)
      w[n] = static_cast<const uint8_t*>(p.w) + (panel + n) * groups * stride;
    F acc[MR][NP];
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) acc[r][n] = V::set(0.0f);
    }
    for (int64_t g = 0; g < groups; ++g) {
      I dot[MR][NP];
      for (int r = 0; r < MR; ++r) {
        const I start = V::set_int(offset == 0 ? 0 : -offset * x.sum[(m + r) * groups + g]);
        for (int n = 0; n < NP; ++n) dot[r][n] = start;
      }
      const int8_t* a = x.q + m * x.ld + g * kGroup;
      if constexpr (kType == Type::q8) {
        for (int j = 0; j < 8; ++j) {
          I v[NP];
          for (int n = 0; n < NP; ++n) v[n] = V::load_bytes(w[n] + 64 * j);
          for (int r = 0; r < MR; ++r) {
            for (int n = 0; n < NP; ++n) dot[r][n] = V::dot8(dot[r][n], v[n], a + r * x.ld + 4 * j);
          }
        }
      } else {
        for (int j = 0; j < 4; ++j) {
          I low[NP];
          I high[NP];
          for (int n = 0; n < NP; ++n) {
            const I v = V::load_bytes(w[n] + 64 * j);
            low[n] = V::low_nibbles(v);
            high[n] = V::high_nibbles(v);
          }
          for (int r = 0; r < MR; ++r) {
            for (int n = 0; n < NP; ++n)
              dot[r][n] = V::dot4(dot[r][n], low[n], a + r * x.ld + 4 * j);
            for (int n = 0; n < NP; ++n)
              dot[r][n] = V::dot4(dot[r][n], high[n], a + r * x.ld + 16 + 4 * j);
          }
        }
      }
      for (int n = 0; n < NP; ++n) {
        if constexpr (kType == Type::q8) {
          const F scale = V::load(reinterpret_cast<const bf16*>(w[n] + values));
          for (int r = 0; r < MR; ++r) {
            acc[r][n] = V::fma(V::to_floats(dot[r][n]),
                               V::mul(scale, V::set(x.scale[(m + r) * groups + g])), acc[r][n]);
          }
        } else {
          const F scale = V::grid_scale(w[n] + values);
          const F zero = V::grid_zero(w[n] + values);
          for (int r = 0; r < MR; ++r) {
            const F shift = V::mul(zero, V::set(x.shift[(m + r) * groups + g]));
            const F sum =
                V::fms(V::to_floats(dot[r][n]), V::set(x.scale[(m + r) * groups + g]), shift);
            acc[r][n] = V::fma(sum, scale, acc[r][n]);
          }
        }
        w[n] += stride;
      }
    }
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) store(p, m + r, (panel + n) * kPanel, acc[r][n]);
    }
  }

  template <int MR, int NP, Type kType>
  static void packed_f32(const MatmulParams& p, const Input& x, int64_t m, int64_t panel) {
    constexpr int64_t values = kType == Type::q8 ? kQ8Values : kQ4Values;
    constexpr int64_t stride = values + kScales;
    const int64_t groups = p.K / kGroup;
    const uint8_t* w[NP];
    for (int n = 0; n < NP; ++n)
      w[n] = static_cast<const uint8_t*>(p.w) + (panel + n) * groups * stride;
    F acc[MR][NP];
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) acc[r][n] = V::set(0.0f);
    }
    F zero[NP];
    for (int n = 0; n < NP; ++n) zero[n] = V::set(128.0f);
    for (int64_t g = 0; g < groups; ++g) {
      F part[MR][NP];
      for (int r = 0; r < MR; ++r) {
        for (int n = 0; n < NP; ++n) part[r][n] = V::set(0.0f);
      }
      if constexpr (kType == Type::q4) {
        for (int n = 0; n < NP; ++n)
          zero[n] = V::mul(V::grid_zero(w[n] + values), V::set(1.0f / kGridZeros));
      }
      const float* a = x.f + m * x.f_ld + g * kGroup;
      for (int j = 0; j < 8; ++j) {
        I v[NP];
        for (int n = 0; n < NP; ++n) {
          if constexpr (kType == Type::q8) {
            v[n] = V::load_bytes(w[n] + 64 * j);
          } else {
            const I both = V::load_bytes(w[n] + 64 * (j % 4));
            v[n] = j < 4 ? V::low_nibbles(both) : V::high_nibbles(both);
          }
        }
        for (int b = 0; b < 4; ++b) {
          for (int n = 0; n < NP; ++n) {
            const F q = V::sub(V::byte(v[n], b), zero[n]);
            for (int r = 0; r < MR; ++r)
              part[r][n] = V::fma(q, V::set(a[r * x.f_ld + 4 * j + b]), part[r][n]);
          }
        }
      }
      for (int n = 0; n < NP; ++n) {
        const F scale = kType == Type::q8 ? V::load(reinterpret_cast<const bf16*>(w[n] + values))
                                          : V::grid_scale(w[n] + values);
        for (int r = 0; r < MR; ++r) acc[r][n] = V::fma(part[r][n], scale, acc[r][n]);
        w[n] += stride;
      }
    }
    for (int r = 0; r < MR; ++r) {
      for (int n = 0; n < NP; ++n) store(p, m + r, (panel + n) * kPanel, acc[r][n]);
    }
  }

  // 16 outputs of row m from column n on; the last panel may reach past N.
  static void store(const MatmulParams& p, int64_t m, int64_t n, F value) {
    float* out = p.out + m * p.out_ld + n;
    if (n + kPanel <= p.N) {
      V::store(out, p.row_scale == nullptr ? value : V::mul(value, V::load(p.row_scale + n)));
      return;
    }
    float lanes[kPanel];
    V::store(lanes, value);
    for (int64_t i = 0; n + i < p.N; ++i)
      out[i] = p.row_scale == nullptr ? lanes[i] : lanes[i] * p.row_scale[n + i];
  }

  template <Type kType, bool kInt8, int MR, int NP>
  static void packed_block(const MatmulParams& p, const Input& x, int64_t m, int64_t panel) {
    if constexpr (kInt8) {
      packed_int8<MR, NP, kType>(p, x, m, panel);
    } else {
      packed_f32<MR, NP, kType>(p, x, m, panel);
    }
  }

  // Rows [m0, m1) in blocks of V::rows; the remainder in the block of its size.
  template <Type kType, bool kInt8, int NP, int MR = V::rows>
  static void packed_rows(const MatmulParams& p, const Input& x, int64_t m0, int64_t m1,
                          int64_t panel) {
    for (; m0 + MR <= m1; m0 += MR) packed_block<kType, kInt8, MR, NP>(p, x, m0, panel);
    if constexpr (MR > 1) {
      if (m0 < m1) packed_rows<kType, kInt8, NP, MR - 1>(p, x, m0, m1, panel);
    }
  }

  template <Type kType, bool kInt8>
  static void packed(const MatmulParams& p, const Input& x, int64_t m0, int64_t m1, int64_t u0,
                     int64_t u1) {
    if (m1 - m0 == 1) {
      for (; u0 + V::panels_one <= u1; u0 += V::panels_one)
        packed_block<kType, kInt8, 1, V::panels_one>(p, x, m0, u0);
    } else {
      for (; u0 + V::panels <= u1; u0 += V::panels)
        packed_rows<kType, kInt8, V::panels>(p, x, m0, m1, u0);
    }
    for (; u0 < u1; ++u0) packed_rows<kType, kInt8, 1>(p, x, m0, m1, u0);
  }

  // MR rows of x by NR rows of w, lanes along K.
  template <class W, int MR, int NR>
  static void plain_block(const MatmulParams& p, const Input& x, int64_t m, int64_t n) {
    const W* w = static_cast<const W*>(p.w) + n * p.w_ld;
    F acc[MR][NR];
    for (int r = 0; r < MR; ++r) {
      for (int c = 0; c < NR; ++c) acc[r][c] = V::set(0.0f);
    }
    const float* a = x.f + m * x.f_ld;
    int64_t k = 0;
    for (; k + 16 <= p.K; k += 16) {
      for (int c = 0; c < NR; ++c) {
        const F v = V::load(w + c * p.w_ld + k);
        for (int r = 0; r < MR; ++r) acc[r][c] = V::fma(V::load(a + r * x.f_ld + k), v, acc[r][c]);
      }
    }
    if (k < p.K) {
      for (int c = 0; c < NR; ++c) {
        const F v = V::load(w + c * p.w_ld + k, p.K - k);
        for (int r = 0; r < MR; ++r)
          acc[r][c] = V::fma(V::load(a + r * x.f_ld + k, p.K - k), v, acc[r][c]);
      }
    }
    for (int r = 0; r < MR; ++r) {
      for (int c = 0; c < NR; ++c) {
        const float value = V::sum(acc[r][c]);
        p.out[(m + r) * p.out_ld + n + c] =
            p.row_scale == nullptr ? value : value * p.row_scale[n + c];
      }
    }
  }

  template <class W, int NR, int MR = V::rows>
  static void plain_rows(const MatmulParams& p, const Input& x, int64_t m0, int64_t m1, int64_t n) {
    for (; m0 + MR <= m1; m0 += MR) plain_block<W, MR, NR>(p, x, m0, n);
    if constexpr (MR > 1) {
      if (m0 < m1) plain_rows<W, NR, MR - 1>(p, x, m0, m1, n);
    }
  }

  template <class W>
  static void plain(const MatmulParams& p, const Input& x, int64_t m0, int64_t m1, int64_t u0,
                    int64_t u1) {
    const int64_t end = u1 * kPanel < p.N ? u1 * kPanel : p.N;
    int64_t n = u0 * kPanel;
    for (; n + 4 <= end; n += 4) plain_rows<W, 4>(p, x, m0, m1, n);
    for (; n < end; ++n) plain_rows<W, 1>(p, x, m0, m1, n);
  }

  static MatmulKernel kernel(Type w, bool exact) {
    switch (w) {
      case Type::f32:
        return &plain<float>;
      case Type::f16:
        return &plain<f16>;
      case Type::bf16:
        return &plain<bf16>;
      case Type::q8:
        return exact ? &packed<Type::q8, false> : &packed<Type::q8, true>;
      case Type::q4:
        return exact ? &packed<Type::q4, false> : &packed<Type::q4, true>;
      default:
        return nullptr;
    }
  }
};

}  // namespace bc::cpu
