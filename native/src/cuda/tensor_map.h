// A tensor as bulk copies see it (cp.async.bulk.tensor): a base address, up to three dimensions with
// strides, and the box that one copy brings. Made on the host, handed to a kernel by value as a
// __grid_constant__ parameter. device.cpp asks the driver for it, tests/simt/tensor_map.cpp writes
// what the emulator reads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bc::cuda {

// How 16-byte chunks of shared memory trade places, so that rows under each other fall into
// different banks: bits 4 to 6 of an address are XORed with bits 7 to 9 (with 64 and 32 bytes, the
// lower two or one of them). The innermost dimension of a box has that many bytes.
enum class Swizzle : uint32_t { none = 0, bytes_32 = 1, bytes_64 = 2, bytes_128 = 3 };

// The driver's CUtensorMap: 64 bytes apart until CUDA 12, 128 from 13 on, which serves both.
constexpr size_t kTensorMapAlignment = 128;
struct alignas(kTensorMapAlignment) TensorMap {
  uint64_t opaque[16];
};

struct TensorBox {
  const void* base;     // at a multiple of 16
  int element_bytes;    // 1, 2 or 4; what the elements mean does not matter to a copy
  int rank;             // 2 or 3
  uint64_t sizes[3];    // in elements, innermost first
  uint64_t strides[2];  // bytes from one element to the next in dimensions 1 and 2; multiples of 16
  uint32_t box[3];      // elements, each up to 256; the innermost a multiple of 16 bytes
  Swizzle swizzle;
};

// Fails with BC_DEVICE where the driver has no tensor maps or does not take this one.
TensorMap make_tensor_map(const TensorBox& box);

// Rows of 16-bit elements, ld apart, in boxes of so many rows by 64 columns: tiles as wgmma.cuh reads
// them.
inline TensorMap map_of_rows(const void* base, int64_t rows, int64_t columns, int64_t ld,
                             int box_rows) {
  return make_tensor_map({base,
                          2,
                          2,
                          {static_cast<uint64_t>(columns), static_cast<uint64_t>(rows)},
                          {static_cast<uint64_t>(ld) * 2},
                          {64, static_cast<uint32_t>(box_rows)},
                          Swizzle::bytes_128});
}

}  // namespace bc::cuda
