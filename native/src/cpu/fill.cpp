#include "fill.h"

#include <cmath>

#include "../quant.h"

namespace bc::cpu {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a counter gives independent numbers, so any piece can be
// filled by any thread.
inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Sum of eight 8-bit uniform numbers, centred and scaled to deviation 1: near enough to normal
// (Irwin-Hall).
inline float normal(uint64_t bits) {
  int sum = 0;
  for (int i = 0; i < 8; ++i) sum += static_cast<int>((bits >> (8 * i)) & 255u);
  return static_cast<float>(sum - 1020) / 209.0f;
}

}  // namespace

void fill_random(Tensor& t, float deviation, uint64_t seed, ThreadPool& pool) {
  const uint64_t base = mix(seed);
  if (is_quantized(t.type)) {
    const int64_t size = group_bytes(t.type);
    const int64_t values = size - kScales;
    // 73.9 is the deviation of 0..255. A q4 scale is up to 1/32 off.
    const float wanted = deviation / (t.type == Type::q8 ? 73.9f : kQ4Deviation);
    const float below = grid_scale(wanted, false);
    const float above = grid_scale(wanted, true);
    const float nearest = wanted - below < above - wanted ? below : above;
    const uint16_t scale =
        t.type == Type::q8 ? to_bf16(wanted).bits : bits_of(Q4Grid{nearest, 7.5f});
    pool.parallel_for(t.bytes() / size, 1024, [&](int64_t begin, int64_t end, int) {
      for (int64_t g = begin; g < end; ++g) {
        uint8_t* group = t.data + g * size;
        for (int64_t i = 0; i < values; i += 8) {
          uint64_t bits = mix(base + static_cast<uint64_t>(g * values + i));
          // q8 stores 1..255: q = -128 does not exist.
          if (t.type == Type::q8) bits |= 0x0101010101010101u;
          std::memcpy(group + i, &bits, 8);
        }
        for (int64_t n = 0; n < kPanel; ++n) std::memcpy(group + values + 2 * n, &scale, 2);
      }
    });
    return;
  }
  pool.parallel_for(t.elements(), 1 << 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const float value = deviation * normal(mix(base + static_cast<uint64_t>(i)));
      if (t.type == Type::f32) reinterpret_cast<float*>(t.data)[i] = value;
      if (t.type == Type::f16) reinterpret_cast<f16*>(t.data)[i] = to_f16(value);
      if (t.type == Type::bf16) reinterpret_cast<bf16*>(t.data)[i] = to_bf16(value);
    }
  });
}

}  // namespace bc::cpu
