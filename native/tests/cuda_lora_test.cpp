#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "lora_cases.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, Type x_type, Type out_type, int64_t N, int64_t K,
              const std::vector<AdapterKind>& kinds, const std::vector<int32_t>& of) {
  for_each_schedule(3, [&](uint64_t seed) {
    const auto T = static_cast<int64_t>(of.size());
    check.begin(std::string(name_of(x_type)) + " to " + name_of(out_type) +
                    " T=" + std::to_string(T) + " N=" + std::to_string(N) +
                    " K=" + std::to_string(K) + " adapters=" + std::to_string(kinds.size()),
                seed);
    Random random(static_cast<uint64_t>(N * 10007 + K));
    const AdapterPool pool(kinds, N, K, random);
    Matrix x(T, K, 8);
    Matrix out(T, N, out_type == Type::f32 ? 4 : 8);
    x.fill([&] { return random.outlier(); });
    out.fill([&] { return random.normal(); });
    x = rounded(x_type, x);
    out = rounded(out_type, out);
    std::vector<Expected> want = reference::lora(
        {out.row(0), Type::f32, out.ld, x.row(0), Type::f32, x.ld, pool.bytes.data(),
         pool.table.data(), pool.scales.data(), of.data(), T, N, K, nullptr});
    // What no adapter is added to stays as it is.
    for (size_t i = 0; i < want.size(); ++i) {
      const int32_t s = of[i / static_cast<size_t>(N)];
      if (s < 0 || kinds[static_cast<size_t>(s)].rank == 0 || out_type == Type::f32) continue;
      want[i].tolerance += std::fabs(want[i].value) * rounding_of(out_type);
      if (out_type == Type::f16) want[i].tolerance += 0x1p-25;
    }

    const auto device_x = input("x", as_type(x_type, x.data));
    const auto device_pool = input("pool", pool.bytes);
    const auto device_table = input("table", pool.table);
    const auto device_scales = input("scales", pool.scales);
    const auto device_of = input("adapter_of", of);
    const auto device_out = in_out("out", as_type(out_type, out.data));
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::lora_scratch_bytes(T)));
    cuda::lora(
        {device_out.data(), out_type, out.ld, device_x.data(), x_type, x.ld, device_pool.data(),
         device_table.data(), device_scales.data(), device_of.data(), T, N, K, scratch.data()},
        nullptr);
    finish();
    out.data = as_floats(out_type, device_out.read());
    check.compare("out", out, want);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_lora", [](Check& check) {
    const std::vector<AdapterKind> kinds = {
        {16, Type::bf16}, {1, Type::f32}, {7, Type::f16}, {0, Type::f32}, {37, Type::bf16}};
    const std::vector<int32_t> of = {2, -1, 0, 3, 4, 1, 0};
    for (const Type type : {Type::bf16, Type::f16}) {
      for (const Type out : {type, Type::f32}) {
        for (const int64_t K : {8, 24, 264, 1000}) run_case(check, type, out, 264, K, kinds, of);
        for (const int64_t N : {8, 248, 1032}) run_case(check, type, out, N, 40, kinds, of);
      }
    }
    for (const int64_t N : {1, 255, 601}) run_case(check, Type::bf16, Type::f32, N, 40, kinds, of);
    run_case(check, Type::bf16, Type::bf16, 40, 64, {{512, Type::f32}}, {0, 0});
  });
}
