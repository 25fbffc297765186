// Fragments of mma.sync: which lane holds which elements, and how they get there from shared
// memory.
// Tables "Matrix fragments for mma.m16n8k16 / m16n8k32" of the PTX ISA. With g = lane / 4 and
// t = lane % 4:
//
//   a[16,16]  register r: row g + 8 (r % 2), columns 2t + 8 (r / 2) and the next
//   b[16,8]   register r: rows 2t + 8r and the next, column g
//   d[16,8]   register r: row g + 8 (r / 2), column 2t + r % 2
//
// So d of one product, narrowed in pairs, is a of the next: registers 0,1 and 2,3 of two d side by
// side make the four registers of an a.
//
// The warpgroup instructions of Hopper have layouts of their own (wgmma.cuh).
#pragma once

#include "cuda/load.cuh"

namespace bc::cuda {

template <class T>
struct FragmentA {  // [16,16] of bf16 or f16
  uint32_t r[4];
};
template <class T>
struct FragmentB {  // [16,8]
  uint32_t r[2];
};
struct Accumulator {  // [16,8]
  float r[4] = {0.0f, 0.0f, 0.0f, 0.0f};

  // Where register i of this lane lies.
  static __device__ __forceinline__ int row(int i) {
    return static_cast<int>(ptx::lane_id()) / 4 + i / 2 * 8;
  }
  static __device__ __forceinline__ int col(int i) {
    return static_cast<int>(ptx::lane_id()) % 4 * 2 + i % 2;
  }
};

// d += a b
template <class T>
__device__ __forceinline__ void mma(Accumulator& d, const FragmentA<T>& a,
                                    const FragmentB<T>& b SIMT_SITE) {
  if constexpr (std::is_same<T, bf16>::value) {
    ptx::mma_m16n8k16_bf16(d.r, a.r, b.r SIMT_PASS);
  } else {
    ptx::mma_m16n8k16_f16(d.r, a.r, b.r SIMT_PASS);
  }
}

// --- From shared memory --------------------------------------------------------------------------
// ldmatrix wants one row of 8 elements named by each lane. The three functions say which row and
// column of a 16x16 piece this lane names; the caller finds its address, swizzled or not.

struct RowCol {
  int row, col;
};

// A[16,16] in rows: the registers of one FragmentA.
__device__ __forceinline__ RowCol lane_of_a() {
  const int lane = static_cast<int>(ptx::lane_id());
  return {lane % 16, lane / 16 * 8};
}

// 16 rows n of 16 columns k, as weights and keys lie: two FragmentB, of n 0-7 and n 8-15.
__device__ __forceinline__ RowCol lane_of_b() {
  const int lane = static_cast<int>(ptx::lane_id());
  return {lane % 8 + lane / 16 * 8, lane / 8 % 2 * 8};
}

// 16 rows k of 16 columns n, as values lie, to be transposed: two FragmentB, of n 0-7 and n 8-15.
__device__ __forceinline__ RowCol lane_of_b_trans() { return lane_of_a(); }

template <class T>
__device__ __forceinline__ FragmentA<std::remove_const_t<T>> load_a(Shared<T> mine SIMT_SITE) {
  FragmentA<std::remove_const_t<T>> a;
  ptx::ldmatrix_x4(a.r, mine SIMT_PASS);
  return a;
}

template <class T>
struct TwoB {
  FragmentB<T> n0, n8;
};

template <class T>
__device__ __forceinline__ TwoB<std::remove_const_t<T>> load_b(Shared<T> mine SIMT_SITE) {
  uint32_t r[4];
  ptx::ldmatrix_x4(r, mine SIMT_PASS);
  return {{{r[0], r[1]}}, {{r[2], r[3]}}};
}

template <class T>
__device__ __forceinline__ TwoB<std::remove_const_t<T>> load_b_trans(Shared<T> mine SIMT_SITE) {
  uint32_t r[4];
  ptx::ldmatrix_x4_trans(r, mine SIMT_PASS);
  return {{{r[0], r[1]}}, {{r[2], r[3]}}};
}

// Where element (row, col) of a tile of 16-bit elements lies so that eight rows under each other
// fall into different banks: chunks of 8 elements trade places by row. kCols is 32 or a multiple of
// 64.
template <int kCols>
__device__ __forceinline__ int swizzled(int row, int col) {
  static_assert(kCols == 32 || kCols % 64 == 0, "rows of 64 bytes or multiples of 128");
  const int turn = kCols == 32 ? row / 2 % 4 : row % 8;
  return row * kCols + ((col / 8 ^ turn) * 8 | col % 8);
}

}  // namespace bc::cuda
