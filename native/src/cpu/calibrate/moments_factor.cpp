// moments_factor: the triangular factor by which calibrated rounding carries errors from column to column.
//
// Method  Columns are put in the order of their second moments, the largest last. With H the moments in
//         that order, damped, u^T u = H (Cholesky), u upper triangular. Block rows of 128 are made from top to
//         bottom: what the rows above contribute is taken off (tiles of 64 columns, in parallel), the block
//         on the diagonal is factored in double, and the rest of the block row solved for. Where a pivot is
//         not positive, because sums in f32 have lost it, the damping is multiplied by ten.
// Bound   Compute: K^3 / 6 products; rows above are read once for every block row.
// Source  Golub and Van Loan, Matrix Computations, 4.2.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/kernels.h"
#include "error.h"

namespace bc::cpu {
namespace {

constexpr int64_t kBlock = 128;
constexpr int kTries = 8;

// Factors the block [n,n] on the diagonal in place; false if a pivot is not positive.
bool factor_block(float* u, int64_t ld, int64_t n) {
  double a[kBlock][kBlock];
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i; j < n; ++j) a[i][j] = static_cast<double>(u[i * ld + j]);
  }
  for (int64_t i = 0; i < n; ++i) {
    if (!(a[i][i] > 0.0) || !std::isfinite(a[i][i])) return false;
    const double pivot = std::sqrt(a[i][i]);
    for (int64_t j = i; j < n; ++j) a[i][j] /= pivot;
    for (int64_t k = i + 1; k < n; ++k) {
      for (int64_t j = k; j < n; ++j) a[k][j] -= a[i][k] * a[i][j];
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) u[i * ld + j] = j < i ? 0.0f : static_cast<float>(a[i][j]);
  }
  return true;
}

// Columns [j0, j0 + columns) of rows [b0, b0 + n): takes off what the rows above contribute and, where
// `solved`, solves for them. above [b0][n]: columns b0 to b0 + n of those rows.
void update(const MomentsFactorParams& p, const float* above, int64_t b0, int64_t n, int64_t j0,
            int64_t columns, const CalibrateKernels& kernels) {
  alignas(64) float sums[kBlock * kTile] = {};
  alignas(64) float rows[kTileDepth * kTile] = {};
  for (int64_t k0 = 0; k0 < b0; k0 += kTileDepth) {
    const int64_t depth = std::min(kTileDepth, b0 - k0);
    for (int64_t k = 0; k < depth; ++k) {
      const float* const from = p.factor + (k0 + k) * p.factor_ld + j0;
      std::copy(from, from + columns, rows + k * kTile);
    }
    kernels.add_products(sums, kTile, {above + k0 * n, n, 1}, n, {rows}, depth, 1.0f);
  }
  for (int64_t i = 0; i < n; ++i) {
    float* const to = p.factor + (b0 + i) * p.factor_ld + j0;
    for (int64_t j = 0; j < columns; ++j) to[j] -= sums[i * kTile + j];
  }
}

void solve(const MomentsFactorParams& p, int64_t b0, int64_t n, int64_t j0, int64_t columns,
           const CalibrateKernels& kernels) {
  alignas(64) float b[kBlock * kTile] = {};
  for (int64_t i = 0; i < n; ++i) {
    const float* const from = p.factor + (b0 + i) * p.factor_ld + j0;
    std::copy(from, from + columns, b + i * kTile);
  }
  kernels.solve(p.factor + b0 * p.factor_ld + b0, p.factor_ld, n, b, kTile);
  for (int64_t i = 0; i < n; ++i) {
    std::copy(b + i * kTile, b + i * kTile + columns, p.factor + (b0 + i) * p.factor_ld + j0);
  }
}

// Whether all pivots were positive.
bool factor(const MomentsFactorParams& p, std::vector<float>& above, ThreadPool& pool,
            const CalibrateKernels& kernels) {
  for (int64_t b0 = 0; b0 < p.K; b0 += kBlock) {
    const int64_t n = std::min(kBlock, p.K - b0);
    above.resize(static_cast<size_t>(p.K * kBlock));
    for (int64_t k = 0; k < b0; ++k) {
      const float* const from = p.factor + k * p.factor_ld + b0;
      std::copy(from, from + n, above.data() + k * n);
    }
    const auto tiles = [&](int64_t from, auto&& run) {
      pool.parallel_for((p.K - from + kTile - 1) / kTile, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t tile = begin; tile < end; ++tile) {
          const int64_t j0 = from + tile * kTile;
          run(j0, std::min(kTile, p.K - j0));
        }
      });
    };
    tiles(b0, [&](int64_t j0, int64_t columns) {
      update(p, above.data(), b0, n, j0, columns, kernels);
    });
    if (!factor_block(p.factor + b0 * p.factor_ld + b0, p.factor_ld, n)) return false;
    tiles(b0 + n, [&](int64_t j0, int64_t columns) { solve(p, b0, n, j0, columns, kernels); });
  }
  return true;
}

// The moments in the order of the factor, with the damping on their diagonal.
void permute(const MomentsFactorParams& p, const std::vector<int32_t>& order, ThreadPool& pool) {
  pool.parallel_for(p.K, 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      float* const to = p.factor + i * p.factor_ld;
      const float* const from = p.moments + order[static_cast<size_t>(i)] * p.moments_ld;
      std::fill(to, to + i, 0.0f);
      for (int64_t j = i; j < p.K; ++j) to[j] = from[order[static_cast<size_t>(j)]];
    }
  });
}

void mirror(const MomentsFactorParams& p, ThreadPool& pool) {
  // In tiles, so that the columns that are read stay in cache.
  pool.parallel_for((p.K + kTile - 1) / kTile, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i0 = begin * kTile; i0 < std::min(p.K, end * kTile); i0 += kTile) {
      for (int64_t j0 = 0; j0 <= i0; j0 += kTile) {
        for (int64_t i = i0; i < std::min(p.K, i0 + kTile); ++i) {
          for (int64_t j = j0; j < std::min(i, j0 + kTile); ++j)
            p.moments[i * p.moments_ld + j] = p.moments[j * p.moments_ld + i];
        }
      }
    }
  });
}

}  // namespace

std::vector<int32_t> rounding_order(const float* moments, int64_t ld, int64_t K) {
  std::vector<int32_t> order(static_cast<size_t>(K));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return moments[a * (ld + 1)] < moments[b * (ld + 1)];
  });
  return order;
}

void moments_factor(const MomentsFactorParams& p, std::vector<float>& room, ThreadPool& pool,
                    const CalibrateKernels& kernels) {
  double mean = 0.0;
  for (int64_t k = 0; k < p.K; ++k)
    mean += static_cast<double>(p.moments[k * (p.moments_ld + 1)]) / number(p.K);
  if (!std::isfinite(mean) || mean < 0.0)
    fail(BC_INVALID_ARGUMENT,
         "moments_factor: mean of the diagonal has value %g, expected a finite number", mean);
  mirror(p, pool);
  // Without any activation every rounding is as good as any other: that of the identity is plain.
  const double unit = mean > 0.0 ? mean : 1.0;
  double damping = static_cast<double>(p.damping);
  double added = 0.0;
  for (int i = 0; i < kTries; ++i, damping *= 10.0) {
    for (int64_t k = 0; k < p.K; ++k)
      p.moments[k * (p.moments_ld + 1)] += static_cast<float>((damping - added) * unit);
    added = damping;
    permute(p, rounding_order(p.moments, p.moments_ld, p.K), pool);
    if (factor(p, room, pool, kernels)) {
      *p.damped = damping;
      return;
    }
  }
  fail(BC_INVALID_ARGUMENT,
       "moments_factor: moments have no factor with damping %g, expected finite sums",
       damping / 10.0);
}

}  // namespace bc::cpu
