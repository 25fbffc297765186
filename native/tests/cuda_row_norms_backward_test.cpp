#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, int64_t N, int64_t K, Type type) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(std::string(name_of(type)) + " N=" + std::to_string(N) + " K=" + std::to_string(K),
                seed);
    Random random(static_cast<uint64_t>(N * 10007 + K));
    Matrix dw = normal_matrix(N, K, 3, random);
    const Matrix w = rounded(type, outlier_matrix(N, K, 5, random));
    const std::vector<uint8_t> elements = as_type(type, w.data);
    std::vector<float> norms;
    for (int64_t n = 0; n < N; ++n) {
      double squares = 0.0;
      for (int64_t k = 0; k < K; ++k)
        squares += static_cast<double>(w.row(n)[k]) * static_cast<double>(w.row(n)[k]);
      norms.push_back(static_cast<float>(1.0 / std::sqrt(squares)));
    }
    const std::vector<Expected> want = reference::row_norms_backward(
        {dw.row(0), dw.ld, elements.data(), type, w.ld, norms.data(), N, K});

    const auto device_dw = in_out("dw", dw.data);
    const auto device_w = input("w", elements);
    const auto device_norms = input("norms", norms);
    cuda::row_norms_backward(
        {device_dw.data(), dw.ld, device_w.data(), type, w.ld, device_norms.data(), N, K}, nullptr);
    finish();
    dw.data = device_dw.read();
    check.compare("dw", dw, want);
    const double n = static_cast<double>(N * K);
    const auto bytes = static_cast<double>(element_bytes(type));
    // The second pass asks for both once more. Where a row begins inside a sector, 128 bytes of a warp lie in
    // five, and 64 in three.
    if (K >= 1000)
      check_bytes(check, n * (8.0 + bytes),
                  n * (12.0 * 1.25 + 2.0 * bytes * (type == Type::f32 ? 1.25 : 1.5)));
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_row_norms_backward", [](Check& check) {
    for (const int64_t K : {1, 19, 64, 111, 1000, 4096}) {
      for (const Type type : {Type::f32, Type::f16, Type::bf16}) run_case(check, 19, K, type);
    }
    run_case(check, 1, 2048, Type::bf16);
  });
}
