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
// A grid is 16 bits: 9 bits of s (5 of exponent, 4 of mantissa: 2^(e-27) (1 + m/16), e in 1..30, so
// that the bits are also those of a normal f16 number, 2^12 times as large), then 7 bits of z in
// eighths. Why these formats, and how codes are chosen: docs/int4-format.md.
#pragma once

#include <cstdint>

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

BC_BOTH static inline int64_t group_bytes(Type type) {
  return (type == Type::q8 ? kQ8Values : kQ4Values) + kScales;
}

BC_BOTH static inline int64_t panels(int64_t n) { return (n + kPanel - 1) / kPanel; }

static inline int64_t packed_bytes(Type type, int64_t n, int64_t k) {
  return panels(n) * (k / kGroup) * group_bytes(type);
}

}  // namespace bc
