#include "convert_cases.h"
#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

constexpr Type kTypes[] = {Type::f32, Type::f16, Type::bf16};

// Rows with gaps, or without: then of any length.
void run_case(Check& check, Type type, Type x_type, int64_t M, int64_t N, bool gaps) {
  for_each_schedule(2, [&](uint64_t seed) {
    check.begin(std::string(name_of(x_type)) + " to " + name_of(type) + " M=" + std::to_string(M) +
                    " N=" + std::to_string(N) + (gaps ? "" : " without gaps"),
                seed);
    Random random(static_cast<uint64_t>(M + N));
    const int64_t gap = gaps ? 8 + (8 - N % 8) % 8 : 0;  // rows begin at multiples of 8
    Matrix x(M, N, gap);
    Matrix out(M, N, gap == 0 ? 0 : gap + 8);
    x.fill([&] { return random.outlier(); });
    const auto device_x = input("x", as_type(x_type, x.data));
    const auto device_out = output<uint8_t>("out", bytes_of(type, out));
    cuda::convert({device_out.data(), type, out.ld, device_x.data(), x_type, x.ld, M, N}, nullptr);
    finish();
    out.data = as_floats(type, device_out.read());
    const std::vector<uint8_t> from = as_type(x_type, x.data);
    check.compare("out", out,
                  reference::convert({nullptr, type, 0, from.data(), x_type, x.ld, M, N}));
    const auto bytes = static_cast<double>(M * N * (element_bytes(type) + element_bytes(x_type)));
    if (N >= 1000) check_bytes(check, bytes, bytes);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_convert", [](Check& check) {
    for (const Type type : kTypes) {
      for (const Type x_type : kTypes) {
        for (const int64_t N : {1, 7, 8, 1000, 2056, 5121})
          run_case(check, type, x_type, 3, N, true);
        for (const int64_t N : {1, 7, 989}) run_case(check, type, x_type, 19, N, false);
      }
    }
    for (const Type type : {Type::f16, Type::bf16}) {
      for_each_schedule(1, [&](uint64_t seed) {
        check.begin(std::string("roundings to ") + name_of(type), seed);
        const Roundings r = roundings(type, kEmulated ? 7 : 1);
        const auto n = static_cast<int64_t>(r.x.size());
        const auto x = input("x", r.x);
        const auto out = output<uint16_t>("out", r.x.size());
        cuda::convert({out.data(), type, n, x.data(), Type::f32, n, 1, n}, nullptr);
        finish();
        check.that(out.read() == r.want,
                   "a number is not rounded to the nearest, or half way not to even");
      });
    }
  });
}
