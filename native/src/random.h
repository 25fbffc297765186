// The random numbers of fill_random. Each follows from a counter alone, so any thread, on the CPU or
// on a GPU, can fill any piece, and all of them give the same numbers.
#pragma once

#include <cmath>
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

// Eight bytes of uniform codes; q8 stores 1..255, since q = -128 does not exist. Of other packed kinds
// any bits are codes.
BC_BOTH static inline uint64_t random_codes(Type type, uint64_t counter) {
  return mix(counter) | (type == Type::q8 ? 0x0101010101010101u : 0);
}

constexpr float kLargestF32 = 0x1.fffffep127f;

// The standard deviations of uniform codes 0..255, and of 0..15 around 7.5.
constexpr float kQ8Deviation = 73.9f;
constexpr float kQ4Deviation = 4.61f;

// The same of codes 0..2^bits - 1.
static inline float code_deviation(int bits) {
  return std::sqrt(static_cast<float>((1 << (2 * bits)) - 1) / 12.0f);
}

constexpr float kLargestF16 = 65504.0f;

// The largest deviation that a type can hold.
static inline float most_deviation(Type type) {
  if (type == Type::q4) return kQ4Deviation * kGridLargest;
  if (!is_codes(type)) return kLargestF32;
  const CodeFormat f = format_of(type);
  const float largest = f.form == CodeForm::grid ? kGridLargest : kLargestF16;
  // The least number of the form min is beyond the scale.
  const float reach = f.form == CodeForm::min ? static_cast<float>(1 << f.bits) : 1.0f;
  return code_deviation(f.bits) * largest / reach;
}

// The scale or grid that gives uniform codes this deviation. A q4 scale is up to 1/32 off.
static inline uint16_t scale_of_deviation(Type type, float deviation) {
  if (type == Type::q8) return to_bf16(deviation / kQ8Deviation).bits;
  const int bits = is_codes(type) ? format_of(type).bits : 4;
  const float wanted = deviation / (is_codes(type) ? code_deviation(bits) : kQ4Deviation);
  if (is_codes(type) && format_of(type).form != CodeForm::grid) return to_f16(wanted).bits;
  const float below = grid_scale(wanted, false);
  const float above = grid_scale(wanted, true);
  const float middle = static_cast<float>((1 << bits) - 1) / 2.0f;
  return bits_of(Q4Grid{wanted - below < above - wanted ? below : above, middle});
}

// The zero or least number that stands beside that scale, in f16.
static inline uint16_t zero_of_deviation(CodeFormat f, float deviation) {
  const float middle = static_cast<float>((1 << f.bits) - 1) / 2.0f;
  return to_f16(f.form == CodeForm::zero ? middle : -middle * deviation / code_deviation(f.bits))
      .bits;
}

}  // namespace bc
