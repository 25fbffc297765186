#include "check.h"
#include "cpu/vector_kernels.h"
#include "masks.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Rows that try a search: distinct numbers, many ties, only one number, infinities and NaN.
constexpr int kKinds = 6;
float number(int kind, Random& random) {
  if (kind == 0) return random.normal();
  if (kind == 1) return static_cast<float>(random.below(5));
  if (kind == 2) return -1.5f;
  if (kind == 3)
    return random.below(3) == 0 ? -kInfinity : random.below(50) == 0 ? kInfinity : random.normal();
  if (kind == 4) return random.below(3) == 0 ? kNaN : random.normal();
  return kNaN;
}

struct Results {
  Results(int64_t rows, int64_t K)
      : values(static_cast<size_t>(rows * K), kNaN), ids(static_cast<size_t>(rows * K), -7) {}
  std::vector<float> values;
  std::vector<int32_t> ids;
};

// Row t of the results against the sorted row of x, or what of it the mask allows.
void check_row(Check& check, const Results& got, int64_t t, int64_t K, const Matrix& x,
               const uint32_t* mask) {
  const std::vector<int32_t> order = reference::order(x.row(t), x.cols, mask);
  bool same_ids = true;
  bool same_values = true;
  for (int64_t k = 0; k < K; ++k) {
    const bool there = k < static_cast<int64_t>(order.size());
    const size_t at = static_cast<size_t>(t * K + k);
    const int32_t id = there ? order[static_cast<size_t>(k)] : -1;
    const float value = there ? x.row(t)[id] : -kInfinity;
    same_ids &= got.ids[at] == id;
    same_values &= bits_of(got.values[at]) == bits_of(value);
  }
  check.that(same_ids, "ids are not those of the sorted row");
  check.that(same_values, "values are not those of the sorted row");
}

}  // namespace

int main() {
  Check check("top_k");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    const cpu::VectorKernels& kernels = cpu::vector_kernels(isa);
    for (const int64_t V : {1, 7, 19, 32, 111, 989, 64000}) {
      for (const int64_t K : {int64_t{1}, int64_t{2}, int64_t{7}, int64_t{50}, V}) {
        if (K > V) continue;
        const uint64_t seed = static_cast<uint64_t>(V * 101 + K);
        check.begin(isa, "V=" + std::to_string(V) + " K=" + std::to_string(K), seed);
        Random random(seed);
        Matrix x(kKinds, V);
        for (int64_t t = 0; t < x.rows; ++t) {
          for (int64_t i = 0; i < V; ++i) x.row(t)[i] = number(static_cast<int>(t), random);
        }
        Results got(x.rows, K);
        TopKParams p{got.values.data(), got.ids.data(), x.row(0), x.ld, x.rows, V, K, nullptr};
        cpu::top_k(p, pool, kernels);
        for (int64_t t = 0; t < x.rows; ++t) check_row(check, got, t, K, x, nullptr);

        // Each kind of numbers under each kind of mask, or under one of them where rows are long.
        const Masks masks(V, random);
        for (int64_t first = 0; first <= (V > 1000 ? 0 : Masks::kKinds); ++first) {
          Results masked(x.rows, K);
          std::vector<int32_t> mask_of;
          for (int64_t t = 0; t < x.rows; ++t) mask_of.push_back(Masks::of(first + t));
          p.values = masked.values.data();
          p.ids = masked.ids.data();
          p.masks = masks.row(0);
          p.masks_ld = masks.ld;
          p.mask_of = mask_of.data();
          cpu::top_k(p, pool, kernels);
          for (int64_t t = 0; t < x.rows; ++t) {
            const int32_t mask = mask_of[static_cast<size_t>(t)];
            check_row(check, masked, t, K, x, mask < 0 ? nullptr : masks.row(mask));
          }
        }
      }
    }
  }
  return check.result();
}
