// A tile of 128 by 128 sums of products in f32, by 256 threads. Thread 16 y + x has rows 4y to 4y + 3 and 64
// further on, and columns 4x to 4x + 3 and 64 further on: sixteen numbers of shared memory serve 64 products.
//
// Operands come in slices of 8 along the depth, [8][128] in shared memory. While one slice is multiplied the
// next is on its way to registers; two places for slices make one barrier a slice enough. The order of additions
// is that of the depth.
#pragma once

#include "cuda/load.cuh"

namespace bc::cuda {

constexpr int kTileThreads = 256;
constexpr int kTile = 128;
constexpr int kSlice = 8;
// Between rows of a slice. Four more than a row has, so that columns written from rows do not share banks.
constexpr int kSliceLd = kTile + 4;
constexpr int kSliceFloats = kSlice * kSliceLd;
constexpr int kHeld = kSlice * kTile / kTileThreads;  // numbers of a slice that a thread brings
constexpr size_t kTileBytes = 4 * kSliceFloats * sizeof(float);

struct SliceOfThread {
  float at[kHeld];
};

// An operand whose columns lie side by side: [depth,columns], of which the tile begins at c0. Counts are in 32
// bits and pointers move on from slice to slice, since registers are short.
template <class W>
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
  __device__ __forceinline__ SliceOfThread next_slice() {
    SliceOfThread slice;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      slice.at[i] = i * kDown < left_ ? widen(load(at_)) : 0.0f;
      at_ += step_;
    }
    left_ -= kSlice;
    return slice;
  }
  static __device__ __forceinline__ void put(Shared<float> to, const SliceOfThread& slice) {
    to += threadIdx.x / kTile * kSliceLd + threadIdx.x % kTile;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) to[i * kDown * kSliceLd] = slice.at[i];
  }

 private:
  static constexpr int kDown = kTileThreads / kTile;

  const W* at_;
  int step_;
  int left_;  // of the depth, from this thread's first number on
};

// An operand whose depth lies side by side: [columns,depth], and factors [depth] or null. Eight threads take 32
// bytes of a column, a slice of it; those of a warp take four columns, and all banks.
class OperandColumns {
 public:
  __device__ __forceinline__ OperandColumns(const float* data, int64_t ld, int64_t depth,
                                            int64_t columns, int64_t c0, const float* factors)
      : at_(data + (c0 + threadIdx.x / kSlice) * ld + threadIdx.x % kSlice),
        end_of_factors_(factors == nullptr ? nullptr : factors + depth),
        step_(static_cast<int>(kDown * ld)),
        left_(static_cast<int>(depth) - static_cast<int>(threadIdx.x % kSlice)),
        columns_(static_cast<int>(columns - c0) - static_cast<int>(threadIdx.x / kSlice)) {}

  __device__ __forceinline__ SliceOfThread next_slice() {
    SliceOfThread slice;
    const float factor =
        left_ > 0 && end_of_factors_ != nullptr ? load(end_of_factors_ - left_) : 1.0f;
    const float* at = at_;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      slice.at[i] = left_ > 0 && i * kDown < columns_ ? load(at) * factor : 0.0f;
      at += step_;
    }
    at_ += kSlice;
    left_ -= kSlice;
    return slice;
  }
  static __device__ __forceinline__ void put(Shared<float> to, const SliceOfThread& slice) {
    to += threadIdx.x % kSlice * kSliceLd + threadIdx.x / kSlice;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) to[i * kDown] = slice.at[i];
  }

 private:
  static constexpr int kDown = kTileThreads / kSlice;

  const float* at_;
  const float* end_of_factors_;
  int step_, left_, columns_;
};

struct TileSums {
  float at[8][8];

  static __device__ __forceinline__ int row(int i) {
    return static_cast<int>(threadIdx.x) / 16 * 4 + i % 4 + i / 4 * (kTile / 2);
  }
  static __device__ __forceinline__ int column(int j) {
    return static_cast<int>(threadIdx.x) % 16 * 4 + j % 4 + j / 4 * (kTile / 2);
  }

  __device__ __forceinline__ void add(Shared<float> a, Shared<float> b) {
#pragma unroll
    for (int d = 0; d < kSlice; ++d) {
      Vec<float, 4> rows[2];
      Vec<float, 4> columns[2];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        rows[half] = load<4>(a + d * kSliceLd + row(4 * half));
        columns[half] = load<4>(b + d * kSliceLd + column(4 * half));
      }
#pragma unroll
      for (int i = 0; i < 8; ++i) {
#pragma unroll
        for (int j = 0; j < 8; ++j)
          at[i][j] = fmaf(rows[i / 4][i % 4], columns[j / 4][j % 4], at[i][j]);
      }
    }
  }
};

// The sums over the depth of the columns of a times those of b.
template <class A, class B>
__device__ __forceinline__ TileSums tile_products(A a, B b, int64_t depth) {
  TileSums sums = {};
  SliceOfThread of_a = a.next_slice();
  SliceOfThread of_b = b.next_slice();
  int place = 0;
  for (auto left = static_cast<int>(depth); left > 0; left -= kSlice) {
    const Shared<float> slices = shared_memory<float>() + place * 2 * kSliceFloats;
    A::put(slices, of_a);
    B::put(slices + kSliceFloats, of_b);
    __syncthreads();
    if (left > kSlice) {
      of_a = a.next_slice();
      of_b = b.next_slice();
    }
    sums.add(slices, slices + kSliceFloats);
    place ^= 1;
  }
  return sums;
}

// out [rows,columns] at the tile's place (+)= the sums. Whether is known to the compiler, which otherwise has
// loads under way for both answers and spills registers.
template <bool kAdd>
__device__ __forceinline__ void store_tile(const TileSums& sums, float* out, int64_t ld,
                                           int64_t rows, int64_t columns, int64_t r0, int64_t c0) {
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int64_t r = r0 + TileSums::row(i);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const int64_t c = c0 + TileSums::column(j);
      if (r >= rows || c >= columns) continue;
      float* const to = out + r * ld + c;
      store(to, (kAdd ? load(to) : 0.0f) + sums.at[i][j]);
    }
  }
}

}  // namespace bc::cuda
