#include "cpu/kernels.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "cuda_device.h"

using namespace bc;
using namespace bc::test;

namespace {

// The CPU's numbers for the same seed, bit for bit: packed ones in the GPU's order.
void run_case(Check& check, Type type, bool hopper, int64_t N, int64_t K, float deviation,
              uint64_t number) {
  for_each_schedule(2, [&](uint64_t seed) {
    check.begin(std::string(name_of(type)) + (hopper ? " of hopper" : "") +
                    " N=" + std::to_string(N) + " K=" + std::to_string(K) + " deviation=" +
                    std::to_string(deviation) + " of seed=" + std::to_string(number),
                seed);
    const int64_t bytes =
        is_quantized(type) ? packed_bytes(type, N, K) : N * K * element_bytes(type);
    std::vector<uint8_t> host(static_cast<size_t>(bytes));
    ThreadPool pool(2);
    cpu::fill_random({host.data(), type, bytes, deviation, number}, pool);
    std::vector<uint8_t> want = host;
    if (is_quantized(type)) cuda::repack(type, hopper, want.data(), host.data(), N, K);

    const auto out = output<uint8_t>("out", host.size());
    cuda::fill_random({out.data(), type, bytes, deviation, number}, gpu_of(hopper), nullptr);
    finish();
    check.that(out.read() == want, "the numbers are not the CPU's");
    const auto moved = static_cast<double>(bytes);
    if (N * K >= 10000) check_bytes(check, moved, moved);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_fill_random", [](Check& check) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8, Type::q4}) {
      for (const bool hopper : {false, true}) {
        if (hopper && !is_quantized(type)) continue;
        const int64_t step = is_quantized(type) ? kGroup : 1;
        for (const int64_t K : {1, 3, 8, 19}) {
          for (const int64_t N : {1, 7, 33, 200})
            run_case(check, type, hopper, N, K * step, 0.02f, 42);
        }
        for (const float deviation : {0.0f, 1e-6f, 1.0f, 30.0f})
          run_case(check, type, hopper, 16, 8 * step, deviation, 0xffffffffffffffffu);
      }
    }
  });
}
