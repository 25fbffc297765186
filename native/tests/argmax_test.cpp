#include "check.h"
#include "cpu/vector_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

// Rows that try a search: distinct numbers, many ties, only one number, infinities and NaN.
float number(int kind, Random& random) {
  const float infinity = std::numeric_limits<float>::infinity();
  if (kind == 0) return random.normal();
  if (kind == 1) return static_cast<float>(random.below(5));
  if (kind == 2) return -1.5f;
  if (kind == 3)
    return random.below(3) == 0 ? -infinity : random.below(50) == 0 ? infinity : random.normal();
  if (kind == 4)
    return random.below(3) == 0 ? std::numeric_limits<float>::quiet_NaN() : random.normal();
  return std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

int main() {
  Check check("argmax");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const int64_t V : {1, 7, 16, 19, 64, 111, 989, 125696}) {
      const uint64_t seed = static_cast<uint64_t>(V);
      check.begin(isa, "V=" + std::to_string(V), seed);
      Random random(seed);
      constexpr int64_t kRows = 6;
      Matrix x(kRows, V);
      for (int64_t t = 0; t < kRows; ++t) {
        for (int64_t i = 0; i < V; ++i) x.row(t)[i] = number(static_cast<int>(t), random);
      }
      std::vector<int32_t> ids(kRows, -1);
      cpu::argmax({ids.data(), x.row(0), x.ld, kRows, V}, pool, cpu::vector_kernels(isa));
      for (int64_t t = 0; t < kRows; ++t) {
        check.that(ids[static_cast<size_t>(t)] == reference::order(x.row(t), V)[0],
                   "id is not the first of the sorted row");
      }
    }
  }
  return check.result();
}
