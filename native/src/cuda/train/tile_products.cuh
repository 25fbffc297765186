// A tile of sums of products in f32, 128 by 128 or 64 by 64, by 256 threads. Thread 16 y + x has rows 4y to
// 4y + 3, and of a large tile those 64 further on, and columns 4x to 4x + 3 likewise: sixteen numbers of shared
// memory serve 64 products, or eight serve 16.
//
// Operands come in slices of 8 along the depth, [8][tile] in shared memory. While one slice is multiplied the
// next is on its way to registers; slices take turns in two places, which makes one barrier a slice enough, also
// from one product to the next. The order of additions is that of the depth.
#pragma once

#include "cuda/load.cuh"

namespace bc::cuda {

constexpr int kTileThreads = 256;
constexpr int kSlice = 8;

// Between rows of a slice. Four more than a row has, so that columns written from rows do not share banks.
template <int kTile>
constexpr int kSliceLd = kTile + 4;
// Two slices of each operand.
template <int kTile>
constexpr int kSliceFloats = 4 * kSlice* kSliceLd<kTile>;
// Numbers of a slice that a thread brings.
template <int kTile>
constexpr int kHeld = kSlice* kTile / kTileThreads;

template <int kTile>
struct SliceOfThread {
  float at[kHeld<kTile>];
};

// An operand whose columns lie side by side: [depth,columns], of which the tile begins at c0. Counts are in 32
// bits and pointers move on from slice to slice, since registers are short.
template <int kTile, class W>
class OperandRows {
 public:
  __device__ __forceinline__ OperandRows(const W* data, int64_t ld, int64_t depth, int64_t columns,
                                         int64_t c0)
      : at_(data + threadIdx.x / kTile * ld + c0 + threadIdx.x % kTile),
        step_(static_cast<int>(kDown * ld)),
        left_(c0 + threadIdx.x % kTile < columns
                  ? static_cast<int>(depth) - static_cast<int>(threadIdx.x / kTile)
                  : 0) {}

  // This thread's share of the next slice.
  __device__ __forceinline__ SliceOfThread<kTile> next_slice() {
    SliceOfThread<kTile> slice;
#pragma unroll
    for (int i = 0; i < kHeld<kTile>; ++i) {
      slice.at[i] = i * kDown < left_ ? widen(load(at_)) : 0.0f;
      at_ += step_;
    }
    left_ -= kSlice;
    return slice;
  }
  static __device__ __forceinline__ void put(Shared<float> to, const SliceOfThread<kTile>& slice) {
    to += threadIdx.x / kTile * kSliceLd<kTile> + threadIdx.x % kTile;
#pragma unroll
    for (int i = 0; i < kHeld<kTile>; ++i) to[i * kDown * kSliceLd<kTile>] = slice.at[i];
  }

 private:
  static constexpr int kDown = kTileThreads / kTile;

  const W* at_;
  int step_;
  int left_;  // of the depth, from this thread's first number on
};

// An operand whose depth lies side by side: [columns,depth], and factors [depth] or null. Eight threads take 32
// bytes of a column, a slice of it; those of a warp take four columns, and all banks.
template <int kTile>
class OperandColumns {
 public:
  __device__ __forceinline__ OperandColumns(const float* data, int64_t ld, int64_t depth,
                                            int64_t columns, int64_t c0,
                                            const float* factors = nullptr)
      : at_(data + (c0 + threadIdx.x / kSlice) * ld + threadIdx.x % kSlice),
        end_of_factors_(factors == nullptr ? nullptr : factors + depth),
        step_(static_cast<int>(kDown * ld)),
        left_(static_cast<int>(depth) - static_cast<int>(threadIdx.x % kSlice)),
        columns_(static_cast<int>(columns - c0) - static_cast<int>(threadIdx.x / kSlice)) {}

  __device__ __forceinline__ SliceOfThread<kTile> next_slice() {
    SliceOfThread<kTile> slice;
    const float factor =
        left_ > 0 && end_of_factors_ != nullptr ? load(end_of_factors_ - left_) : 1.0f;
    const float* at = at_;
#pragma unroll
    for (int i = 0; i < kHeld<kTile>; ++i) {
      slice.at[i] = left_ > 0 && i * kDown < columns_ ? load(at) * factor : 0.0f;
      at += step_;
    }
    at_ += kSlice;
    left_ -= kSlice;
    return slice;
  }
  static __device__ __forceinline__ void put(Shared<float> to, const SliceOfThread<kTile>& slice) {
    to += threadIdx.x % kSlice * kSliceLd<kTile> + threadIdx.x / kSlice;
#pragma unroll
    for (int i = 0; i < kHeld<kTile>; ++i) to[i * kDown] = slice.at[i];
  }

 private:
  static constexpr int kDown = kTileThreads / kSlice;

  const float* at_;
  const float* end_of_factors_;
  int step_, left_, columns_;
};

template <int kTile>
struct TileSums {
  static constexpr int kN = kTile / 16;  // rows of a thread, and columns

  float at[kN][kN];

  static __device__ __forceinline__ int row(int i) {
    return static_cast<int>(threadIdx.x) / 16 * 4 + i % 4 + i / 4 * 64;
  }
  static __device__ __forceinline__ int column(int j) {
    return static_cast<int>(threadIdx.x) % 16 * 4 + j % 4 + j / 4 * 64;
  }

  __device__ __forceinline__ void add(Shared<float> a, Shared<float> b) {
#pragma unroll
    for (int d = 0; d < kSlice; ++d) {
      Vec<float, 4> rows[kN / 4];
      Vec<float, 4> columns[kN / 4];
#pragma unroll
      for (int i = 0; i < kN / 4; ++i) {
        rows[i] = load<4>(a + d * kSliceLd<kTile> + row(4 * i));
        columns[i] = load<4>(b + d * kSliceLd<kTile> + column(4 * i));
      }
#pragma unroll
      for (int i = 0; i < kN; ++i) {
#pragma unroll
        for (int j = 0; j < kN; ++j)
          at[i][j] = fmaf(rows[i / 4][i % 4], columns[j / 4][j % 4], at[i][j]);
      }
    }
  }
};

// The places of slices in shared memory, from its begin on.
template <int kTile>
class SlicePlaces {
 public:
  __device__ __forceinline__ Shared<float> next() {
    turn_ ^= 1;
    return shared_memory<float>() + turn_ * (kSliceFloats<kTile> / 2);
  }

 private:
  int turn_ = 0;
};

// The sums over the depth of the columns of a times those of b.
template <int kTile, class A, class B>
__device__ __forceinline__ TileSums<kTile> tile_products(A a, B b, int64_t depth,
                                                         SlicePlaces<kTile>& places) {
  TileSums<kTile> sums = {};
  SliceOfThread<kTile> of_a = a.next_slice();
  SliceOfThread<kTile> of_b = b.next_slice();
  for (auto left = static_cast<int>(depth); left > 0; left -= kSlice) {
    const Shared<float> slice = places.next();
    A::put(slice, of_a);
    B::put(slice + kSlice * kSliceLd<kTile>, of_b);
    __syncthreads();
    if (left > kSlice) {
      of_a = a.next_slice();
      of_b = b.next_slice();
    }
    sums.add(slice, slice + kSlice * kSliceLd<kTile>);
  }
  return sums;
}

// The same, added to sums, for an a that lies in shared memory: [depth][kSliceLd], up to a multiple of a slice.
template <int kTile, class B>
__device__ __forceinline__ void add_products(TileSums<kTile>& sums, Shared<float> a, B b,
                                             int64_t depth, SlicePlaces<kTile>& places) {
  SliceOfThread<kTile> of_b = b.next_slice();
  for (auto left = static_cast<int>(depth); left > 0; left -= kSlice) {
    const Shared<float> slice = places.next();
    B::put(slice, of_b);
    __syncthreads();
    if (left > kSlice) of_b = b.next_slice();
    sums.add(a, slice);
    a += kSlice * kSliceLd<kTile>;
  }
}

// out [rows,columns] at the tile's place (+)= the sums. Whether is known to the compiler, which otherwise has
// loads under way for both answers and spills registers.
template <bool kAdd, int kTile>
__device__ __forceinline__ void store_tile(const TileSums<kTile>& sums, float* out, int64_t ld,
                                           int64_t rows, int64_t columns, int64_t r0, int64_t c0) {
#pragma unroll
  for (int i = 0; i < sums.kN; ++i) {
    const int64_t r = r0 + sums.row(i);
#pragma unroll
    for (int j = 0; j < sums.kN; ++j) {
      const int64_t c = c0 + sums.column(j);
      if (r >= rows || c >= columns) continue;
      float* const to = out + r * ld + c;
      store(to, (kAdd ? load(to) : 0.0f) + sums.at[i][j]);
    }
  }
}

}  // namespace bc::cuda
