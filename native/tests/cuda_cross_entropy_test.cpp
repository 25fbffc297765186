#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

// Row 2 has no loss; every third number of row 3 is -inf where `masked`.
void run_case(Check& check, int64_t V, float size, bool masked) {
  constexpr int64_t T = 5;
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(
        "V=" + std::to_string(V) + " size=" + std::to_string(size) + (masked ? " masked" : ""),
        seed);
    Random random(static_cast<uint64_t>(V));
    Matrix x = normal_matrix(T, V, 3, random);
    for (float& v : x.data) v *= size;
    Matrix loss(1, T, 0);
    std::vector<int32_t> targets;
    for (int64_t t = 0; t < T; ++t) targets.push_back(static_cast<int32_t>(random.below(V)));
    targets[2] = -1;
    targets[4] = static_cast<int32_t>(V - 1);
    for (int64_t v = 0; masked && v < V; v += 3) x.row(3)[v] = -INFINITY;
    if (masked) targets[3] = 1;
    const std::vector<float> scales = {0.125f, -2.0f, 1.0f, 0.0f, 0.5f};
    const std::vector<Expected> want = reference::cross_entropy(
        {x.row(0), x.ld, loss.row(0), targets.data(), scales.data(), T, V});

    const auto device_x = in_out("x", x.data);
    const auto device_loss = output<float>("loss", T);
    const auto device_targets = input("targets", targets);
    const auto device_scales = input("scales", scales);
    cuda::cross_entropy({device_x.data(), x.ld, device_loss.data(), device_targets.data(),
                         device_scales.data(), T, V},
                        nullptr);
    finish();
    x.data = device_x.read();
    loss.data = device_loss.read();
    if (!masked) compare_part(check, "x", x, want, 0);
    // exp(-inf) is 0, and so is what is expected there, but the tolerance is no number.
    bool zeros = true;
    for (int64_t v = 0; masked && v < V; v += 3) zeros &= x.row(3)[v] == 0.0f;
    check.that(zeros, "what is masked has a derivative");
    compare_part(check, "loss", loss, want, static_cast<size_t>(T * V));
    check_no_bank_conflicts(check);
    const double n = static_cast<double>(T * V);
    // The row without a loss is written only. A warp's 128 bytes lie in five sectors where rows begin inside
    // one.
    if (V >= 1000 && !masked) check_bytes(check, 8.0 * n, 1.25 * 12.0 * n);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_cross_entropy", [](Check& check) {
    for (const int64_t V : {1, 7, 64, 111, 989, 4096, 9001}) {
      for (const float size : {1.0f, 30.0f}) run_case(check, V, size, false);
    }
    for (const int64_t V : {7, 5000}) run_case(check, V, 1.0f, true);
  });
}
