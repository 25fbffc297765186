#include "cpu/fill.h"

#include "random.h"

namespace bc::cpu {

void fill_random(Tensor& t, float deviation, uint64_t seed, ThreadPool& pool) {
  const uint64_t base = mix(seed);
  if (is_quantized(t.type)) {
    const int64_t size = group_bytes(t.type);
    const int64_t values = size - kScales;
    const uint16_t scale = scale_of_deviation(t.type, deviation);
    pool.parallel_for(t.bytes() / size, 1024, [&](int64_t begin, int64_t end, int) {
      for (int64_t g = begin; g < end; ++g) {
        uint8_t* group = t.data + g * size;
        for (int64_t i = 0; i < values; i += 8) {
          const uint64_t codes = random_codes(t.type, base + static_cast<uint64_t>(g * values + i));
          std::memcpy(group + i, &codes, 8);
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
