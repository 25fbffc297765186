// Sixteen lanes in plain C++: the vectors of any processor, and the meaning of the other two files.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "../quant.h"

namespace bc::cpu {

struct ScalarLanes {
  struct F {
    float v[16];
  };
  struct I {
    int32_t v[16];
  };

  static constexpr int32_t q8_offset = 0;  // what dot8 leaves to be subtracted, times the sum of a
  static constexpr int rows = 1;           // register block: rows of x
  static constexpr int panels = 1;         // and panels of w, for many rows
  static constexpr int panels_one = 1;     // panels of w for one row

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
  // a * b - c.
  static F fms(F a, F b, F c) {
    return each([&](int i) { return a.v[i] * b.v[i] - c.v[i]; });
  }
  static F min(F a, F b) {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F max(F a, F b) {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
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
  // Byte b of each lane, 0 to 255, as a float.
  static F byte(I a, int b) {
    return each([&](int i) {
      return static_cast<float>((static_cast<uint32_t>(a.v[i]) >> (8 * b)) & 255u);
    });
  }
  static F to_floats(I a) {
    return each([&](int i) { return static_cast<float>(a.v[i]); });
  }
  // acc + sum over the 4 bytes of a lane of w (0..15) * a.
  static I dot4(I acc, I w, const int8_t* a) {
    return each_int([&](int i) {
      int32_t s = acc.v[i];
      for (int b = 0; b < 4; ++b)
        s += static_cast<int32_t>((static_cast<uint32_t>(w.v[i]) >> (8 * b)) & 255u) * a[b];
      return s;
    });
  }
  // The same for w = q + 128, of which the offset is taken off.
  static I dot8(I acc, I w, const int8_t* a) {
    return each_int([&](int i) {
      int32_t s = acc.v[i];
      for (int b = 0; b < 4; ++b) {
        s += (static_cast<int32_t>((static_cast<uint32_t>(w.v[i]) >> (8 * b)) & 255u) - 128) * a[b];
      }
      return s;
    });
  }

  // The scales and the zeros, in steps, of 16 grids (quant.h).
  static F grid_scale(const uint8_t* p) {
    return each([&](int i) { return grid_of(grid_bits(p, i)).scale; });
  }
  static F grid_zero(const uint8_t* p) {
    return each([&](int i) { return static_cast<float>(grid_bits(p, i) & 127); });
  }
  static uint16_t grid_bits(const uint8_t* p, int i) {
    uint16_t bits;
    std::memcpy(&bits, p + 2 * i, 2);
    return bits;
  }

  static constexpr int dots = 1;    // attention: dot products kept in registers at once
  static constexpr int chunks = 1;  // and vectors of the output row

  static F load(const int8_t* p) {
    return each([&](int i) { return static_cast<float>(p[i]); });
  }
  // The first n lanes.
  static void store(float* p, F a, int64_t n) {
    std::memcpy(p, a.v, static_cast<size_t>(n) * sizeof(float));
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
  // Lane i is sum(a[i]).
  static F sums(const F* a) {
    return each([&](int i) { return sum(a[i]); });
  }
  // Whether a lane of a is above its lane of b or either is NaN.
  static bool any_above(F a, F b) {
    bool any = false;
    for (int i = 0; i < 16; ++i) any |= !(a.v[i] <= b.v[i]);
    return any;
  }
};

}  // namespace bc::cpu
