// The random numbers of fill_random. Each follows from a counter alone, so any thread, on the CPU or
// on a GPU, can fill any piece, and all of them give the same numbers.
#pragma once

#include <cstdint>

#include "quant.h"

namespace bc {

// SplitMix64 (Steele, Lea, Flood 2014).
BC_BOTH static inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Sum of eight 8-bit uniform numbers, centred and scaled to deviation 1: near enough to normal
// (Irwin-Hall).
BC_BOTH static inline float normal(uint64_t bits) {
  constexpr uint64_t kEven = 0x00ff00ff00ff00ffu;
  const uint64_t pairs = (bits & kEven) + (bits >> 8 & kEven);
  const uint32_t fours = static_cast<uint32_t>(pairs) + static_cast<uint32_t>(pairs >> 32);
  const auto sum = static_cast<int32_t>((fours & 0xffffu) + (fours >> 16));
  return static_cast<float>(sum - 1020) / 209.0f;
}

// Eight bytes of uniform codes; q8 stores 1..255, since q = -128 does not exist.
BC_BOTH static inline uint64_t random_codes(Type type, uint64_t counter) {
  return mix(counter) | (type == Type::q8 ? 0x0101010101010101u : 0);
}

// The standard deviations of uniform codes 0..255, and of 0..15 around 7.5.
constexpr float kQ8Deviation = 73.9f;
constexpr float kQ4Deviation = 4.61f;

// The largest deviation that q4 can hold.
constexpr float kMostQ4Deviation = kQ4Deviation * kGridLargest;

// The scale or grid that gives uniform codes this deviation. A q4 scale is up to 1/32 off.
static inline uint16_t scale_of_deviation(Type type, float deviation) {
  if (type == Type::q8) return to_bf16(deviation / kQ8Deviation).bits;
  const float wanted = deviation / kQ4Deviation;
  const float below = grid_scale(wanted, false);
  const float above = grid_scale(wanted, true);
  return bits_of(Q4Grid{wanted - below < above - wanted ? below : above, 7.5f});
}

}  // namespace bc
