// Sixteen lanes as one AVX-512 register. Included only by files compiled for AVX-512 (F, BW, VL,
// DQ, VNNI).
#pragma once

#include <immintrin.h>

#include "quant.h"

namespace bc::cpu {

struct Avx512Lanes {
  using F = __m512;
  using I = __m512i;

  static constexpr int rows = 6;  // 6 x 2 panels: 12 integer and 12 float sums of 32 registers
  static constexpr int panels = 2;
  static constexpr int few = 8;           // 8 x 1 panel: 8 and 8, and 8 registers of codes
  static constexpr int lora_vectors = 8;  // 8 sums, and so many bytes of each row at a time
  static constexpr int exact_rows = 6;
  static constexpr int plain_rows = 4;  // 4 x 6: 24 sums
  static constexpr int plain_columns = 6;
  static constexpr bool wide = true;
  static constexpr bool signed_bytes = false;
  static constexpr bool pairs = false;

  static __mmask16 first(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

  static F set(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static F load(const bf16* p) {
    return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static F load(const f16* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static F load(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static F load(const bf16* p, int64_t n) { return widen(_mm256_maskz_loadu_epi16(first(n), p)); }
  static F load(const f16* p, int64_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p));
  }
  static F widen(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static void store(float* p, F a) { _mm512_storeu_ps(p, a); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F abs(F a) { return _mm512_abs_ps(a); }
  static F sqrt(F a) { return _mm512_sqrt_ps(a); }
  static F round(F a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static F if_greater(F a, F b, F yes, F no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), no, yes);
  }
  static float sum(F a) {
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 d = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(d, _mm_movehdup_ps(d)));
  }

  static I load_bytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static I low_nibbles(I a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
  static I high_nibbles(I a) {
    return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15));
  }
  static I set_int(int32_t x) { return _mm512_set1_epi32(x); }
  // Bits of each byte, `right` places further down, or up if negative.
  static I field(I a, int right, int mask) {
    const I moved = right >= 0 ? _mm512_srli_epi32(a, static_cast<unsigned>(right))
                               : _mm512_slli_epi32(a, static_cast<unsigned>(-right));
    return _mm512_and_si512(moved, _mm512_set1_epi8(static_cast<char>(mask)));
  }
  static I join(I a, I b) { return _mm512_or_si512(a, b); }
  static F byte(I a, int b) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(a, static_cast<unsigned>(8 * b)),
                                               _mm512_set1_epi32(255)));
  }
  static F to_floats(I a) { return _mm512_cvtepi32_ps(a); }
  static F broadcast(const uint8_t* p) {
    float x;
    __builtin_memcpy(&x, p, 4);
    return _mm512_set1_ps(x);
  }
  static I broadcast_int(const uint8_t* p) {
    int32_t x;
    __builtin_memcpy(&x, p, 4);
    return _mm512_set1_epi32(x);
  }
  static I broadcast4(const uint8_t* p) { return broadcast_int(p); }
  static void store_bytes(uint8_t* p, I a) { _mm512_store_si512(p, a); }

  using NibbleSum = I;
  static I no_nibbles() { return _mm512_setzero_si512(); }
  static I dot_nibbles(I sum, I w, I x) { return _mm512_dpbusd_epi32(sum, w, x); }
  static I total(I sum) { return sum; }
  static I eight_less_zero(I dot, I zero, const uint8_t* minus_sum) {
    return _mm512_dpwssd_epi32(_mm512_slli_epi32(dot, 3), zero, broadcast_int(minus_sum));
  }
  static I code_bytes(I w) { return w; }
  static I less_offset(I w, int offset) {
    return _mm512_add_epi8(w, _mm512_set1_epi8(static_cast<char>(128 - offset)));
  }
  static I bytes_start(const uint8_t* minus_sum) {
    return _mm512_slli_epi32(broadcast_int(minus_sum), 7);
  }
  static I dot_bytes(I sum, I w, I x) { return _mm512_dpbusd_epi32(sum, w, x); }
  static I offset_bytes(I zero) {
    return _mm512_mullo_epi32(_mm512_sub_epi32(_mm512_set1_epi32(128), zero),
                              _mm512_set1_epi32(0x01010101));
  }
  static I eight_plus(I w, I offset) { return _mm512_add_epi8(_mm512_slli_epi16(w, 3), offset); }

  static F grid_scale(const uint8_t* p) {
    const __m512i scale = _mm512_and_si512(grid_bits(p), _mm512_set1_epi32(0xff80));
    return _mm512_castsi512_ps(
        _mm512_add_epi32(_mm512_slli_epi32(scale, 12), _mm512_set1_epi32(kGridExponent << 23)));
  }
  static F grid_zero(const uint8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(grid_bits(p), _mm512_set1_epi32(127)));
  }
  static I grid_zero_steps(const uint8_t* p) {
    return _mm512_and_si512(grid_bits(p), _mm512_set1_epi32(127));
  }
  static __m512i grid_bits(const uint8_t* p) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }

  static constexpr int query_rows = 4;  // 4 x 4: 16 sums of 32 registers
  static constexpr int score_vectors = 4;
  static constexpr int value_vectors = 4;
  static constexpr int key_vectors = 4;

  // Transposes 4 x 4 lanes in each quarter of the registers, then the quarters.
  static void transpose(F* x) {
    F y[16];
    for (int i = 0; i < 16; i += 4) {
      const F ab = _mm512_unpacklo_ps(x[i], x[i + 1]);
      const F cd = _mm512_unpacklo_ps(x[i + 2], x[i + 3]);
      const F AB = _mm512_unpackhi_ps(x[i], x[i + 1]);
      const F CD = _mm512_unpackhi_ps(x[i + 2], x[i + 3]);
      y[i] = _mm512_shuffle_ps(ab, cd, 0x44);
      y[i + 1] = _mm512_shuffle_ps(ab, cd, 0xee);
      y[i + 2] = _mm512_shuffle_ps(AB, CD, 0x44);
      y[i + 3] = _mm512_shuffle_ps(AB, CD, 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      const F a = _mm512_shuffle_f32x4(y[i], y[4 + i], 0x44);
      const F b = _mm512_shuffle_f32x4(y[i], y[4 + i], 0xee);
      const F c = _mm512_shuffle_f32x4(y[8 + i], y[12 + i], 0x44);
      const F d = _mm512_shuffle_f32x4(y[8 + i], y[12 + i], 0xee);
      x[i] = _mm512_shuffle_f32x4(a, c, 0x88);
      x[4 + i] = _mm512_shuffle_f32x4(a, c, 0xdd);
      x[8 + i] = _mm512_shuffle_f32x4(b, d, 0x88);
      x[12 + i] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
  }

  // sum[m][v] += x[m] times 16 rows [16,n]; n is 8 or 16.
  template <int M, int N, class E>
  static inline __attribute__((always_inline)) void multiply_rows(F (&sum)[M][N], int v,
                                                                  const float* x, int64_t x_ld,
                                                                  const E* rows, int64_t ld,
                                                                  int64_t n) {
    F column[16];
    for (int i = 0; i < 16; ++i) column[i] = n == 16 ? load(rows + i * ld) : load(rows + i * ld, n);
    transpose(column);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      if (i >= n) break;
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) sum[m][v] = fma(set(x[m * x_ld + i]), column[i], sum[m][v]);
    }
  }

  static F load(const int8_t* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static F load(const int8_t* p, int64_t n) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(n), p)));
  }
  static void store(float* p, F a, int64_t n) { _mm512_mask_storeu_ps(p, first(n), a); }
  // Rounds to nearest even; a NaN stays a NaN. The conversion instruction would take subnormal numbers for 0.
  static __m256i narrow(F a) {
    const __m512i u = _mm512_castps_si512(a);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __m512i quiet = _mm512_or_si512(u, _mm512_set1_epi32(0x400000));
    const __m512i kept =
        _mm512_mask_blend_epi32(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), rounded, quiet);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16));
  }
  static void store(bf16* p, F a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(a)); }
  static void store(bf16* p, F a, int64_t n) { _mm256_mask_storeu_epi16(p, first(n), narrow(a)); }
  static void store(f16* p, F a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
  }
  static void store(f16* p, F a, int64_t n) {
    _mm256_mask_storeu_epi16(p, first(n), _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
  }
  static void store(int8_t* p, F a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
  }
  static void store(int8_t* p, F a, int64_t n) {
    _mm_mask_storeu_epi8(p, first(n), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
  }
  static F scale(F p, F n) { return _mm512_scalef_ps(p, n); }
  static float largest(F a) {
    const __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 d = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(d, _mm_movehdup_ps(d)));
  }
  using Row = F;
  static constexpr int row_lanes = 16;
  template <class T>
  static Row row(const T* p) {
    return load(p);
  }
  // The first n lanes, the others 0.
  template <class T>
  static Row row(const T* p, int64_t n) {
    return load(p, n);
  }
  // Halves are added and packed with another vector's, four times: 15 additions instead of 16 * 4.
  static F sums(const F* a) {
    F quads[4];
    for (int i = 0; i < 4; ++i) {
      const F x = add_halves(a[i], a[4 + i]);
      const F y = add_halves(a[8 + i], a[12 + i]);
      quads[i] = _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xdd));
    }
    const F x = add_pairs(quads[0], quads[1]);
    const F y = add_pairs(quads[2], quads[3]);
    return _mm512_add_ps(_mm512_shuffle_ps(x, y, 0x88), _mm512_shuffle_ps(x, y, 0xdd));
  }
  static F add_halves(F a, F b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  }
  static F add_pairs(F a, F b) {
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
  }
  static uint32_t above(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLE_UQ); }
  static F only(F x, uint32_t lanes) {
    return _mm512_mask_mov_ps(set(-__builtin_inff()), static_cast<__mmask16>(lanes), x);
  }
};

}  // namespace bc::cpu
