// What the tests of .cu files share beside the device: numbers as 16-bit types hold them, and rows
// that try a search.
#pragma once

#include <cmath>
#include <vector>

#include "cuda_device.h"

namespace bc::test {

// Elements as the type rounds them, in f32 for the reference.
inline Matrix rounded(Type type, const Matrix& m) {
  Matrix r = m;
  r.data = as_floats(type, as_type(type, m.data));
  return r;
}

// Adds what rounding the output to the type may do. Below the smallest normal f16 it is absolute.
inline void round_output(Type type, std::vector<Expected>& want) {
  for (Expected& e : want)
    e.tolerance += std::fabs(e.value) * rounding_of(type) + (type == Type::f16 ? 0x1p-25 : 0.0);
}

inline size_t bytes_of(Type type, const Matrix& m) {
  return m.data.size() * static_cast<size_t>(element_bytes(type));
}

// Rows that try a search: distinct numbers, many ties, only one number, infinities, NaN, nothing
// but NaN, and zeros of both signs.
constexpr int64_t kRowKinds = 7;
inline float row_number(int kind, Random& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  switch (kind) {
    case 0:
      return random.normal();
    case 1:
      return static_cast<float>(random.below(5));
    case 2:
      return -1.5f;
    case 3:
      return random.below(3) == 0    ? -kInfinity
             : random.below(50) == 0 ? kInfinity
                                     : random.normal();
    case 4:
      return random.below(3) == 0 ? kNaN : random.normal();
    case 5:
      return kNaN;
    default:
      return random.below(2) == 0 ? -0.0f : 0.0f;
  }
}

}  // namespace bc::test
