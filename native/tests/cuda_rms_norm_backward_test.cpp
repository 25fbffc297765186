#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, int64_t T, int64_t C, Type type, bool with_weight, float size) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(std::string("weight ") + name_of(type) + " T=" + std::to_string(T) +
                    " C=" + std::to_string(C) + " size=" + std::to_string(size) +
                    (with_weight ? "" : " dx alone"),
                seed);
    Random random(static_cast<uint64_t>(T * 10007 + C));
    Matrix x = outlier_matrix(T, C, 3, random);
    for (float& v : x.data) v *= size;
    const Matrix dy = normal_matrix(T, C, 1, random);
    Matrix dx = normal_matrix(T, C, 2, random);
    Matrix dweight = normal_matrix(1, C, 0, random);
    std::vector<float> gains;
    for (int64_t c = 0; c < C; ++c) gains.push_back(random.normal());
    const std::vector<uint8_t> weight = as_type(type, gains);
    RmsNormBackwardParams p{dx.row(0),
                            dx.ld,
                            with_weight ? dweight.row(0) : nullptr,
                            dy.row(0),
                            dy.ld,
                            x.row(0),
                            x.ld,
                            weight.data(),
                            type,
                            T,
                            C,
                            1e-5f};
    const std::vector<Expected> want = reference::rms_norm_backward(p);

    const auto device_dx = in_out("dx", dx.data);
    const auto device_dweight = in_out("dweight", dweight.data);
    const auto device_dy = input("dy", dy.data);
    const auto device_x = input("x", x.data);
    const auto device_weight = input("weight", weight);
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::rms_norm_backward_scratch_bytes(p)));
    p.dx = device_dx.data();
    p.dweight = with_weight ? device_dweight.data() : nullptr;
    p.dy = device_dy.data();
    p.x = device_x.data();
    p.weight = device_weight.data();
    cuda::rms_norm_backward(p, scratch.data(), nullptr);
    finish();
    dx.data = device_dx.read();
    compare_part(check, "dx", dx, want, 0);
    if (with_weight) {
      dweight.data = device_dweight.read();
      compare_part(check, "dweight", dweight, want, static_cast<size_t>(T * C));
    }
    const double n = static_cast<double>(T * C);
    const double a_weight = static_cast<double>(C * element_bytes(type));
    // Of dweight: the inputs again, its sums of 64 tokens, written and read, and itself.
    const double pieces = static_cast<double>((T + 63) / 64);
    const double sums = with_weight ? 8.0 * n + static_cast<double>(8 * C) * (pieces + 1.0) : 0.0;
    const auto tokens = static_cast<double>(T);
    // The second pass asks for x, dy and the weight once more. Where a row begins inside a sector, a warp's
    // 128 bytes lie in five.
    if (C >= 1000 && T > 1)
      check_bytes(check, 16.0 * n + a_weight + sums + 12.0 * tokens,
                  1.25 * (24.0 * n + sums + 2.0 * tokens * a_weight));
    check_no_bank_conflicts(check);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_rms_norm_backward", [](Check& check) {
    for (const int64_t C : {1, 7, 111, 1000, 4096}) {
      for (const int64_t T : {1, 9, 131}) run_case(check, T, C, Type::bf16, true, 1.0f);
    }
    for (const Type type : {Type::f32, Type::f16, Type::bf16})
      run_case(check, 3, 989, type, type == Type::f16, 1.0f);
    for (const float size : {1e10f, 1e-12f, 0.0f}) run_case(check, 2, 1024, Type::f32, true, size);
  });
}
