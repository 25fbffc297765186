// Bulk copies by tensor maps, and the maps themselves as the driver would make them.
#include "cuda/tensor_map.h"

#include <algorithm>

#include "error.h"
#include "memory.h"

namespace bc::cuda {

// Checks what cuTensorMapEncodeTiled checks.
TensorMap make_tensor_map(const TensorBox& box) {
  static_assert(sizeof(TensorBox) <= sizeof(TensorMap), "a map is what the emulator keeps there");
  const auto expect = [](bool right, const char* what, uint64_t value, const char* expected) {
    if (!right)
      fail(BC_DEVICE, "tensor map: %s has value %llu, expected %s", what,
           static_cast<unsigned long long>(value), expected);
  };
  const auto base = reinterpret_cast<uintptr_t>(box.base);
  const int bytes = box.element_bytes;
  expect(base != 0 && base % 16 == 0, "base", base, "a multiple of 16");
  expect(bytes == 1 || bytes == 2 || bytes == 4, "element_bytes", static_cast<uint64_t>(bytes),
         "1, 2 or 4");
  expect(box.rank == 2 || box.rank == 3, "rank", static_cast<uint64_t>(box.rank), "2 or 3");
  for (int i = 0; i < box.rank; ++i) {
    expect(box.sizes[i] >= 1 && box.sizes[i] <= uint64_t{1} << 32, "size", box.sizes[i],
           "1 to 2^32");
    expect(box.box[i] >= 1 && box.box[i] <= 256, "box", box.box[i], "1 to 256");
    if (i > 0)
      expect(box.strides[i - 1] % 16 == 0 && box.strides[i - 1] < uint64_t{1} << 40, "stride",
             box.strides[i - 1], "a multiple of 16 below 2^40");
  }
  const uint64_t row = uint64_t{box.box[0]} * static_cast<uint64_t>(bytes);
  expect(row % 16 == 0, "row of the box in bytes", row, "a multiple of 16");
  const auto swizzle = static_cast<uint32_t>(box.swizzle);
  expect(swizzle <= 3, "swizzle", swizzle, "none, 32, 64 or 128 bytes");
  if (swizzle != 0)
    expect(row <= uint64_t{16} << swizzle, "row of the box in bytes", row,
           "at most what the swizzle spans");
  TensorMap map = {};
  std::memcpy(&map, &box, sizeof box);
  return map;
}

}  // namespace bc::cuda

namespace simt {

using bc::cuda::TensorBox;

// Where a chunk of 16 bytes goes: a function of its address alone.
static uint32_t swizzled(uint32_t address, bc::cuda::Swizzle swizzle) {
  const uint32_t bits = (1u << static_cast<uint32_t>(swizzle)) - 1;
  return address ^ (address >> 7 & bits) << 4;
}

void copy_bulk_tensor(uint32_t to, const void* map, const int32_t* at, int rank, uint32_t barrier,
                      Site site) {
  copy_bulk_tensor_multicast(to, map, at, rank, barrier, 1u << cluster_rank(), site);
}

void copy_bulk_tensor_multicast(uint32_t to, const void* map, const int32_t* at, int rank,
                                uint32_t barrier, uint32_t ranks, Site site) {
  TensorBox box;
  std::memcpy(&box, map, sizeof box);
  if (reinterpret_cast<uintptr_t>(map) % bc::cuda::kTensorMapAlignment != 0)
    error(site, "tensor map at %p: misaligned", map);
  if (box.rank != rank)
    error(site, "tensor map: rank has value %d, expected the %d of the instruction", box.rank,
          rank);
  if (to % 128 != 0) error(site, "bulk copy of a tensor to shared+%u: misaligned", to);

  const auto element = static_cast<int64_t>(box.element_bytes);
  const uint32_t row_bytes = box.box[0] * static_cast<uint32_t>(element);
  // The emulator does not model where narrower rows lie.
  if (box.swizzle != bc::cuda::Swizzle::none &&
      row_bytes != 16u << static_cast<uint32_t>(box.swizzle)) {
    error(site, "tensor map: rows of the box have %u bytes, expected the %u of the swizzle",
          row_bytes, 16u << static_cast<uint32_t>(box.swizzle));
  }
  const uint32_t planes = rank == 3 ? box.box[2] : 1;
  std::vector<uint8_t> data(size_t{row_bytes} * box.box[1] * planes);
  std::vector<Source> sources;
  std::vector<uint8_t> row(row_bytes);
  // The part of a row that lies in the tensor; the rest are zeros.
  const int64_t begin = std::max<int64_t>(0, -int64_t{at[0]});
  const int64_t end =
      std::min<int64_t>(box.box[0], static_cast<int64_t>(box.sizes[0]) - int64_t{at[0]});
  const auto inside = [&](int dimension, int64_t i) {
    return i >= 0 && i < static_cast<int64_t>(box.sizes[dimension]);
  };
  uint32_t offset = 0;
  for (uint32_t plane = 0; plane < planes; ++plane) {
    const int64_t z = rank == 3 ? int64_t{at[2]} + plane : 0;
    for (uint32_t line = 0; line < box.box[1]; ++line, offset += row_bytes) {
      const int64_t y = int64_t{at[1]} + line;
      std::fill(row.begin(), row.end(), uint8_t{0});
      if (begin < end && inside(1, y) && (rank == 2 || inside(2, z))) {
        const int64_t skip = y * static_cast<int64_t>(box.strides[0]) +
                             (rank == 3 ? z * static_cast<int64_t>(box.strides[1]) : 0) +
                             (at[0] + begin) * element;
        const void* from = static_cast<const uint8_t*>(box.base) + skip;
        const auto bytes = static_cast<size_t>((end - begin) * element);
        bool may_change;
        const Source source = checked_source(from, bytes, may_change, site);
        if (may_change) sources.push_back(source);
        count_bulk(from, bytes, site);
        std::memcpy(row.data() + begin * element, source.data, bytes);
      }
      for (uint32_t chunk = 0; chunk < row_bytes; chunk += 16)
        std::memcpy(data.data() + (swizzled(to + offset + chunk, box.swizzle) - to),
                    row.data() + chunk, 16);
    }
  }
  for (uint32_t left = ranks; left != 0; left &= left - 1) {
    const auto to_rank = static_cast<uint32_t>(__builtin_ctz(left));
    start_transfer(block_of_rank(to_rank, "bulk copy", site), to, data, sources, barrier, site);
  }
}

}  // namespace simt
