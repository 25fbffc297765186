// Registers that warpgroups of a block give each other, and results that need more than there are.
#include "cuda/wgmma.cuh"
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// Warpgroup 0 gives registers to two others.
template <int kLess, int kMore>
__global__ void __launch_bounds__(3 * kWarpgroup, 1) registers_kernel(uint32_t* out) {
  if (threadIdx.x < kWarpgroup) {
    ptx::setmaxnreg_dec<kLess>();
  } else {
    ptx::setmaxnreg_inc<kMore>();
  }
  store(out + threadIdx.x, thread_id());
}

void registers(Check& check) {
  const auto out = output<uint32_t>("out", 3 * kWarpgroup);
  sound(check, "registers", [&] {
    launch<registers_kernel<24, 240>>({dim3(1), dim3(3 * kWarpgroup)}, out.data());
    equal(check, "last thread", out.read().back(), 3 * kWarpgroup - 1);
  });
}

#ifdef BC_ON_GPU
void register_faults(Check&) {}
#else
__global__ void few_registers_kernel() {
  const uint64_t at = k_major(shared_memory<bf16>());
  float d[128] = {};
  ptx::setmaxnreg_dec<128>();
  ptx::wgmma_fence();
  ptx::wgmma_ss<bf16, 256, 0, 0>(d, at, at, false);
}

void register_faults(Check& check) {
  const auto out = output<uint32_t>("out", 3 * kWarpgroup);
  const Launch how{dim3(1), dim3(3 * kWarpgroup)};
  caught(check, "too few registers", {"waits for registers"}, {"setmaxnreg.inc"},
         [&] { launch<registers_kernel<32, 240>>(how, out.data()); });
  caught(check, "more results than registers", {"128 registers of a thread, which has 128"}, {},
         [&] {
           launch<few_registers_kernel>({dim3(1), dim3(kWarpgroup), 32 << 10});
         });
  caught(check, "less is more", {"setmaxnreg.dec: has value 176, the warpgroup has 168"}, {},
         [&] { launch<registers_kernel<176, 240>>(how, out.data()); });
  caught(check, "more is less", {"setmaxnreg.inc: has value 160, the warpgroup has 168"}, {},
         [&] { launch<registers_kernel<24, 160>>(how, out.data()); });
}
#endif

}  // namespace

int main() {
  return run_on_hopper("simt_registers", [](Check& check) {
    registers(check);
    register_faults(check);
  });
}
