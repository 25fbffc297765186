#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

enum class Where { apart, gate, up };

void run_case(Check& check, Type type, int64_t T, int64_t F, float size, Where where) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(std::string(name_of(type)) + " T=" + std::to_string(T) + " F=" + std::to_string(F) +
                    " size=" + std::to_string(size) + (where == Where::apart ? "" : " in place"),
                seed);
    Random random(static_cast<uint64_t>(T * 10007 + F));
    Matrix gate(T, F, 8);
    Matrix up(T, F, 16);
    Matrix apart(T, F, 24);
    gate.fill([&] { return size * random.outlier(); });
    up.fill([&] { return random.outlier(); });
    gate = rounded(type, gate);
    up = rounded(type, up);
    // The argument of 2^x is rounded: e^-gate errs by |gate| u more than the twin's, and that much
    // passes on at most; 2^x and 1/x err by 4 u and 2 u.
    std::vector<Expected> want =
        reference::swiglu({nullptr, 0, gate.row(0), gate.ld, up.row(0), up.ld, Type::f32, T, F});
    for (int64_t i = 0; i < T * F; ++i) {
      const double g = std::fabs(static_cast<double>(gate.row(i / F)[i % F]));
      Expected& e = want[static_cast<size_t>(i)];
      e.tolerance += std::fabs(e.value) * (2.0 * std::fmin(g, 128.0) + 6.0) * kRounding;
    }
    round_output(type, want);

    const auto device_gate = in_out("gate", as_type(type, gate.data));
    const auto device_up = in_out("up", as_type(type, up.data));
    const auto device_out = output<uint8_t>("out", bytes_of(type, apart));
    Matrix& out = where == Where::apart ? apart : where == Where::gate ? gate : up;
    const auto& place = where == Where::apart  ? device_out
                        : where == Where::gate ? device_gate
                                               : device_up;
    cuda::swiglu(
        {place.data(), out.ld, device_gate.data(), gate.ld, device_up.data(), up.ld, type, T, F},
        nullptr);
    finish();
    out.data = as_floats(type, place.read());
    check.compare("out", out, want);
    // Rows of a few elements do not fill their sectors.
    const double n = static_cast<double>(T * F);
    if (F >= 1000) check_bytes(check, 6.0 * n, 6.0 * n);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_swiglu", [](Check& check) {
    for (const Type type : {Type::bf16, Type::f16}) {
      for (const int64_t F : {8, 24, 1000, 2048, 2056, 11008, 13696})
        run_case(check, type, 3, F, 1.0f, Where::apart);
      for (const Where where : {Where::gate, Where::up})
        run_case(check, type, 7, 1000, 1.0f, where);
      // Where exp overflows and underflows, and where f16 is subnormal or bf16 alone reaches.
      for (const float size : {100.0f, 1e-6f, 0.0f})
        run_case(check, type, 1, 4096, size, Where::apart);
    }
    for (const float size : {1e-30f, 1e10f})
      run_case(check, Type::bf16, 1, 4096, size, Where::apart);
  });
}
