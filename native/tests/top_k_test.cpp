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
  Check check("top_k");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const int64_t V : {1, 7, 19, 111, 989, 64000}) {
      for (const int64_t K : {int64_t{1}, int64_t{2}, int64_t{7}, int64_t{50}, V}) {
        if (K > V) continue;
        const uint64_t seed = static_cast<uint64_t>(V * 101 + K);
        check.begin(isa, "V=" + std::to_string(V) + " K=" + std::to_string(K), seed);
        Random random(seed);
        constexpr int64_t kRows = 6;
        Matrix x(kRows, V);
        for (int64_t t = 0; t < kRows; ++t) {
          for (int64_t i = 0; i < V; ++i) x.row(t)[i] = number(static_cast<int>(t), random);
        }
        std::vector<float> values(static_cast<size_t>(kRows * K), 1e30f);
        std::vector<int32_t> ids(static_cast<size_t>(kRows * K), -1);
        cpu::top_k({values.data(), ids.data(), x.row(0), x.ld, kRows, V, K, nullptr}, pool,
                   cpu::vector_kernels(isa));
        for (int64_t t = 0; t < kRows; ++t) {
          const std::vector<int32_t> order = reference::order(x.row(t), V);
          bool same_ids = true;
          bool same_values = true;
          for (int64_t k = 0; k < K; ++k) {
            const size_t at = static_cast<size_t>(t * K + k);
            same_ids &= ids[at] == order[static_cast<size_t>(k)];
            same_values &= std::memcmp(&values[at], x.row(t) + order[static_cast<size_t>(k)],
                                       sizeof(float)) == 0;
          }
          check.that(same_ids, "ids are not those of the sorted row");
          check.that(same_values, "values are not those of the sorted row");
        }
      }
    }
  }
  return check.result();
}
