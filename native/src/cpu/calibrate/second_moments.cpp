// second_moments: adds x^T x of T tokens to a matrix [K,K], of which the triangle above the diagonal and
// the diagonal itself are kept; or (y - x)^T x, all of it.
//
// Method  Pieces of 512 tokens are packed as tiles of 64 columns; a task is a tile of 64 x 64 sums. Sums
//         over 128 tokens are made in registers, over a piece in a tile in cache, and then added to the
//         matrix: no sum has more than 128 + 4 + T / 512 terms in a row, so that its relative error is at most
//         that times 2^-24 of the sum of magnitudes.
// Bound   Compute: T K^2 / 2 products. The matrix is read and written once for 512 tokens.
#include <algorithm>
#include <cstring>

#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kPiece = 512;  // tokens that are packed at once

// Columns of `rows` tokens of x, or of y - x, as tiles [tile][rows][kTile], padded with zeros.
void pack(const SecondMomentsParams& p, bool difference, int64_t t0, int64_t rows, float* packed,
          ThreadPool& pool) {
  const int64_t tiles = (p.K + kTile - 1) / kTile;
  pool.parallel_for(rows, 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      const float* const from = p.x + (t0 + t) * p.x_ld;
      for (int64_t tile = 0; tile < tiles; ++tile) {
        float* const to = packed + (tile * rows + t) * kTile;
        const int64_t columns = std::min(kTile, p.K - tile * kTile);
        std::memcpy(to, from + tile * kTile, static_cast<size_t>(columns) * sizeof(float));
        std::fill(to + columns, to + kTile, 0.0f);
        if (!difference) continue;
        const float* const y = p.y + (t0 + t) * p.y_ld + tile * kTile;
        for (int64_t k = 0; k < columns; ++k) to[k] = y[k] - to[k];
      }
    }
  });
}

// Adds the products of two tiles of columns, one of what is transposed and one of x.
void add_tile(const SecondMomentsParams& p, const float* left, const float* right, int64_t rows,
              int64_t i, int64_t j, const CalibrateKernels& kernels) {
  alignas(64) float sums[kTile * kTile] = {};
  const float* const a = left + i * rows * kTile;
  const float* const b = right + j * rows * kTile;
  for (int64_t t = 0; t < rows; t += kTileDepth) {
    kernels.add_products(sums, kTile, {a + t * kTile, kTile, 1}, kTile, {b + t * kTile},
                         std::min(kTileDepth, rows - t), 1.0f);
  }
  for (int64_t m = i * kTile; m < std::min(p.K, (i + 1) * kTile); ++m) {
    const float* const row = sums + (m - i * kTile) * kTile - j * kTile;
    for (int64_t l = p.y == nullptr ? std::max(m, j * kTile) : j * kTile;
         l < std::min(p.K, (j + 1) * kTile); ++l)
      p.sums[m * p.sums_ld + l] += row[l];
  }
}

}  // namespace

void second_moments(const SecondMomentsParams& p, std::vector<float>& room, ThreadPool& pool,
                    const CalibrateKernels& kernels) {
  const int64_t tiles = (p.K + kTile - 1) / kTile;
  for (int64_t t0 = 0; t0 < p.T; t0 += kPiece) {
    const int64_t rows = std::min(kPiece, p.T - t0);
    const int64_t packed = tiles * rows * kTile;
    room.resize(std::max(room.size(), static_cast<size_t>(p.y == nullptr ? packed : 2 * packed)));
    float* const right = room.data();
    float* const left = p.y == nullptr ? right : right + packed;
    pack(p, false, t0, rows, right, pool);
    if (p.y != nullptr) pack(p, true, t0, rows, left, pool);
    pool.parallel_for(tiles * tiles, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t n = begin; n < end; ++n) {
        const int64_t i = n / tiles;
        const int64_t j = n % tiles;
        if (p.y != nullptr || j >= i) add_tile(p, left, right, rows, i, j, kernels);
      }
    });
  }
}

}  // namespace bc::cpu
