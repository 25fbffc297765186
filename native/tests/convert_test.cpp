#include "check.h"
#include "convert_cases.h"
#include "cpu/kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

constexpr Type kTypes[] = {Type::f32, Type::f16, Type::bf16};

// Rows with gaps, which must stay as they are.
void rows(Check& check, ThreadPool& pool, Type type, Type x_type, int64_t M, int64_t N) {
  check.begin(std::string(name_of(x_type)) + " to " + name_of(type) + " M=" + std::to_string(M) +
                  " N=" + std::to_string(N),
              static_cast<uint64_t>(M + N));
  Random random(static_cast<uint64_t>(M + N));
  Matrix x(M, N, 5);
  x.fill([&] { return random.outlier(); });
  const std::vector<uint8_t> from = as_type(x_type, x.data);
  Matrix out(M, N, 3);
  std::vector<uint8_t> to = as_type(type, out.data);
  cpu::convert({to.data(), type, out.ld, from.data(), x_type, x.ld, M, N}, pool);
  out.data = as_floats(type, to);
  check.compare("out", out,
                reference::convert({nullptr, type, 0, from.data(), x_type, x.ld, M, N}));
}

}  // namespace

int main() {
  Check check("convert");
  ThreadPool pool(3);
  for (const Type type : kTypes) {
    for (const Type x_type : kTypes) {
      for (const int64_t N : {1, 7, 16, 989, 70000}) rows(check, pool, type, x_type, 3, N);
      rows(check, pool, type, x_type, 70000, 2);
    }
  }
  for (const Type type : {Type::f16, Type::bf16}) {
    check.begin(std::string("every rounding to ") + name_of(type), 0);
    const Roundings r = roundings(type, 1);
    const auto n = static_cast<int64_t>(r.x.size());
    std::vector<uint16_t> got(r.x.size());
    cpu::convert({got.data(), type, n, r.x.data(), Type::f32, n, 1, n}, pool);
    check.that(got == r.want, "a number is not rounded to the nearest, or half way not to even");

    const float nan = std::numeric_limits<float>::quiet_NaN();
    cpu::convert({got.data(), type, 1, &nan, Type::f32, 1, 1, 1}, pool);
    check.that(std::isnan(value_of(type, got[0])), "NaN became a number");
  }
  return check.result();
}
