// Layout of packed weights.
//
// A panel is 16 rows of w [N,K] (N is padded with zeros to a multiple of 16); its groups of 32
// columns follow each other, so that a kernel reads one stream. Lane n of every vector is row n of
// the panel. So no kernel adds across lanes, and an output's result never depends on how many rows of
// x there are.
//
//   q8 group, 544 bytes: [8 quads][16 rows][4 columns] bytes q + 128, then 16 scales bf16;
//                        w = s q, q in -127..127
//   q4 group, 288 bytes: [4 quads][16 rows][4 bytes]: byte b of quad j holds q of column 4j + b in
//                        its low half and of column 16 + 4j + b in its high half, then 16 grids;
//                        w = s (q - z), q in 0..15
//
//   codes of b bits in groups of G columns (BC_CODES): G / 32 blocks of 64 b bytes, then 16 scales
//         f16, and in the forms zero and min 16 zeros or least numbers f16; in the form grid 16 grids
//
// A block holds 32 columns, 4j to 4j + 3 of which are quad j, in vectors [16 rows][4 columns] of bytes:
//   b = 8, 4, 2  b vectors; quad j is in vector j mod b, at bit b (j / b) of each byte. So q4 is 4-bit
//                grid/32.
//   b = 6, 5     the lower 4 bits so, then the others likewise in b - 4 vectors of their own
//   b = 3        quads 2i and 2i + 1 at bits 0 and 3 of vector i, i < 3; quad 6 + i has its lower two bits
//                at bit 6 of vector i, its highest at bit 6 + i of vector 2
//
// A grid is 16 bits: 9 bits of s (5 of exponent, 4 of mantissa: 2^(e-27) (1 + m/16), e in 1..30, so
// that the bits are also those of a normal f16 number, 2^12 times as large), then 7 bits of z in
// eighths. Why these formats, and how codes are chosen: docs/int4-format.md.
#pragma once

#include <cstdint>
#include <cstring>

#include "types.h"

namespace bc {

constexpr int64_t kGroup = 32;  // columns that share a scale
constexpr int64_t kPanel = 16;  // rows of a panel

// For packed weights in files: the version of this layout, to be raised with every change of it, and
// the alignment of their offsets, so that no vector load crosses more cache lines than in memory.
constexpr int32_t kPackedLayout = 1;
constexpr int64_t kPackedAlignment = 64;

constexpr int64_t kQ8Values = kGroup * kPanel;
constexpr int64_t kQ4Values = kGroup * kPanel / 2;
constexpr int64_t kScales = kPanel * 2;

constexpr int kGridExponent = 100;  // what is added to e for an f32 exponent: 127 - 27
constexpr float kGridSmallest = 0x1p-26f;
constexpr float kGridLargest = 0x1.fp+3f;
constexpr float kGridZeros = 8.0f;  // steps of z in a step of q
constexpr float kGridZeroMax = 127.0f / kGridZeros;

struct Q4Grid {
  float scale;
  float zero;
};

BC_BOTH static inline Q4Grid grid_of(uint16_t bits) {
  const uint32_t scale = (uint32_t{bits & 0xff80u} << 12) + (uint32_t{kGridExponent} << 23);
  return {float_from_bits(scale), static_cast<float>(bits & 127u) / kGridZeros};
}

// The scale that a grid can hold next to a positive number, below or above it; a NaN gives the smallest.
BC_BOTH static inline float grid_scale(float s, bool up) {
  const float rounded = float_from_bits((bits_of(s) & ~0x7ffffu) + (up ? 0x80000u : 0u));
  if (rounded > kGridLargest) return kGridLargest;
  return rounded > kGridSmallest ? rounded : kGridSmallest;
}

// The bits of a grid that grid_of can give.
BC_BOTH static inline uint16_t bits_of(Q4Grid grid) {
  const uint32_t scale = (bits_of(grid.scale) - (uint32_t{kGridExponent} << 23)) >> 12;
  return static_cast<uint16_t>((scale & 0xff80u) | static_cast<uint32_t>(grid.zero * kGridZeros));
}

// Columns that share a scale.
BC_BOTH static inline int64_t group_columns(Type type) {
  return is_codes(type) ? int64_t{1} << format_of(type).log2_group : kGroup;
}

// Bytes of a panel's group that stand for codes; scales follow.
BC_BOTH static inline int64_t value_bytes(Type type) {
  if (is_codes(type)) return format_of(type).bits * (group_columns(type) * kPanel / 8);
  return type == Type::q8 ? kQ8Values : kQ4Values;
}

BC_BOTH static inline bool has_zeros(CodeForm form) {
  return form == CodeForm::zero || form == CodeForm::min;
}

BC_BOTH static inline int64_t group_bytes(Type type) {
  const bool zeros = is_codes(type) && has_zeros(format_of(type).form);
  return value_bytes(type) + (zeros ? 2 : 1) * kScales;
}

BC_BOTH static inline int64_t panels(int64_t n) { return (n + kPanel - 1) / kPanel; }

static inline int64_t packed_bytes(Type type, int64_t n, int64_t k) {
  return panels(n) * (k / group_columns(type)) * group_bytes(type);
}

// Bits of a code that lie together in a block's first vectors; the others follow in vectors of their own.
BC_BOTH constexpr int low_bits(int bits) {
  return bits == 3 || bits == 8 ? bits : bits < 4 ? 2 : 4;
}

// Where bit `bit` of the code of row n, column k of a block lies.
struct BlockBit {
  int64_t byte;
  int shift;
};
BC_BOTH static inline BlockBit block_bit(int bits, int64_t n, int64_t k, int bit) {
  const int64_t quad = k / 4;
  int64_t vector;
  int shift;
  if (bits == 3) {
    const bool whole = quad < 6;
    vector = whole ? quad / 2 : bit < 2 ? quad - 6 : 2;
    shift = static_cast<int>(whole ? quad % 2 * 3 + bit : bit < 2 ? 6 + bit : quad);
  } else {
    const int low = low_bits(bits);
    const int width = bit < low ? low : bits - low;
    vector = (bit < low ? 0 : low) + quad % width;
    shift = static_cast<int>(quad / width * width) + (bit < low ? bit : bit - low);
  }
  return {vector * 64 + n * 4 + k % 4, shift};
}

// The code of row n, column k of a block.
static inline uint32_t block_code(const uint8_t* block, int bits, int64_t n, int64_t k) {
  uint32_t q = 0;
  for (int bit = 0; bit < bits; ++bit) {
    const BlockBit at = block_bit(bits, n, k, bit);
    q |= (uint32_t{block[at.byte]} >> at.shift & 1u) << bit;
  }
  return q;
}

// Adds the bits of a code to a block of zeros.
static inline void add_block_code(uint8_t* block, int bits, int64_t n, int64_t k, uint32_t q) {
  for (int bit = 0; bit < bits; ++bit) {
    const BlockBit at = block_bit(bits, n, k, bit);
    block[at.byte] = static_cast<uint8_t>(block[at.byte] | (q >> bit & 1u) << at.shift);
  }
}

static inline uint16_t half_at(const uint8_t* halves, int64_t i) {
  uint16_t bits;
  std::memcpy(&bits, halves + 2 * i, 2);
  return bits;
}

// What row n of a group stands for: q becomes scale q + base, which f32 rounds once at most (form min).
struct CodeLine {
  float scale, base;
};
static inline CodeLine code_line(CodeFormat f, const uint8_t* scales, int64_t n) {
  if (f.form == CodeForm::grid) {
    const Q4Grid grid = grid_of(half_at(scales, n));
    return {grid.scale, -grid.scale * grid.zero};
  }
  const float scale = to_float(f16{half_at(scales, n)});
  if (f.form == CodeForm::symmetric) return {scale, -scale * static_cast<float>(1 << (f.bits - 1))};
  const float zero = to_float(f16{half_at(scales + kScales, n)});
  return {scale, f.form == CodeForm::zero ? -scale * zero : zero};
}

// Element [n,k] of codes [N,K].
static inline float code_element(const void* w, Type type, int64_t K, int64_t n, int64_t k) {
  const CodeFormat f = format_of(type);
  const int64_t columns = group_columns(type);
  const uint8_t* group = static_cast<const uint8_t*>(w) +
                         (n / kPanel * (K / columns) + k / columns) * group_bytes(type);
  const uint8_t* block = group + k % columns / kGroup * 64 * f.bits;
  const CodeLine line = code_line(f, group + value_bytes(type), n % kPanel);
  return line.scale * static_cast<float>(block_code(block, f.bits, n % kPanel, k % kGroup)) +
         line.base;
}

}  // namespace bc
