// What the tests of the ops of training on a GPU share: rows of f32 on the device, and outputs whose expected
// numbers stand one behind the other.
#pragma once

#include "cuda_cases.h"
#include "reference_train.h"

namespace bc::test {

// Rows [from, ...) of `want` are those of `got`.
inline void compare_part(Check& check, const char* name, const Matrix& got,
                         const std::vector<Expected>& want, size_t from) {
  const auto begin = want.begin() + static_cast<std::ptrdiff_t>(from);
  check.compare(name, got, {begin, begin + static_cast<std::ptrdiff_t>(got.rows * got.cols)});
}

inline Matrix normal_matrix(int64_t rows, int64_t cols, int64_t gap, Random& random) {
  Matrix m(rows, cols, gap);
  m.fill([&] { return random.normal(); });
  return m;
}

inline Matrix outlier_matrix(int64_t rows, int64_t cols, int64_t gap, Random& random) {
  Matrix m(rows, cols, gap);
  m.fill([&] { return random.outlier(); });
  return m;
}

}  // namespace bc::test
