// Masks of rows of V numbers that try a search: all allowed, half, few, a run of neighbours, one, and
// none. Bits from V on are set, and mean nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "check.h"

namespace bc::test {

struct Masks {
  static constexpr int64_t kKinds = 6;

  Masks(int64_t V, Random& random) : ld((V + 31) / 32 + 1) {
    words.assign(static_cast<size_t>(kKinds * ld), ~0u);
    const int64_t one = random.below(V);
    const int64_t begin = random.below(V);
    const int64_t end = begin + random.below(V - begin + 1);
    for (int64_t v = 0; v < V; ++v) {
      keep_if(random.below(2) == 0, 1, v);
      keep_if(random.below(97) == 0, 2, v);
      keep_if(v >= begin && v < end, 3, v);
      keep_if(v == one, 4, v);
      keep_if(false, 5, v);
    }
  }

  const uint32_t* row(int64_t kind) const { return words.data() + kind * ld; }
  // Which mask row t of x has: each kind in turn, and none.
  static int32_t of(int64_t t) { return static_cast<int32_t>(t % (kKinds + 1)) - 1; }

  int64_t ld;
  std::vector<uint32_t> words;  // [kKinds,ld]

 private:
  void keep_if(bool allowed, int64_t kind, int64_t v) {
    if (!allowed) words[static_cast<size_t>(kind * ld + v / 32)] &= ~(1u << (v % 32));
  }
};

}  // namespace bc::test
