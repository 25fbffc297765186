#include "cpu/train/kernels.h"
#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

// The CPU's bits: tokens are added in their order.
void run_case(Check& check, int64_t T, int64_t C, int64_t V) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin("T=" + std::to_string(T) + " C=" + std::to_string(C) + " V=" + std::to_string(V),
                seed);
    Random random(static_cast<uint64_t>(T + C));
    Matrix table = normal_matrix(V, C, 3, random);
    Matrix dx = normal_matrix(T, C, 1, random);
    std::vector<int32_t> ids;
    for (int64_t t = 0; t < T; ++t)
      ids.push_back(static_cast<int32_t>(V >= T ? V - 1 - t : random.below(V)));
    const auto device_table = in_out("dtable", table.data);
    const auto device_dx = input("dx", dx.data);
    const auto device_ids = input("ids", ids);
    ThreadPool pool(1);
    cpu::embed_backward({table.row(0), table.ld, ids.data(), dx.row(0), dx.ld, T, C, V}, pool);
    std::vector<Expected> want;
    for (int64_t v = 0; v < V; ++v) {
      for (int64_t c = 0; c < C; ++c) want.push_back({static_cast<double>(table.row(v)[c]), 0.0});
    }
    cuda::embed_backward(
        {device_table.data(), table.ld, device_ids.data(), device_dx.data(), dx.ld, T, C, V},
        nullptr);
    finish();
    table.data = device_table.read();
    check.compare("dtable", table, want);
    const double n = static_cast<double>(T * C);
    const auto tokens = static_cast<double>(T);
    // Every id is another one. A warp's 128 bytes lie in five sectors where rows begin inside one.
    if (V >= T && C >= 1000)
      check_bytes(check, 12.0 * n + 4.0 * tokens,
                  1.25 * (12.0 * n + 4.0 * tokens * tokens) + 8.0 * 32.0 * tokens);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_embed_backward", [](Check& check) {
    for (const int64_t C : {1, 111, 1000}) {
      run_case(check, 7, C, 9);
      run_case(check, 6, C, 2);
    }
    // Ids that come again hundreds of tokens later, and one that all tokens have.
    run_case(check, 600, 7, 90);
    run_case(check, 300, 40, 1);
  });
}
