// Sixteen lanes as two AVX2 registers. Included only by files compiled for AVX2, FMA and F16C.
#pragma once

#include <immintrin.h>

#include "quant.h"

namespace bc::cpu {

struct Avx2Lanes {
  struct F {
    __m256 a, b;
  };
  struct I {
    __m256i a, b;
  };

  static constexpr int rows = 2;  // 2 x 1 panel: 4 integer and 4 float sums; 3 would not fit
  static constexpr int panels = 1;
  static constexpr int few = 3;
  static constexpr int lora_vectors = 4;  // 4 sums of two registers
  static constexpr int exact_rows = 2;
  static constexpr int plain_rows = 3;  // 3 x 4 of 8 lanes: 12 sums, 3 of x and one of w
  static constexpr int plain_columns = 4;
  static constexpr bool wide = false;
  static constexpr bool signed_bytes = true;
  static constexpr bool pairs = false;

  static F set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static F load(const bf16* p) { return {widen(half(p)), widen(half(p + 8))}; }
  static F load(const f16* p) { return {_mm256_cvtph_ps(half(p)), _mm256_cvtph_ps(half(p + 8))}; }
  template <class T>
  static F load(const T* p, int64_t n) {
    T padded[16] = {};
    __builtin_memcpy(static_cast<void*>(padded), p, static_cast<size_t>(n) * sizeof(T));
    return load(padded);
  }
  static __m128i half(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
  static __m256 widen(__m128i bits) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static void store(float* p, F x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
  }
  static F add(F x, F y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
  static F sub(F x, F y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
  static F mul(F x, F y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
  static F div(F x, F y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
  static F fma(F x, F y, F z) {
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
  }
  static F min(F x, F y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
  static F max(F x, F y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
  static F abs(F x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
  }
  static F sqrt(F x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
  static F round(F x) {
    constexpr int mode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(x.a, mode), _mm256_round_ps(x.b, mode)};
  }
  static F if_greater(F x, F y, F yes, F no) {
    return {_mm256_blendv_ps(no.a, yes.a, _mm256_cmp_ps(x.a, y.a, _CMP_GT_OQ)),
            _mm256_blendv_ps(no.b, yes.b, _mm256_cmp_ps(x.b, y.b, _CMP_GT_OQ))};
  }
  static float sum(F x) {
    const __m256 h = _mm256_add_ps(x.a, x.b);
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 d = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(d, _mm_movehdup_ps(d)));
  }

  static I set_int(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  static I load_bytes(const uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  }
  static I low_nibbles(I x) {
    const __m256i m = _mm256_set1_epi8(15);
    return {_mm256_and_si256(x.a, m), _mm256_and_si256(x.b, m)};
  }
  static I high_nibbles(I x) {
    const __m256i m = _mm256_set1_epi8(15);
    return {_mm256_and_si256(_mm256_srli_epi16(x.a, 4), m),
            _mm256_and_si256(_mm256_srli_epi16(x.b, 4), m)};
  }
  static I field(I x, int right, int mask) {
    const __m256i m = _mm256_set1_epi8(static_cast<char>(mask));
    return right >= 0 ? I{_mm256_and_si256(_mm256_srli_epi32(x.a, right), m),
                          _mm256_and_si256(_mm256_srli_epi32(x.b, right), m)}
                      : I{_mm256_and_si256(_mm256_slli_epi32(x.a, -right), m),
                          _mm256_and_si256(_mm256_slli_epi32(x.b, -right), m)};
  }
  static I join(I x, I y) { return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
  static F byte(I x, int b) {
    const __m256i m = _mm256_set1_epi32(255);
    return {_mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(x.a, 8 * b), m)),
            _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(x.b, 8 * b), m))};
  }
  static F to_floats(I x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
  static F broadcast(const uint8_t* p) {
    float x;
    __builtin_memcpy(&x, p, 4);
    return set(x);
  }
  static __m256i broadcast4(const uint8_t* p) {
    int32_t x;
    __builtin_memcpy(&x, p, 4);
    return _mm256_set1_epi32(x);
  }
  static void store_bytes(uint8_t* p, I x) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(p), x.a);
    _mm256_store_si256(reinterpret_cast<__m256i*>(p + 32), x.b);
  }

  // Keeps the compiler from adding in another order: products made first and added later do not fit
  // the 16 registers.
  static I in_order(I x) {
    __asm__("" : "+x"(x.a), "+x"(x.b));
    return x;
  }

  // Sums of 16 bits: 8 times two products of at most 15 * 127 are below 2^15.
  using NibbleSum = I;
  static I no_nibbles() { return set_int(0); }
  static I dot_nibbles(I sum, I w, __m256i x) {
    return in_order({_mm256_add_epi16(sum.a, _mm256_maddubs_epi16(w.a, x)),
                     _mm256_add_epi16(sum.b, _mm256_maddubs_epi16(w.b, x))});
  }
  static I total(I sum) {
    const __m256i one = _mm256_set1_epi16(1);
    return {_mm256_madd_epi16(sum.a, one), _mm256_madd_epi16(sum.b, one)};
  }
  static I eight_less_zero(I dot, I zero, const uint8_t* minus_sum) {
    const __m256i s = broadcast4(minus_sum);
    return {_mm256_add_epi32(_mm256_slli_epi32(dot.a, 3), _mm256_madd_epi16(zero.a, s)),
            _mm256_add_epi32(_mm256_slli_epi32(dot.b, 3), _mm256_madd_epi16(zero.b, s))};
  }
  // Codes are multiplied with their sign, as |w| * (sign of w applied to x), because two products of
  // (q + 128) * x would not fit 16 bits.
  static I code_bytes(I w) {
    const __m256i flip = _mm256_set1_epi8(-128);
    return {_mm256_xor_si256(w.a, flip), _mm256_xor_si256(w.b, flip)};
  }
  static I bytes_start(const uint8_t*) { return set_int(0); }
  static I less_offset(I w, int offset) {
    const __m256i o = _mm256_set1_epi8(static_cast<char>(offset));
    return {_mm256_sub_epi8(w.a, o), _mm256_sub_epi8(w.b, o)};
  }
  static I dot_bytes(I sum, I w, __m256i x) {
    return in_order({signed_dot(sum.a, w.a, x), signed_dot(sum.b, w.b, x)});
  }
  static __m256i signed_dot(__m256i sum, __m256i w, __m256i x) {
    const __m256i two = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(two, _mm256_set1_epi16(1)));
  }

  static F grid_scale(const uint8_t* p) { return {grid_scale(half(p)), grid_scale(half(p + 16))}; }
  static __m256 grid_scale(__m128i bits) {
    const __m256i scale = _mm256_and_si256(_mm256_cvtepu16_epi32(bits), _mm256_set1_epi32(0xff80));
    return _mm256_castsi256_ps(
        _mm256_add_epi32(_mm256_slli_epi32(scale, 12), _mm256_set1_epi32(kGridExponent << 23)));
  }
  static F grid_zero(const uint8_t* p) { return {grid_zero(half(p)), grid_zero(half(p + 16))}; }
  static __m256 grid_zero(__m128i bits) { return _mm256_cvtepi32_ps(grid_zero_steps(bits)); }
  static I grid_zero_steps(const uint8_t* p) {
    return {grid_zero_steps(half(p)), grid_zero_steps(half(p + 16))};
  }
  static __m256i grid_zero_steps(__m128i bits) {
    return _mm256_and_si256(_mm256_cvtepu16_epi32(bits), _mm256_set1_epi32(127));
  }

  static constexpr int query_rows = 6;  // 6 x 1: 12 sums of 16 registers
  static constexpr int score_vectors = 1;
  static constexpr int value_vectors = 1;
  static constexpr int key_vectors = 4;  // of sums, for keys that are not in a panel

  static void transpose(F* x) {
    __m256 low[16];
    __m256 high[16];
    for (int i = 0; i < 16; i += 8) {
      transpose8(low + i, x[i].a, x[i + 1].a, x[i + 2].a, x[i + 3].a, x[i + 4].a, x[i + 5].a,
                 x[i + 6].a, x[i + 7].a);
      transpose8(high + i, x[i].b, x[i + 1].b, x[i + 2].b, x[i + 3].b, x[i + 4].b, x[i + 5].b,
                 x[i + 6].b, x[i + 7].b);
    }
    for (int i = 0; i < 8; ++i) {
      x[i] = {low[i], low[8 + i]};
      x[8 + i] = {high[i], high[8 + i]};
    }
  }
  static void transpose8(__m256* out, __m256 a, __m256 b, __m256 c, __m256 d, __m256 e, __m256 f,
                         __m256 g, __m256 h) {
    __m256 low[4];
    __m256 high[4];
    transpose4(low, a, b, c, d);
    transpose4(high, e, f, g, h);
    for (int i = 0; i < 4; ++i) {
      out[i] = _mm256_permute2f128_ps(low[i], high[i], 0x20);
      out[4 + i] = _mm256_permute2f128_ps(low[i], high[i], 0x31);
    }
  }
  // sum[m][v] += x[m] times 16 rows [16,n]; n is 8 or 16. Eight rows and columns at a time stay in
  // registers.
  template <int M, int N, class E>
  static inline __attribute__((always_inline)) void multiply_rows(F (&sum)[M][N], int v,
                                                                  const float* x, int64_t x_ld,
                                                                  const E* rows, int64_t ld,
                                                                  int64_t n) {
    for (int64_t i = 0; i < n; i += 8) {
      __m256 column[8];
      eight_columns(column, rows + i, ld);
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k) {
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) {
          const __m256 a = _mm256_set1_ps(x[m * x_ld + i + k]);
          sum[m][v].a = _mm256_fmadd_ps(a, column[k], sum[m][v].a);
        }
      }
      eight_columns(column, rows + 8 * ld + i, ld);
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k) {
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) {
          const __m256 a = _mm256_set1_ps(x[m * x_ld + i + k]);
          sum[m][v].b = _mm256_fmadd_ps(a, column[k], sum[m][v].b);
        }
      }
    }
  }
  template <class E>
  static void eight_columns(__m256* out, const E* rows, int64_t ld) {
    transpose8(out, eight(rows), eight(rows + ld), eight(rows + 2 * ld), eight(rows + 3 * ld),
               eight(rows + 4 * ld), eight(rows + 5 * ld), eight(rows + 6 * ld),
               eight(rows + 7 * ld));
  }
  // Half as many shuffles: rows change places with columns as 16 bits, and are widened by what follows.
  static void eight_columns(__m256* out, const bf16* rows, int64_t ld) {
    const auto two = [&](int64_t i) {  // row i in the lower half, row i + 4 in the upper one
      return _mm256_inserti128_si256(_mm256_castsi128_si256(half(rows + i * ld)),
                                     half(rows + (i + 4) * ld), 1);
    };
    const __m256i r0 = two(0);
    const __m256i r1 = two(1);
    const __m256i r2 = two(2);
    const __m256i r3 = two(3);
    four_columns(out, _mm256_unpacklo_epi16(r0, r2), _mm256_unpacklo_epi16(r1, r3));
    four_columns(out + 4, _mm256_unpackhi_epi16(r0, r2), _mm256_unpackhi_epi16(r1, r3));
  }
  static void four_columns(__m256* out, __m256i even, __m256i odd) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i low = _mm256_unpacklo_epi16(even, odd);
    const __m256i high = _mm256_unpackhi_epi16(even, odd);
    out[0] = _mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, low));
    out[1] = _mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, low));
    out[2] = _mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, high));
    out[3] = _mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, high));
  }
  static __m256 eight(const float* p) { return _mm256_loadu_ps(p); }
  static __m256 eight(const f16* p) { return _mm256_cvtph_ps(half(p)); }
  static __m256 eight(const int8_t* p) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  // Transposes in each half of the registers.
  static void transpose4(__m256* out, __m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256 ab = _mm256_unpacklo_ps(a, b);
    const __m256 cd = _mm256_unpacklo_ps(c, d);
    const __m256 AB = _mm256_unpackhi_ps(a, b);
    const __m256 CD = _mm256_unpackhi_ps(c, d);
    out[0] = _mm256_shuffle_ps(ab, cd, 0x44);
    out[1] = _mm256_shuffle_ps(ab, cd, 0xee);
    out[2] = _mm256_shuffle_ps(AB, CD, 0x44);
    out[3] = _mm256_shuffle_ps(AB, CD, 0xee);
  }

  static F load(const int8_t* p) {
    const __m128i bytes = half(p);
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
  }
  template <class T>
  static void store(T* p, F x, int64_t n) {
    T lanes[16];
    store(lanes, x);
    __builtin_memcpy(static_cast<void*>(p), lanes, static_cast<size_t>(n) * sizeof(T));
  }
  static void store(bf16* p, F x) {
    const __m256i pairs = _mm256_packus_epi32(narrow(x.a), narrow(x.b));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(pairs, 0xd8));
  }
  // Rounds to nearest even; a NaN stays a NaN.
  static __m256i narrow(__m256 x) {
    const __m256i u = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i quiet = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  }
  static void store(f16* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8),
                     _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
  }
  static void store(int8_t* p, F x) {
    const __m256i words = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)), 0xd8);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(p),
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  static F scale(F p, F n) { return {scale(p.a, n.a), scale(p.b, n.b)}; }
  static __m256 scale(__m256 p, __m256 n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(p, power(half)), power(_mm256_sub_epi32(whole, half)));
  }
  static __m256 power(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static float largest(F x) {
    const __m256 h = _mm256_max_ps(x.a, x.b);
    const __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 d = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(d, _mm_movehdup_ps(d)));
  }

  // Rows of w and x go by in one register at a time: with two there would be no room for x.
  using Row = __m256;
  static constexpr int row_lanes = 8;
  static Row row(const float* p) { return _mm256_loadu_ps(p); }
  static Row row(const bf16* p) { return widen(half(p)); }
  static Row row(const f16* p) { return _mm256_cvtph_ps(half(p)); }
  template <class T>
  static Row row(const T* p, int64_t n) {
    T padded[8] = {};
    __builtin_memcpy(static_cast<void*>(padded), p, static_cast<size_t>(n) * sizeof(T));
    return row(padded);
  }
  static Row fma(Row x, Row y, Row z) { return _mm256_fmadd_ps(x, y, z); }
  static F sums(const Row* x) { return {sums8(x), sums8(x + 8)}; }
  static __m256 sums8(const Row* x) {
    const __m256 low = _mm256_hadd_ps(_mm256_hadd_ps(x[0], x[1]), _mm256_hadd_ps(x[2], x[3]));
    const __m256 high = _mm256_hadd_ps(_mm256_hadd_ps(x[4], x[5]), _mm256_hadd_ps(x[6], x[7]));
    return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                         _mm256_permute2f128_ps(low, high, 0x31));
  }
  static uint32_t above(F x, F y) {
    return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(x.a, y.a, _CMP_NLE_UQ)) |
                                 _mm256_movemask_ps(_mm256_cmp_ps(x.b, y.b, _CMP_NLE_UQ)) << 8);
  }
  static F only(F x, uint32_t lanes) { return {only(x.a, lanes), only(x.b, lanes >> 8)}; }
  static __m256 only(__m256 x, uint32_t lanes) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int32_t>(lanes)), bit);
    return _mm256_blendv_ps(_mm256_set1_ps(-__builtin_inff()), x,
                            _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, bit)));
  }
};

}  // namespace bc::cpu
