// sum_of_squares, and zero.
#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

void sum_case(Check& check, int64_t n) {
  double first = 0.0;
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin("n=" + std::to_string(n), seed);
    Random random(9);
    std::vector<float> x;
    double want = 0.0;
    for (int64_t i = 0; i < n; ++i) {
      x.push_back(random.outlier());
      want += static_cast<double>(x.back()) * static_cast<double>(x.back());
    }
    const auto device_x = input("x", x);
    const auto sum = output<double>("sum", 1);
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::sum_of_squares_scratch_bytes(n)));
    cuda::sum_of_squares({device_x.data(), n, sum.data()}, scratch.data(), nullptr);
    finish();
    const double got = sum.read()[0];
    check.that(std::fabs(got - want) <= want * 1e-12, "the sum is not that of the squares");
    if (seed == 1) first = got;
    check.that(got == first, "the sum depends on the order of blocks");
    const auto bytes = static_cast<double>(4 * n);
    const double parts = 16.0 * static_cast<double>((n + 32767) / 32768);
    if (n >= 32768) check_bytes(check, bytes + parts, bytes + 4.0 * parts);
    check_no_bank_conflicts(check);
  });
}

void zero_case(Check& check, int64_t n) {
  for_each_schedule(2, [&](uint64_t seed) {
    check.begin("zero n=" + std::to_string(n), seed);
    const auto x = output<float>("x", static_cast<size_t>(n));
    cuda::zero({x.data(), n}, nullptr);
    finish();
    bool zeros = true;
    for (const float v : x.read()) zeros &= v == 0.0f;
    check.that(zeros, "a number is not 0");
    const auto bytes = static_cast<double>(4 * n);
    if (n >= 1000) check_bytes(check, bytes, bytes);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_sum_of_squares", [](Check& check) {
    for (const int64_t n : {1, 100, 32768, 100001, 9000000}) sum_case(check, n);
    for (const int64_t n : {1, 100, 2048, 20001}) zero_case(check, n);
  });
}
