// Sixteen lanes in plain C++: the vectors of any processor, and the meaning of the other two files.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "quant.h"

namespace bc::cpu {

struct ScalarLanes {
  struct F {
    float v[16];
  };
  struct I {
    int32_t v[16];
  };

  // For matmul: register blocks of rows of x by panels, or rows, of w.
  static constexpr int rows = 1;
  static constexpr int panels = 1;
  static constexpr int few = 1;           // rows for which packed panels are not unpacked first
  static constexpr int lora_vectors = 4;  // vectors of out that a token of lora has at a time
  static constexpr int exact_rows = 1;
  static constexpr int plain_rows = 1;
  static constexpr int plain_columns = 1;
  // Whether q4 is unpacked to 8q - 8z + 128, or to q because dot products of bytes cost more.
  static constexpr bool wide = false;
  static constexpr bool signed_bytes = false;  // whether dot_bytes takes bytes with a sign
  static constexpr bool pairs = false;         // whether there is a dot product of bf16 pairs

  template <class G>
  static F each(G&& g) {
    F r;
    for (int i = 0; i < 16; ++i) r.v[i] = g(i);
    return r;
  }
  template <class G>
  static I each_int(G&& g) {
    I r;
    for (int i = 0; i < 16; ++i) r.v[i] = g(i);
    return r;
  }

  static F set(float x) {
    return each([&](int) { return x; });
  }
  static F load(const float* p) {
    return each([&](int i) { return p[i]; });
  }
  static F load(const bf16* p) {
    return each([&](int i) { return to_float(p[i]); });
  }
  static F load(const f16* p) {
    return each([&](int i) { return to_float(p[i]); });
  }
  // The first n lanes, the others 0.
  template <class T>
  static F load(const T* p, int64_t n) {
    T padded[16] = {};
    std::memcpy(static_cast<void*>(padded), p, static_cast<size_t>(n) * sizeof(T));
    return load(padded);
  }
  static void store(float* p, F a) { std::memcpy(p, a.v, sizeof a.v); }
  static F add(F a, F b) {
    return each([&](int i) { return a.v[i] + b.v[i]; });
  }
  static F sub(F a, F b) {
    return each([&](int i) { return a.v[i] - b.v[i]; });
  }
  static F mul(F a, F b) {
    return each([&](int i) { return a.v[i] * b.v[i]; });
  }
  static F div(F a, F b) {
    return each([&](int i) { return a.v[i] / b.v[i]; });
  }
  // a * b + c.
  static F fma(F a, F b, F c) {
    return each([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
  static F min(F a, F b) {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F max(F a, F b) {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F sqrt(F a) {
    return each([&](int i) { return __builtin_sqrtf(a.v[i]); });
  }
  static F abs(F a) {
    return each([&](int i) { return std::fabs(a.v[i]); });
  }
  static F round(F a) {
    return each([&](int i) { return std::nearbyint(a.v[i]); });
  }
  // Lane by lane: a > b ? yes : no.
  static F if_greater(F a, F b, F yes, F no) {
    return each([&](int i) { return a.v[i] > b.v[i] ? yes.v[i] : no.v[i]; });
  }
  static float sum(F a) {
    float s[8];
    for (int i = 0; i < 8; ++i) s[i] = a.v[i] + a.v[i + 8];
    for (int i = 0; i < 4; ++i) s[i] += s[i + 4];
    return (s[0] + s[2]) + (s[1] + s[3]);
  }

  static I set_int(int32_t x) {
    return each_int([&](int) { return x; });
  }
  static I load_bytes(const uint8_t* p) {
    I r;
    std::memcpy(r.v, p, sizeof r.v);
    return r;
  }
  static I low_nibbles(I a) {
    return each_int([&](int i) { return a.v[i] & 0x0f0f0f0f; });
  }
  static I high_nibbles(I a) {
    return each_int([&](int i) {
      return static_cast<int32_t>((static_cast<uint32_t>(a.v[i]) >> 4) & 0x0f0f0f0fu);
    });
  }
  // Bits of each byte, `right` places further down, or up if negative; the mask is that of a byte and
  // keeps none that came from a neighbour.
  static I field(I a, int right, int mask) {
    return each_int([&](int i) {
      const uint32_t bits = static_cast<uint32_t>(a.v[i]);
      const uint32_t moved = right >= 0 ? bits >> right : bits << -right;
      return static_cast<int32_t>(moved & (0x01010101u * static_cast<uint32_t>(mask)));
    });
  }
  static I join(I a, I b) {
    return each_int([&](int i) { return a.v[i] | b.v[i]; });
  }
  // Byte b of each lane, 0 to 255, as a float.
  static F byte(I a, int b) {
    return each([&](int i) {
      return static_cast<float>((static_cast<uint32_t>(a.v[i]) >> (8 * b)) & 255u);
    });
  }
  static F to_floats(I a) {
    return each([&](int i) { return static_cast<float>(a.v[i]); });
  }
  static F broadcast(const uint8_t* p) {
    float x;
    std::memcpy(&x, p, 4);
    return set(x);
  }
  static void store_bytes(uint8_t* p, I a) { std::memcpy(p, a.v, sizeof a.v); }

  // The same four int8 of x in all lanes.
  struct Quad {
    int8_t v[4];
  };
  static Quad broadcast4(const uint8_t* p) {
    Quad q;
    std::memcpy(q.v, p, 4);
    return q;
  }
  // Byte b of lane i, unsigned.
  static int32_t byte_of(I w, int i, int b) {
    return static_cast<int32_t>((static_cast<uint32_t>(w.v[i]) >> (8 * b)) & 255u);
  }

  // Sums of at most 8 products of codes 0 to 15, of which a lane holds four, with x.
  using NibbleSum = I;
  static I no_nibbles() { return set_int(0); }
  static I dot_nibbles(I sum, I w, Quad x) {
    return each_int([&](int i) {
      int32_t s = sum.v[i];
      for (int b = 0; b < 4; ++b) s += byte_of(w, i, b) * x.v[b];
      return s;
    });
  }
  static I total(I sum) { return sum; }
  // 8 dot + zero * minus_sum.
  static I eight_less_zero(I dot, I zero, const uint8_t* minus_sum) {
    int32_t s;
    std::memcpy(&s, minus_sum, 4);
    return each_int([&](int i) { return 8 * dot.v[i] + zero.v[i] * s; });
  }
  // Bytes q + 128 of a q8 panel as dot_bytes takes them.
  static I code_bytes(I w) { return w; }
  // Codes from 0 on as bytes that dot_bytes takes for codes less an offset, 2^(bits-1).
  static I less_offset(I w, int offset) {
    return each_int([&](int i) {
      return static_cast<int32_t>(static_cast<uint32_t>(w.v[i]) +
                                  0x01010101u * static_cast<uint32_t>(128 - offset));
    });
  }
  // The start of a sum of dot_bytes that makes it end as the sum for q: 128 minus_sum.
  static I bytes_start(const uint8_t* minus_sum) {
    int32_t s;
    std::memcpy(&s, minus_sum, 4);
    return set_int(128 * s);
  }
  static I dot_bytes(I sum, I w, Quad x) { return dot_nibbles(sum, w, x); }

  // The scales and the zeros, in steps, of 16 grids (quant.h).
  static F grid_scale(const uint8_t* p) {
    return each([&](int i) { return grid_of(grid_bits(p, i)).scale; });
  }
  static F grid_zero(const uint8_t* p) {
    return each([&](int i) { return static_cast<float>(grid_bits(p, i) & 127); });
  }
  static I grid_zero_steps(const uint8_t* p) {
    return each_int([&](int i) { return grid_bits(p, i) & 127; });
  }
  static uint16_t grid_bits(const uint8_t* p, int i) {
    uint16_t bits;
    std::memcpy(&bits, p + 2 * i, 2);
    return bits;
  }

  // For attention: register blocks of queries by vectors of keys, and of values.
  static constexpr int query_rows = 1;
  static constexpr int score_vectors = 1;
  static constexpr int value_vectors = 1;
  static constexpr int key_vectors = 1;  // of sums, for keys that are not in a panel

  // Lane j of x[i] and lane i of x[j] change places.
  static void transpose(F* x) {
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < i; ++j) {
        const float lane = x[i].v[j];
        x[i].v[j] = x[j].v[i];
        x[j].v[i] = lane;
      }
    }
  }

  // sum[m][v] += x[m] times 16 rows [16,n], in the order of columns; n is 8 or 16.
  template <int M, int N, class E>
  static inline __attribute__((always_inline)) void multiply_rows(F (&sum)[M][N], int v,
                                                                  const float* x, int64_t x_ld,
                                                                  const E* rows, int64_t ld,
                                                                  int64_t n) {
    F column[16];
    for (int i = 0; i < 16; ++i) column[i] = load(rows + i * ld, n);
    transpose(column);
    for (int64_t i = 0; i < n; ++i) {
      for (int m = 0; m < M; ++m) sum[m][v] = fma(set(x[m * x_ld + i]), column[i], sum[m][v]);
    }
  }

  static F load(const int8_t* p) {
    return each([&](int i) { return static_cast<float>(p[i]); });
  }
  // The first n lanes.
  template <class T>
  static void store(T* p, F a, int64_t n) {
    T lanes[16];
    store(lanes, a);
    std::memcpy(static_cast<void*>(p), lanes, static_cast<size_t>(n) * sizeof(T));
  }
  static void store(bf16* p, F a) {
    for (int i = 0; i < 16; ++i) p[i] = to_bf16(a.v[i]);
  }
  static void store(f16* p, F a) {
    for (int i = 0; i < 16; ++i) p[i] = to_f16(a.v[i]);
  }
  // Lanes hold integers from -127 to 127.
  static void store(int8_t* p, F a) {
    for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.v[i]);
  }
  // p * 2^n for whole n from -150 to 128, in two steps, so that neither factor overflows.
  static F scale(F p, F n) {
    return each([&](int i) {
      const int32_t whole = n.v[i] == n.v[i] ? static_cast<int32_t>(n.v[i]) : 0;
      const int32_t half = whole >> 1;
      return p.v[i] * float_from_bits(static_cast<uint32_t>(half + 127) << 23) *
             float_from_bits(static_cast<uint32_t>(whole - half + 127) << 23);
    });
  }
  static float largest(F a) {
    float m = a.v[0];
    for (int i = 1; i < 16; ++i) m = a.v[i] > m ? a.v[i] : m;
    return m;
  }
  // matmul: what one row gives to a register at a time.
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
  // Lane i is sum(a[i]).
  static F sums(const F* a) {
    return each([&](int i) { return sum(a[i]); });
  }
  // A bit for each lane of a that is above its lane of b, or where either is NaN.
  static uint32_t above(F a, F b) {
    uint32_t bits = 0;
    for (int i = 0; i < 16; ++i) bits |= uint32_t{!(a.v[i] <= b.v[i])} << i;
    return bits;
  }
  // The lanes that have a bit, of which there are 16; the others -infinity.
  static F only(F a, uint32_t bits) {
    return each([&](int i) { return (bits >> i & 1) != 0 ? a.v[i] : -__builtin_inff(); });
  }
};

}  // namespace bc::cpu
