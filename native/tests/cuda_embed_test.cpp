#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, Type type, Type table_type, int64_t C) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(
        std::string(name_of(table_type)) + " to " + name_of(type) + " C=" + std::to_string(C),
        seed);
    Random random(static_cast<uint64_t>(C));
    constexpr int64_t kRows = 23;
    const std::vector<int32_t> ids = {22, 0, 5, 21, 1, 7};
    const auto T = static_cast<int64_t>(ids.size());
    Matrix table(kRows, C, 8);
    Matrix out(T, C, 16);
    table.fill([&] { return random.outlier(); });
    table = rounded(table_type, table);
    std::vector<Expected> want = reference::embed(
        {nullptr, Type::f32, 0, ids.data(), table.row(0), Type::f32, table.ld, T, C, kRows});
    if (type != table_type && type != Type::f32) round_output(type, want);

    const auto device_table = input("table", as_type(table_type, table.data));
    const auto device_ids = input("ids", ids);
    const auto device_out = output<uint8_t>("out", bytes_of(type, out));
    cuda::embed({device_out.data(), type, out.ld, device_ids.data(), device_table.data(),
                 table_type, table.ld, T, C, kRows},
                nullptr);
    finish();
    out.data = as_floats(type, device_out.read());
    check.compare("out", out, want);
    const double n = static_cast<double>(T * C * (element_bytes(type) + element_bytes(table_type)));
    // Each warp reads the id again, in a sector of its own, beside 32 vectors of 16 bytes.
    if (C >= 1000) check_bytes(check, n + 32.0, n * (1.0 + 32.0 / 512.0));
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_embed", [](Check& check) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
      for (const Type table : {Type::f32, Type::f16, Type::bf16}) {
        for (const int64_t C : {8, 24, 1000, 2056, 5120}) run_case(check, type, table, C);
      }
    }
  });
}
