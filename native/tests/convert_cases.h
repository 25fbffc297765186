// Rounding from f32: for each two neighbours of a 16-bit type the number half way, which goes to
// the even one, and the f32 numbers beside it, which go to the nearer one; and each number itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "types.h"

namespace bc::test {

struct Roundings {
  std::vector<float> x;
  std::vector<uint16_t> want;
};

inline float value_of(Type type, uint32_t bits) {
  const auto b = static_cast<uint16_t>(bits);
  return type == Type::f16 ? to_float(f16{b}) : to_float(bf16{b});
}

// Every `step`-th pair of neighbours of both signs, up to the step from the largest to infinity,
// where the number half way is the first that becomes infinite.
inline Roundings roundings(Type type, uint32_t step) {
  const uint32_t infinity = type == Type::f16 ? 0x7c00u : 0x7f80u;
  Roundings r;
  for (uint32_t i = 0; i < infinity + step - 1; i += step) {
    const uint32_t b = std::min(i, infinity - 1);
    const double low = static_cast<double>(value_of(type, b));
    // The binade of the largest numbers goes on to where infinity stands.
    const double high = b + 1 < infinity ? static_cast<double>(value_of(type, b + 1))
                                         : 2.0 * low - static_cast<double>(value_of(type, b - 1));
    const float middle = static_cast<float>(0.5 * (low + high));
    const float none = 0.0f;
    const float most = std::numeric_limits<float>::infinity();
    const float tries[] = {static_cast<float>(low), std::nextafter(middle, none), middle,
                           std::nextafter(middle, most)};
    const uint32_t wants[] = {b, b, b + b % 2, b + 1};
    for (int k = 0; k < 4; ++k) {
      for (const uint32_t sign : {0u, 0x8000u}) {
        r.x.push_back(sign != 0 ? -tries[k] : tries[k]);
        r.want.push_back(static_cast<uint16_t>(sign | wants[k]));
      }
    }
  }
  return r;
}

}  // namespace bc::test
