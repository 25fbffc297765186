// Operands of matrix products, and what becomes of them in double precision.
#pragma once

#include "cuda/wgmma.cuh"
#include "simt_test.h"

namespace bc::test {

template <class T>
T rounded(float f) {
  if constexpr (std::is_same<T, bf16>::value)
    return to_bf16(f);
  else
    return to_f16(f);
}

template <class T>
std::vector<T> random_elements(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<T> values(count);
  for (T& x : values) x = rounded<T>(random.normal());
  return values;
}

// a[m,k] b[n,k]^T, and how far sums of k products in f32, in steps of 16, may be off.
template <class T>
std::vector<Expected> expected(const std::vector<T>& a, const std::vector<T>& b, int m, int n,
                               int k) {
  std::vector<Expected> all;
  for (int row = 0; row < m; ++row) {
    for (int column = 0; column < n; ++column) {
      double sum = 0.0;
      double size = 0.0;
      for (int i = 0; i < k; ++i) {
        const double product =
            static_cast<double>(to_float(a[static_cast<size_t>(row * k + i)])) *
            static_cast<double>(to_float(b[static_cast<size_t>(column * k + i)]));
        sum += product;
        size += std::fabs(product);
      }
      all.push_back({sum, size * (k + 16) * kRounding});
    }
  }
  return all;
}

inline Matrix matrix_of(const std::vector<float>& values, int rows, int columns) {
  Matrix matrix(rows, columns, 0);
  matrix.data = values;
  return matrix;
}

}  // namespace bc::test
