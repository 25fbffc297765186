// Layouts of q8 and q4 on the GPU; codes have codes_layout.h. Panels and groups are those of ../quant.h and
// have as many bytes; inside a group the bytes stand in the order in which a warp's lanes hold them for the
// tensor cores. Why, and how kernels unpack them: docs/int4-format.md.
//
// Lane 4g + t holds rows 2g and 2g + 1 of the panel and eight columns of the group: 8t to 8t + 7 for
// mma.m16n8k16 of the sm_80 kernels, 2t and 2t + 1 of every eight for wgmma of the Hopper kernels. The
// eight values of a row lie in
//
//   q8  16 bytes: row 2g, then row 2g + 1. Values stand in the order 0 2 1 3, 4 6 5 7. A byte is a sign
//       (bit 7) and a magnitude.
//   q4  8 bytes: row 2g, then row 2g + 1. Value 2i is nibble i of the word, value 2i + 1 is nibble
//       i + 4.
//
// The 16 scales or grids follow, those of rows 2g and 2g + 1 in a word.
#pragma once

#include <cstdint>
#include <cstring>

#include "cuda/codes_layout.h"
#include "quant.h"

namespace bc::cuda {

// Which column of the group is value i of lanes 4g + t.
BC_BOTH constexpr uint32_t column_of(bool hopper, uint32_t t, uint32_t i) {
  return hopper ? i / 2 * 8 + t * 2 + i % 2 : t * 8 + i;
}

// Which lanes hold a column, and as which value.
struct Holder {
  uint32_t t, i;
};
BC_BOTH constexpr Holder holder_of(bool hopper, uint32_t column) {
  return hopper ? Holder{column / 2 % 4, column / 8 * 2 + column % 2}
                : Holder{column / 8, column % 8};
}

// At which bit value i of a row stands in its word; for q8, in word i / 4 of the two.
BC_BOTH constexpr uint32_t q8_shift(uint32_t i) { return i % 2 * 16 + i % 4 / 2 * 8; }
BC_BOTH constexpr uint32_t q4_shift(uint32_t i) { return i % 2 * 16 + i % 8 / 2 * 4; }

// From a code of q8, -127 to 127, to its byte, and back.
BC_BOTH constexpr uint32_t q8_byte(int32_t q) {
  return q < 0 ? 0x80u | static_cast<uint32_t>(-q) : static_cast<uint32_t>(q);
}
BC_BOTH constexpr int32_t q8_code(uint32_t byte) {
  const auto magnitude = static_cast<int32_t>(byte & 0x7fu);
  return (byte & 0x80u) != 0 ? -magnitude : magnitude;
}

// Copies one group from the CPU's order to the GPU's; `to` and `from` must not overlap.
inline void repack_group(Type type, bool hopper, uint8_t* to, const uint8_t* from) {
  if (is_codes(type)) return repack_codes(type, to, from);
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

// The same for all packed weights of [N,K], packed_bytes(type, n, k) bytes.
inline void repack(Type type, bool hopper, uint8_t* to, const uint8_t* from, int64_t n, int64_t k) {
  for (int64_t at = 0; at < packed_bytes(type, n, k); at += group_bytes(type))
    repack_group(type, hopper, to + at, from + at);
}

}  // namespace bc::cuda
