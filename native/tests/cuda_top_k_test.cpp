#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, int64_t V, int64_t K, int schedules) {
  for_each_schedule(is_brief() ? 1 : schedules, [&](uint64_t seed) {
    check.begin("V=" + std::to_string(V) + " K=" + std::to_string(K), seed);
    Random random(static_cast<uint64_t>(V * 101 + K));
    Matrix x(kRowKinds, V, (8 - V % 8) % 8);
    for (int64_t t = 0; t < x.rows; ++t) {
      for (int64_t i = 0; i < V; ++i) x.row(t)[i] = row_number(static_cast<int>(t), random);
    }
    const auto device_x = input("x", x.data);
    const auto device_values = output<float>("values", static_cast<size_t>(x.rows * K));
    const auto device_ids = output<int32_t>("ids", static_cast<size_t>(x.rows * K));
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::top_k_scratch_bytes(x.rows, V, K)));
    cuda::top_k({device_values.data(), device_ids.data(), device_x.data(), x.ld, x.rows, V, K,
                 scratch.data()},
                nullptr);
    finish();
    const std::vector<float> values = device_values.read();
    const std::vector<int32_t> ids = device_ids.read();
    for (int64_t t = 0; t < x.rows; ++t) {
      const std::vector<int32_t> order = reference::order(x.row(t), V);
      bool same_ids = true;
      bool same_values = true;
      for (int64_t k = 0; k < K; ++k) {
        const auto at = static_cast<size_t>(t * K + k);
        const int32_t id = order[static_cast<size_t>(k)];
        same_ids &= ids[at] == id;
        same_values &= bits_of(values[at]) == bits_of(x.row(t)[id]);
      }
      check.that(same_ids, "ids are not those of the sorted row");
      check.that(same_values, "values are not those of the sorted row");
    }
    if (V > 10000) {
      const double row = static_cast<double>(4 * V);
      const double keys = static_cast<double>(K * ((V + 16383) / 16384));
      const auto results = static_cast<double>(40 * K);
      const auto T = static_cast<double>(x.rows);
      // Chosen keys go to scratch one at a time, a sector each at worst.
      check_bytes(check, T * (row + 16.0 * keys + results + 64.0),
                  T * (row + 40.0 * keys + results + 64.0));
    }
    check_no_bank_conflicts(check);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_top_k", [](Check& check) {
    for (const int64_t V : {1, 7, 19, 111, 989}) {
      for (const int64_t K : {int64_t{1}, int64_t{2}, int64_t{7}, int64_t{50}, V}) {
        if (K <= V) run_case(check, V, K, 3);
      }
    }
    // 16384 numbers are a block's.
    for (const int64_t V : {16383, 16384, 16389}) run_case(check, V, 33, 1);
    run_case(check, 1024, 1024, 2);
    run_case(check, 64000, 64, 2);
    run_case(check, 125696, 5, 1);
    run_case(check, 125696, 1024, 1);
    run_case(check, 131072, 1000, 1);
  });
}
