#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

enum class Where { apart, inputs, dy };

void run_case(Check& check, int64_t T, int64_t F, float size, Where where) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin("T=" + std::to_string(T) + " F=" + std::to_string(F) +
                    " size=" + std::to_string(size) +
                    (where == Where::apart    ? ""
                     : where == Where::inputs ? " in place"
                                              : " in place of dy"),
                seed);
    Random random(static_cast<uint64_t>(T * 10007 + F));
    Matrix gate = outlier_matrix(T, F, 3, random);
    for (float& x : gate.data) x *= size;
    Matrix up = outlier_matrix(T, F, 0, random);
    Matrix dy = normal_matrix(T, F, 1, random);
    Matrix dgate(T, F, 2);
    Matrix dup(T, F, 5);
    const std::vector<Expected> want = reference::swiglu_backward(
        {nullptr, 0, nullptr, 0, dy.row(0), dy.ld, gate.row(0), gate.ld, up.row(0), up.ld, T, F});

    const auto device_gate = in_out("gate", gate.data);
    const auto device_up = in_out("up", up.data);
    const auto device_dy = in_out("dy", dy.data);
    const auto device_dgate = output<float>("dgate", dgate.data.size());
    const auto device_dup = output<float>("dup", dup.data.size());
    Matrix& to_gate = where == Where::inputs ? gate : dgate;
    Matrix& to_up = where == Where::inputs ? up : where == Where::dy ? dy : dup;
    const auto& place_gate = where == Where::inputs ? device_gate : device_dgate;
    const auto& place_up = where == Where::inputs ? device_up
                           : where == Where::dy   ? device_dy
                                                  : device_dup;
    const int64_t gate_ld = gate.ld, up_ld = up.ld, dy_ld = dy.ld;
    cuda::swiglu_backward(
        {place_gate.data(), to_gate.ld, place_up.data(), to_up.ld, device_dy.data(), dy_ld,
         device_gate.data(), gate_ld, device_up.data(), up_ld, T, F},
        nullptr);
    finish();
    to_gate.data = place_gate.read();
    to_up.data = place_up.read();
    compare_part(check, "dgate", to_gate, want, 0);
    compare_part(check, "dup", to_up, want, static_cast<size_t>(T * F));
    const double n = static_cast<double>(T * F);
    // Rows that begin anywhere in a sector share it with the row before, in each warp.
    if (F >= 1000) check_bytes(check, 20.0 * n, 25.0 * n);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_swiglu_backward", [](Check& check) {
    for (const int64_t F : {1, 7, 111, 1000, 2049, 11008})
      run_case(check, 3, F, 1.0f, Where::apart);
    for (const Where where : {Where::inputs, Where::dy}) run_case(check, 7, 989, 1.0f, where);
    for (const float size : {100.0f, 1e-20f, 0.0f}) run_case(check, 1, 4096, size, Where::apart);
  });
}
