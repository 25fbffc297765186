// Pages to be copied: shapes of the cache, and what each byte is afterwards.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "check.h"
#include "ops.h"

namespace bc::test {

struct KvCopyCase {
  Type type;
  int64_t pages, G, D, from, to;

  std::string name() const {
    return std::string(name_of(type)) + " G=" + std::to_string(G) + " D=" + std::to_string(D) +
           " from " + std::to_string(from) + " to " + std::to_string(to);
  }
  int64_t scales() const { return type == Type::i8 ? 2 * G * kPageSize : 0; }
  int64_t bytes() const { return 2 * G * kPageSize * D * element_bytes(type); }
  KvCopyParams params(uint8_t* data, float* scale_data) const {
    return {data, bytes(), type == Type::i8 ? scale_data : nullptr, 2 * G * kPageSize, from, to};
  }
};

// Random bytes, NaN of every kind among them.
struct KvCopyPages {
  explicit KvCopyPages(const KvCopyCase& c)
      : bytes(static_cast<size_t>(c.pages * c.bytes())),
        scales(static_cast<size_t>(c.pages * c.scales())) {
    Random random(static_cast<uint64_t>(c.G * 1009 + c.D));
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random.bits());
    for (float& s : scales) s = random.normal();
  }
  bool operator==(const KvCopyPages& other) const {
    return bytes == other.bytes && scales == other.scales;
  }
  KvCopyPages copied(const KvCopyCase& c) const {
    KvCopyPages after = *this;
    std::copy_n(bytes.begin() + c.from * c.bytes(), c.bytes(),
                after.bytes.begin() + c.to * c.bytes());
    std::copy_n(scales.begin() + c.from * c.scales(), c.scales(),
                after.scales.begin() + c.to * c.scales());
    return after;
  }

  std::vector<uint8_t> bytes;
  std::vector<float> scales;
};

inline std::vector<KvCopyCase> kv_copy_cases() {
  std::vector<KvCopyCase> cases;
  for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::i8}) {
    cases.push_back({type, 3, 2, 128, 2, 0});
    cases.push_back({type, 5, 1, 8, 0, 4});
    cases.push_back({type, 4, 3, 24, 1, 2});
    cases.push_back({type, 4, 3, 24, 1, 1});
    cases.push_back({type, 2, 7, 64, 0, 1});
  }
  return cases;
}

}  // namespace bc::test
