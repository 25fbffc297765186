// fill_random: numbers for models without a checkpoint (benchmarks, tests).
#include <cstring>

#include "cpu/kernels.h"
#include "random.h"

namespace bc::cpu {

void fill_random(const FillRandomParams& p, ThreadPool& pool) {
  const uint64_t base = mix(p.seed);
  uint8_t* const out = static_cast<uint8_t*>(p.out);
  if (is_quantized(p.type)) {
    const int64_t size = group_bytes(p.type);
    const int64_t values = value_bytes(p.type);
    const uint16_t scale = scale_of_deviation(p.type, p.deviation);
    const bool zeros = size > values + kScales;
    const uint16_t zero = zeros ? zero_of_deviation(format_of(p.type), p.deviation) : uint16_t{0};
    pool.parallel_for(p.bytes / size, 1024, [&](int64_t begin, int64_t end, int) {
      for (int64_t g = begin; g < end; ++g) {
        uint8_t* group = out + g * size;
        for (int64_t i = 0; i < values; i += 8) {
          const uint64_t codes = random_codes(p.type, base + static_cast<uint64_t>(g * values + i));
          std::memcpy(group + i, &codes, 8);
        }
        for (int64_t n = 0; n < kPanel; ++n) std::memcpy(group + values + 2 * n, &scale, 2);
        if (!zeros) continue;
        for (int64_t n = 0; n < kPanel; ++n)
          std::memcpy(group + values + kScales + 2 * n, &zero, 2);
      }
    });
    return;
  }
  pool.parallel_for(p.bytes / element_bytes(p.type), 1 << 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const float value = p.deviation * normal(mix(base + static_cast<uint64_t>(i)));
      if (p.type == Type::f32) reinterpret_cast<float*>(out)[i] = value;
      if (p.type == Type::f16) reinterpret_cast<f16*>(out)[i] = to_f16(value);
      if (p.type == Type::bf16) reinterpret_cast<bf16*>(out)[i] = to_bf16(value);
    }
  });
}

}  // namespace bc::cpu
