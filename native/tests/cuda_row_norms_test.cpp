#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, Type type, int64_t N, int64_t K, float size) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(std::string(name_of(type)) + " N=" + std::to_string(N) + " K=" + std::to_string(K) +
                    " size=" + std::to_string(size),
                seed);
    Random random(static_cast<uint64_t>(N * 10007 + K));
    Matrix w(N, K, 16);
    w.fill([&] { return size * random.outlier(); });
    if (N > 1) std::fill_n(w.row(1), K, 0.0f);  // such a row's norm is taken as 1e-12
    w = rounded(type, w);
    // Terms are positive: the longest chain of roundings is that of a lane, K / 32 elements in all,
    // at most 8 elements and 5 exchanges. Half of it passes the root; root, constant and quotient
    // add 3.
    std::vector<Expected> want;
    const double roundings = 0.5 * (static_cast<double>(K) / 32.0 + 14.0) + 3.0;
    for (int64_t n = 0; n < N; ++n) {
      double sum = 0.0;
      for (int64_t k = 0; k < K; ++k)
        sum += static_cast<double>(w.row(n)[k]) * static_cast<double>(w.row(n)[k]);
      const double value = 1.0 / std::fmax(std::sqrt(sum), 1e-12);
      want.push_back({value, value * roundings * kRounding});
    }

    const auto device_w = input("w", as_type(type, w.data));
    const auto device_out = output<float>("out", static_cast<size_t>(N));
    cuda::row_norms({device_out.data(), device_w.data(), type, w.ld, N, K}, nullptr);
    finish();
    Matrix out(N, 1, 0);
    out.data = device_out.read();
    check.compare("out", out, want);
    const double bytes = static_cast<double>(N * K * element_bytes(type));
    if (K >= 1000) {  // a block's eight results share a sector, that eight warps write
      check_bytes(check, bytes + static_cast<double>(4 * N + 32),
                  bytes + static_cast<double>(32 * N));
    }
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_row_norms", [](Check& check) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
      for (const int64_t K : {8, 24, 1000, 4096, 5120}) run_case(check, type, 19, K, 0.02f);
      run_case(check, type, 1, 4096, 1.0f);
    }
    for (const float size : {1e15f, 1e-13f, 1e-20f}) run_case(check, Type::bf16, 3, 1000, size);
  });
}
