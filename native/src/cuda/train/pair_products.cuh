// A tile of 128 by 128 sums of products on tensor cores: f32 operands are rounded to bf16 on their way to shared
// memory, sums are f32. Eight warps have 64 rows and 32 columns each.
//
// Operands come in slices of 16 along the depth, which take turns in two places, as in tile_products.cuh. One
// whose columns lie side by side is [16][128] in shared memory, one whose depth does [128][16]; ldmatrix
// transposes the first kind. Chunks of 8 trade places by row, so that eight rows fall into different banks.
#pragma once

#include "cuda/mma.cuh"

namespace bc::cuda {

constexpr int kPairThreads = 256;
constexpr int kPairTile = 128;
constexpr int kPairSlice = 16;
constexpr int kPairsHeld = kPairSlice * kPairTile / 2 / kPairThreads;  // that a thread brings
constexpr int kPairElements = kPairSlice * kPairTile;                  // of a slice
constexpr size_t kPairBytes = 4 * kPairElements * sizeof(bf16);        // two slices of each operand

struct PairsOfThread {
  float low[kPairsHeld], high[kPairsHeld];
};

// Where two neighbours of a tile of bf16 lie: one word.
__device__ __forceinline__ void put_pair(Shared<bf16> to, float low, float high) {
  store(to, same_bits<Vec<bf16, 2>>(narrow_pair<bf16>(low, high)));
}

// [depth,columns], of which the tile begins at c0.
template <class W>
class PairRows {
 public:
  __device__ __forceinline__ PairRows(const W* data, int64_t ld, int64_t depth, int64_t columns,
                                      int64_t c0)
      : at_(data + row() * ld + c0 + column()),
        step_(static_cast<int>(kDown * ld)),
        left_(static_cast<int>(depth) - row()),
        columns_(static_cast<int>(columns - c0) - column()) {}

  __device__ __forceinline__ PairsOfThread next_slice() {
    PairsOfThread pairs;
#pragma unroll
    for (int i = 0; i < kPairsHeld; ++i) {
      const bool within = i * kDown < left_;
      pairs.low[i] = within && 0 < columns_ ? widen(load(at_)) : 0.0f;
      pairs.high[i] = within && 1 < columns_ ? widen(load(at_ + 1)) : 0.0f;
      at_ += step_;
    }
    left_ -= kPairSlice;
    return pairs;
  }
  static __device__ __forceinline__ void put(Shared<bf16> to, const PairsOfThread& pairs) {
#pragma unroll
    for (int i = 0; i < kPairsHeld; ++i) {
      put_pair(to + swizzled<kPairTile>(row() + i * kDown, column()), pairs.low[i], pairs.high[i]);
    }
  }
  // Columns c to c + 15 of the tile as rows of a.
  static __device__ __forceinline__ FragmentA<bf16> fragment(Shared<bf16> slice, int c) {
    const RowCol mine = lane_of_b();
    FragmentA<bf16> a;
    ptx::ldmatrix_x4_trans(a.r, slice + swizzled<kPairTile>(mine.row, c + mine.col));
    return a;
  }
  // The same as columns of b.
  static __device__ __forceinline__ TwoB<bf16> two_b(Shared<bf16> slice, int c) {
    const RowCol mine = lane_of_b_trans();
    return load_b_trans(slice + swizzled<kPairTile>(mine.row, c + mine.col));
  }

 private:
  static constexpr int kDown = kPairThreads * 2 / kPairTile;  // rows that all threads take at once

  static __device__ __forceinline__ int row() {
    return static_cast<int>(threadIdx.x) / (kPairTile / 2);
  }
  static __device__ __forceinline__ int column() {
    return static_cast<int>(threadIdx.x) % (kPairTile / 2) * 2;
  }

  const W* at_;
  int step_, left_, columns_;
};

// [columns,depth], and factors [depth] or null.
class PairColumns {
 public:
  __device__ __forceinline__ PairColumns(const float* data, int64_t ld, int64_t depth,
                                         int64_t columns, int64_t c0, const float* factors)
      : at_(data + (c0 + column()) * ld + row()),
        end_of_factors_(factors == nullptr ? nullptr : factors + depth),
        step_(static_cast<int>(kAcross * ld)),
        left_(static_cast<int>(depth) - row()),
        columns_(static_cast<int>(columns - c0) - column()) {}

  __device__ __forceinline__ PairsOfThread next_slice() {
    PairsOfThread pairs;
    float factors[2] = {1.0f, 1.0f};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (half < left_ && end_of_factors_ != nullptr)
        factors[half] = load(end_of_factors_ - left_ + half);
    }
    const float* at = at_;
#pragma unroll
    for (int i = 0; i < kPairsHeld; ++i) {
      const bool within = i * kAcross < columns_;
      pairs.low[i] = within && 0 < left_ ? load(at) * factors[0] : 0.0f;
      pairs.high[i] = within && 1 < left_ ? load(at + 1) * factors[1] : 0.0f;
      at += step_;
    }
    at_ += kPairSlice;
    left_ -= kPairSlice;
    return pairs;
  }
  static __device__ __forceinline__ void put(Shared<bf16> to, const PairsOfThread& pairs) {
#pragma unroll
    for (int i = 0; i < kPairsHeld; ++i)
      put_pair(to + place(column() + i * kAcross, row()), pairs.low[i], pairs.high[i]);
  }
  static __device__ __forceinline__ FragmentA<bf16> fragment(Shared<bf16> slice, int c) {
    const RowCol mine = lane_of_a();
    return load_a(slice + place(c + mine.row, mine.col));
  }

 private:
  static constexpr int kAcross = kPairThreads * 2 / kPairSlice;  // columns of all threads

  static __device__ __forceinline__ int row() {
    return static_cast<int>(threadIdx.x) % (kPairSlice / 2) * 2;
  }
  static __device__ __forceinline__ int column() {
    return static_cast<int>(threadIdx.x) / (kPairSlice / 2);
  }
  // Rows of 32 bytes: four of them, and the next four the other way round, have all banks.
  static __device__ __forceinline__ int place(int c, int d) {
    return c * kPairSlice + ((d / 8 ^ c / 4 % 2) * 8 | d % 8);
  }

  const float* at_;
  const float* end_of_factors_;
  int step_, left_, columns_;
};

struct PairSums {
  static constexpr int kRows = 4;     // fragments of 16 rows of a warp
  static constexpr int kColumns = 4;  // fragments of 8 columns

  Accumulator at[kRows][kColumns];

  static __device__ __forceinline__ int first_row() {
    return static_cast<int>(threadIdx.x) / kWarp % 2 * (kRows * 16);
  }
  static __device__ __forceinline__ int first_column() {
    return static_cast<int>(threadIdx.x) / kWarp / 2 * (kColumns * 8);
  }
};

// The sums over the depth of the columns of a times those of b.
template <class A, class B>
__device__ __forceinline__ void pair_products(PairSums& sums, A a, B b, int64_t depth) {
  PairsOfThread of_a = a.next_slice();
  PairsOfThread of_b = b.next_slice();
  int turn = 0;
  for (auto left = static_cast<int>(depth); left > 0; left -= kPairSlice) {
    const Shared<bf16> slice = shared_memory<bf16>() + turn * 2 * kPairElements;
    A::put(slice, of_a);
    B::put(slice + kPairElements, of_b);
    __syncthreads();
    if (left > kPairSlice) {
      of_a = a.next_slice();
      of_b = b.next_slice();
    }
    TwoB<bf16> columns[PairSums::kColumns / 2];
#pragma unroll
    for (int j = 0; j < PairSums::kColumns / 2; ++j)
      columns[j] = B::two_b(slice + kPairElements, PairSums::first_column() + 16 * j);
#pragma unroll
    for (int i = 0; i < PairSums::kRows; ++i) {
      const FragmentA<bf16> rows = A::fragment(slice, PairSums::first_row() + 16 * i);
#pragma unroll
      for (int j = 0; j < PairSums::kColumns / 2; ++j) {
        mma(sums.at[i][2 * j], rows, columns[j].n0);
        mma(sums.at[i][2 * j + 1], rows, columns[j].n8);
      }
    }
    turn ^= 1;
  }
}

// out [rows,columns] at the tile's place (+)= the sums.
template <bool kAdd>
__device__ __forceinline__ void store_pairs(const PairSums& sums, float* out, int64_t ld,
                                            int64_t rows, int64_t columns, int64_t r0, int64_t c0) {
  const int64_t first = c0 + PairSums::first_column() + Accumulator::col(0);
  const auto left = static_cast<int>(columns - first);
#pragma unroll
  for (int i = 0; i < PairSums::kRows; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int64_t r = r0 + PairSums::first_row() + 16 * i + Accumulator::row(2 * half);
      if (r >= rows) continue;
      float* const row = out + r * ld + first;
#pragma unroll
      for (int j = 0; j < 2 * PairSums::kColumns; ++j) {
        const int c = j / 2 * 8 + j % 2;
        if (c >= left) continue;
        const float sum = sums.at[i][j / 2].r[2 * half + j % 2];
        store(row + c, (kAdd ? load(row + c) : 0.0f) + sum);
      }
    }
  }
}

}  // namespace bc::cuda
