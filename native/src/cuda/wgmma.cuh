// Operands of a warpgroup's products in shared memory: descriptors of tiles of 16-bit elements that
// were brought by bulk copies with the swizzle of 128 bytes.
//
// Such a tile has rows of 64 elements, 128 bytes, one under the other, and starts at a multiple of
// 1024: eight rows are one atom of the swizzle. What runs along a row decides how it is read:
//
//   k_major    a row is 64 values of K of one row of a or column of b: queries, keys, x, weights.
//              Step of 16 k: k_major(tile + 16 k). From eight rows to the next: 1024 bytes.
//   mn_major   a row is 64 columns of b of one k: values. 16 rows are a step: mn_major(tile + 16 *
//              64, ...). From one tile of 64 columns to the next: `tile_bytes`.
//
// Tables "Strides" and "Canonical layouts" of the PTX ISA, "Asynchronous Warpgroup Level Matrix
// Shared Memory Layout".
#pragma once

#include "cuda/load.cuh"
#include "cuda/ptx/wgmma.cuh"

namespace bc::cuda {

constexpr int kWarpgroup = 128;          // threads
constexpr int kTileColumns = 64;         // 16-bit elements of a row of 128 bytes
constexpr uint32_t kSwizzleAtom = 1024;  // bytes: eight such rows

// start, leading and stride byte offsets in units of 16 bytes, the swizzle in bits 62 and 63.
__device__ __forceinline__ uint64_t wgmma_descriptor(uint32_t start, uint32_t leading,
                                                     uint32_t stride) {
  constexpr uint64_t kSwizzle128 = uint64_t{1} << 62;
  return kSwizzle128 | uint64_t{stride >> 4} << 32 | uint64_t{leading >> 4} << 16 |
         (start & 0x3ffffu) >> 4;
}

template <class T>
__device__ __forceinline__ uint64_t k_major(Shared<T> at) {
  return wgmma_descriptor(at.address(), 16,
                          kSwizzleAtom);  // one tile is all of K: no leading offset
}

template <class T>
__device__ __forceinline__ uint64_t mn_major(Shared<T> at, uint32_t tile_bytes) {
  return wgmma_descriptor(at.address(), tile_bytes, kSwizzleAtom);
}

// Where element (row, column) of a tile lies, for those who read it without a descriptor.
__device__ __forceinline__ int swizzled_128(int row, int column) {
  return row * kTileColumns + ((column / 8 ^ row % 8) * 8 | column % 8);
}

}  // namespace bc::cuda
