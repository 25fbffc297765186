// Layout of codes (BC_CODES) on the GPU. Groups, their blocks of 32 columns, and the scales and zeros behind
// them are those of ../quant.h; inside a block the bytes stand in the order in which a warp's lanes hold
// them for mma.m16n8k16, on every generation. Why: docs/int4-format.md.
//
// Lane 4g + t holds rows 2g and 2g + 1 of the panel and columns 8t to 8t + 7 of the block. Of the eight
// pairs of neighbours that these are, 0 to 3 are of row 2g and 4 to 7 of row 2g + 1. The lanes' first words
// follow each other, then their second ones, each of which is one access of a warp:
//
//   bits   first, of a lane                   second, of a lane
//   2      a word, pair j at bit 2j
//   3      a word, pairs 0 to 4 at bit 3j,    two bytes: pair 5 at bit 0, pair 6 at bit 3, the lower two bits
//          at bit 15 the top bit of pair 7    of pair 7 at bit 6
//   4      a word for each row, its pair j at bit 4j
//   5      as 4 bits                          two bytes: bit 4 of pair j at bit j
//   6      as 4 bits                          a word: bits 4 and 5 of pair j at bit 2j
//   8      two words for each row, each with two pairs, at bits 0 and 8
//
// The first code of a pair stands in the lower half of a word, the second one 16 bits further up; in two
// bytes, 8 bits. So a shift and a mask bring a pair into the two halves of a register. 4 bits are as q4 is
// (quant_layout.h).
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "quant.h"

namespace bc::cuda {

// Words of a lane that come first, and the bytes that come second.
BC_BOTH constexpr int first_words(int bits) { return bits < 4 ? 1 : bits < 8 ? 2 : 4; }
BC_BOTH constexpr int second_bytes(int bits) { return 2 * bits - 4 * first_words(bits); }

// The words of a lane: those that come first, then the second one if there is one.
template <int kBits>
constexpr int kLaneWords = first_words(kBits) + (second_bytes(kBits) > 0 ? 1 : 0);

// Adds the code of element e (0 or 1) of pair j to a lane's words, which start as zeros.
template <int kBits>
BC_BOTH inline void put_code(uint32_t (&words)[kLaneWords<kBits>], uint32_t q, uint32_t j,
                             uint32_t e) {
  const uint32_t half = 16 * e;
  if constexpr (kBits == 8) {
    words[j / 2] |= q << (half + j % 2 * 8);
  } else if constexpr (kBits >= 4) {
    words[j / 4] |= (q & 15u) << (half + j % 4 * 4);
    if constexpr (kBits == 5) words[2] |= q >> 4 << (8 * e + j);
    if constexpr (kBits == 6) words[2] |= q >> 4 << (half + 2 * j);
  } else if constexpr (kBits == 3) {
    if (j < 5) {
      words[0] |= q << (half + 3 * j);
    } else if (j < 7) {
      words[1] |= q << (8 * e + 3 * (j - 5));
    } else {
      words[0] |= q >> 2 << (half + 15);
      words[1] |= (q & 3u) << (8 * e + 6);
    }
  } else {
    words[0] |= q << (half + 2 * j);
  }
}

// The codes of a block in the CPU's order as bytes: [8 quads][16 rows][4 columns].
template <int kBits>
inline void unpack_block(uint8_t* codes, const uint8_t* block) {
  constexpr int64_t kVector = kPanel * 4;
  for (int64_t quad = 0; quad < kGroup / 4; ++quad) {
    uint8_t* const to = codes + quad * kVector;
    std::memset(to, 0, kVector);
    for (int bit = 0; bit < kBits;) {
      // Bits that lie side by side are moved at once.
      const BlockBit at = block_bit(kBits, 0, quad * 4, bit);
      int end = bit + 1;
      while (end < kBits) {
        const BlockBit next = block_bit(kBits, 0, quad * 4, end);
        if (next.byte != at.byte || next.shift != at.shift + end - bit) break;
        ++end;
      }
      const auto mask = static_cast<uint8_t>((1 << (end - bit)) - 1);
      for (int64_t i = 0; i < kVector; ++i) {
        const auto q = static_cast<uint8_t>(block[at.byte + i] >> at.shift & mask);
        to[i] = static_cast<uint8_t>(to[i] | q << bit);
      }
      bit = end;
    }
  }
}

// Copies one block from the CPU's order to the GPU's; `to` and `from` must not overlap.
template <int kBits>
inline void repack_block(uint8_t* to, const uint8_t* from) {
  constexpr int kFirst = first_words(kBits);
  constexpr int kSecond = second_bytes(kBits);
  uint8_t codes[kGroup * kPanel];
  unpack_block<kBits>(codes, from);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t words[kLaneWords<kBits>] = {};
    for (uint32_t j = 0; j < 8; ++j) {
      const uint32_t row = lane / 4 * 2 + j / 4;
      const uint32_t column = lane % 4 * 8 + j % 4 * 2;
      const uint8_t* const pair = codes + column / 4 * 64 + row * 4 + column % 4;
      put_code<kBits>(words, pair[0], j, 0);
      put_code<kBits>(words, pair[1], j, 1);
    }
    std::memcpy(to + lane * 4 * kFirst, words, 4 * kFirst);
    if constexpr (kSecond > 0)
      std::memcpy(to + 32 * 4 * kFirst + lane * kSecond, &words[kFirst], kSecond);
  }
}

// Calls f with the bits of a type of codes as a constant.
template <class F>
inline void with_bits(Type codes, F&& f) {
  switch (format_of(codes).bits) {
    case 2:
      return f(std::integral_constant<int, 2>{});
    case 3:
      return f(std::integral_constant<int, 3>{});
    case 4:
      return f(std::integral_constant<int, 4>{});
    case 5:
      return f(std::integral_constant<int, 5>{});
    case 6:
      return f(std::integral_constant<int, 6>{});
    default:
      return f(std::integral_constant<int, 8>{});
  }
}

// Copies one group of codes; as repack_block.
inline void repack_codes(Type codes, uint8_t* to, const uint8_t* from) {
  const int64_t values = value_bytes(codes);
  with_bits(codes, [&](auto bits) {
    constexpr int64_t kBlock = 64 * decltype(bits)::value;
    for (int64_t at = 0; at < values; at += kBlock)
      repack_block<decltype(bits)::value>(to + at, from + at);
  });
  std::memcpy(to + values, from + values, static_cast<size_t>(group_bytes(codes) - values));
}

}  // namespace bc::cuda
