#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  int64_t T, C;
  Type type, x_type, weight_type;
  bool add;
  float size = 1.0f;
  bool computed = false;  // x and the weight, by the kernels before

  std::string name() const {
    return std::string(add ? "add " : "") + name_of(type) + " x " + name_of(x_type) + " weight " +
           name_of(weight_type) + " T=" + std::to_string(T) + " C=" + std::to_string(C) +
           " size=" + std::to_string(size) + (computed ? " computed" : "");
  }
};

void run_case(Check& check, const Case& c) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(c.name(), seed);
    Random random(static_cast<uint64_t>(c.T * 10007 + c.C));
    Matrix x(c.T, c.C, 8);
    Matrix delta(c.T, c.C, 16);
    Matrix weight(1, c.C, 0);
    Matrix out(c.T, c.C, 24);
    x.fill([&] { return c.size * random.outlier(); });
    delta.fill([&] { return c.size * random.normal(); });
    weight.fill([&] { return 1.0f + 0.3f * random.normal(); });
    x = rounded(c.x_type, x);
    delta = rounded(c.type, delta);
    weight = rounded(c.weight_type, weight);

    const auto written = as_type(c.x_type, x.data);
    auto device_x = in_out("x", written);
    const auto device_delta = input("delta", as_type(c.type, delta.data));
    const auto device_weight = input("weight", as_type(c.weight_type, weight.data));
    const auto computed_weight =
        output<uint8_t>("computed weight", bytes_of(c.weight_type, weight));
    if (c.computed) {
      const auto source = input("source of x", written);
      cuda::convert({device_x.data(), c.x_type, x.ld, source.data(), c.x_type, x.ld, c.T, c.C},
                    nullptr);
      cuda::convert({computed_weight.data(), c.weight_type, c.C, device_weight.data(),
                     c.weight_type, c.C, 1, c.C},
                    nullptr);
    }
    const auto device_out =
        output<uint8_t>("out", out.data.size() * static_cast<size_t>(element_bytes(c.type)));
    cuda::rms_norm({device_out.data(), c.type, out.ld, device_x.data(), c.x_type, x.ld,
                    c.add ? device_delta.data() : nullptr, delta.ld,
                    c.computed ? computed_weight.data() : device_weight.data(), c.weight_type, c.T,
                    c.C, 1e-6f, !c.computed},
                   nullptr);
    finish();

    // x as the op must leave it; the norm is that of the stored x.
    std::vector<Expected> sum;
    if (c.add) {
      for (int64_t t = 0; t < c.T; ++t) {
        for (int64_t k = 0; k < c.C; ++k) x.row(t)[k] += delta.row(t)[k];
      }
      x = rounded(c.x_type, x);
    }
    for (int64_t t = 0; t < c.T; ++t) {
      for (int64_t k = 0; k < c.C; ++k) sum.push_back({static_cast<double>(x.row(t)[k]), 0.0});
    }
    std::vector<Expected> want =
        reference::rms_norm({nullptr, Type::f32, 0, x.row(0), Type::f32, x.ld, nullptr, 0,
                             weight.row(0), Type::f32, c.T, c.C, 1e-6f});
    // The rounding of the output; below the smallest normal f16 it is absolute.
    for (Expected& e : want)
      e.tolerance += std::fabs(e.value) * rounding_of(c.type) + (c.type == Type::f16 ? 0x1p-25 : 0);
    out.data = as_floats(c.type, device_out.read());
    x.data = as_floats(c.x_type, device_x.read());
    check.compare("out", out, want);
    check.compare("x", x, sum);

    const double n = static_cast<double>(c.T * c.C);
    const double rows = n * static_cast<double>(element_bytes(c.x_type) * (c.add ? 2 : 1) +
                                                element_bytes(c.type) * (c.add ? 2 : 1));
    const double a_weight = static_cast<double>(c.C * element_bytes(c.weight_type));
    // Rows of a few elements do not fill their sectors; what computes inputs moves bytes of its own.
    if (c.C >= 1000 && !c.computed)
      check_bytes(check, rows + a_weight, rows + static_cast<double>(c.T) * a_weight);
    check_no_bank_conflicts(check);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_rms_norm", [](Check& check) {
    for (const bool add : {false, true}) {
      for (const int64_t C : {8, 1000, 4096, 5120, 16384}) {
        for (const int64_t T : {1, 3, 19})
          run_case(check, {T, C, Type::bf16, Type::bf16, Type::bf16, add});
      }
      for (const Type type : {Type::bf16, Type::f16}) {
        for (const Type x : {type, Type::f32}) {
          for (const Type weight : {Type::f32, Type::f16, Type::bf16})
            run_case(check, {3, 1000, type, x, weight, add});
        }
      }
      run_case(check, {3, 4096, Type::bf16, Type::f32, Type::bf16, add, 1.0f, true});
      // Squares near both ends of what f32 can hold, and far below eps.
      for (const float size : {1e15f, 1e-12f, 0.0f})
        run_case(check, {1, 4096, Type::bf16, Type::f32, Type::f32, add, size});
    }
  });
}
