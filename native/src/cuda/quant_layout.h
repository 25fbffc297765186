// Layouts of packed weights on the GPU: the panels and groups of ../quant.h, byte for byte as many,
// with the bytes inside each group in the order in which a warp's lanes hold them for the tensor
// cores. The CPU's order has neighbouring rows side by side; here lane 4g + t finds all that it needs of a
// group in one run of bytes, so that a warp reads a group as one coalesced access, values become
// registers of the tensor cores without an exchange between lanes, and no weight passes through
// shared memory.
//
// Lane 4g + t holds rows 2g and 2g + 1 of the panel and eight columns of the group. For mma.m16n8k16
// of the sm_80 kernels they are 8t to 8t + 7, for x is then read in the same pieces of 16 bytes. For
// wgmma of the Hopper kernels, to which x comes in its own order, they are those that a register of
// the left operand wants: 2t and 2t + 1 of every eight. Of the eight values
//
//   q8  16 bytes: row 2g, then row 2g + 1. Values in the order 0 2 1 3, 4 6 5 7, so that the even and
//       the odd bytes of a word are a register each. A byte is a sign (bit 7) and a magnitude: OR
//       with an exponent makes it a float, which two's complement would not.
//   q4  8 bytes: row 2g, then row 2g + 1. Value 2i is nibble i of the word, value 2i + 1 is nibble
//       i + 4, so that a shift and a mask bring a pair into the two halves of a register.
//
// The 16 scales or grids follow, those of rows 2g and 2g + 1 in a word.
#pragma once

#include <cstdint>
#include <cstring>

#include "quant.h"

namespace bc::cuda {

// The column of the group that is value i of lanes 4g + t.
BC_BOTH constexpr uint32_t column_of(bool hopper, uint32_t t, uint32_t i) {
  return hopper ? i / 2 * 8 + t * 2 + i % 2 : t * 8 + i;
}

// The other way round.
struct Holder {
  uint32_t t, i;
};
BC_BOTH constexpr Holder holder_of(bool hopper, uint32_t column) {
  return hopper ? Holder{column / 2 % 4, column / 8 * 2 + column % 2}
                : Holder{column / 8, column % 8};
}

// Where value i of a row stands in its word, and of q8 in word i / 4 of the two.
BC_BOTH constexpr uint32_t q8_shift(uint32_t i) { return i % 2 * 16 + i % 4 / 2 * 8; }
BC_BOTH constexpr uint32_t q4_shift(uint32_t i) { return i % 2 * 16 + i % 8 / 2 * 4; }

// A code of q8, -127 to 127, and its byte.
BC_BOTH constexpr uint32_t q8_byte(int32_t q) {
  return q < 0 ? 0x80u | static_cast<uint32_t>(-q) : static_cast<uint32_t>(q);
}
BC_BOTH constexpr int32_t q8_code(uint32_t byte) {
  const auto magnitude = static_cast<int32_t>(byte & 0x7fu);
  return (byte & 0x80u) != 0 ? -magnitude : magnitude;
}

// One group from the CPU's order to the GPU's; `to` and `from` must not overlap.
inline void repack_group(Type type, bool hopper, uint8_t* to, const uint8_t* from) {
  const int64_t values = type == Type::q8 ? kQ8Values : kQ4Values;
  for (int64_t lane = 0; lane < 32; ++lane) {
    for (int64_t half = 0; half < 2; ++half) {
      const int64_t row = lane / 4 * 2 + half;
      uint32_t word[2] = {0, 0};
      for (uint32_t i = 0; i < 8; ++i) {
        const int64_t column = column_of(hopper, static_cast<uint32_t>(lane % 4), i);
        if (type == Type::q8) {
          const int q = from[column / 4 * 64 + row * 4 + column % 4] - 128;
          word[i / 4] |= q8_byte(q) << q8_shift(i);
        } else {
          const uint8_t pair = from[column % 16 / 4 * 64 + row * 4 + column % 4];
          const uint32_t q = column < 16 ? pair & 15u : pair >> 4;
          word[0] |= q << q4_shift(i);
        }
      }
      if (type == Type::q8) {
        std::memcpy(to + lane * 16 + half * 8, word, 8);
      } else {
        std::memcpy(to + lane * 8 + half * 4, word, 4);
      }
    }
  }
  std::memcpy(to + values, from + values, kScales);
}

// Packed weights of [N,K], packed_bytes(type, n, k) of them.
inline void repack(Type type, bool hopper, uint8_t* to, const uint8_t* from, int64_t n, int64_t k) {
  for (int64_t at = 0; at < packed_bytes(type, n, k); at += group_bytes(type))
    repack_group(type, hopper, to + at, from + at);
}

}  // namespace bc::cuda
