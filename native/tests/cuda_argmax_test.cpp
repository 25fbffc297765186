#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

int main() {
  return run_on_device("cuda_argmax", [](Check& check) {
    // 2048 numbers are a block's.
    for (const int64_t V : {1, 7, 16, 19, 989, 2047, 2048, 2049, 64000, 125696}) {
      for_each_schedule(V > 10000 ? 2 : 3, [&](uint64_t seed) {
        check.begin("V=" + std::to_string(V), seed);
        Random random(static_cast<uint64_t>(V));
        Matrix x(kRowKinds, V, (8 - V % 8) % 8);
        for (int64_t t = 0; t < x.rows; ++t) {
          for (int64_t i = 0; i < V; ++i) x.row(t)[i] = row_number(static_cast<int>(t), random);
        }
        const auto device_x = input("x", x.data);
        const auto ids = output<int32_t>("ids", kRowKinds);
        const auto scratch =
            output<uint8_t>("scratch", static_cast<size_t>(cuda::argmax_scratch_bytes(x.rows, V)));
        cuda::argmax({ids.data(), device_x.data(), x.ld, x.rows, V, scratch.data()}, nullptr);
        finish();
        const std::vector<int32_t> got = ids.read();
        for (int64_t t = 0; t < x.rows; ++t) {
          check.that(got[static_cast<size_t>(t)] == reference::order(x.row(t), V)[0],
                     "id is not the first of the sorted row");
        }
        const double bytes = static_cast<double>(4 * x.rows * V);
        if (V > 10000)  // scratch is written and read, ids are written
          check_bytes(check, bytes + bytes / 256.0 + 32.0, bytes * (1.0 + 64.0 / 8192.0));
        check_no_bank_conflicts(check);
      });
    }
  });
}
