// Adapters for the tests of lora: a pool with matrices of random numbers, and a table.
#pragma once

#include <vector>

#include "check.h"
#include "ops.h"

namespace bc::test {

struct AdapterKind {
  int32_t rank;
  Type type;
};

struct AdapterPool {
  // Of each kind A [R,K], then B [R,N]. What lies between them is NaN in every type.
  AdapterPool(const std::vector<AdapterKind>& kinds, int64_t N, int64_t K, Random& random) {
    for (const AdapterKind& kind : kinds) {
      const int32_t begin_a = add(kind, K, random);
      const int32_t begin_b = add(kind, N, random);
      table.insert(table.end(), {kind.rank, static_cast<int32_t>(kind.type), begin_a, begin_b});
      scales.push_back(0.25f + static_cast<float>(random.uniform()));
    }
  }

  std::vector<uint8_t> bytes;
  std::vector<int32_t> table;  // [S,4]
  std::vector<float> scales;   // [S]

 private:
  int32_t add(const AdapterKind& kind, int64_t width, Random& random) {
    bytes.resize(bytes.size() + kPoolUnit, 0xff);
    const auto begin = static_cast<int32_t>(bytes.size() / kPoolUnit);
    std::vector<float> numbers(static_cast<size_t>(kind.rank * width));
    for (float& number : numbers) number = random.normal();
    const std::vector<uint8_t> matrix = as_type(kind.type, numbers);
    bytes.insert(bytes.end(), matrix.begin(), matrix.end());
    bytes.resize((bytes.size() + kPoolUnit - 1) / kPoolUnit * kPoolUnit, 0xff);
    return begin;
  }
};

}  // namespace bc::test
