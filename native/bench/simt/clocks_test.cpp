// Checks the estimate's arithmetic against instructions counted by hand, and the clocks that they keep a
// unit busy for.
#include "cuda/mma.cuh"
#include "cuda/wgmma.cuh"
#include "rates.h"
#include "simt_test.h"

using namespace bc;
using namespace bc::bench;
using namespace bc::test;

namespace {

constexpr Rates kRates;

__global__ void exponentials_kernel(float* out, int rounds) {
  float x = 1.0f;
  for (int i = 0; i < rounds; ++i) x = ptx::ex2(-x);
  store(out + threadIdx.x, x);
}
// Half of the warp goes on: as long as the longer way.
__global__ void parted_kernel(float* out) {
  float x = 1.0f;
  for (uint32_t i = 0; i < (threadIdx.x < 16 ? 2u : 5u); ++i) x = ptx::rcp(x);
  store(out + threadIdx.x, x);
}
__global__ void product_kernel(float* out) {
  Accumulator d;
  mma(d, FragmentA<bf16>{{1, 2, 3, 4}}, FragmentB<bf16>{{5, 6}});
  store(out + blockIdx.x * 64 + threadIdx.x, d.r[0]);
}
__global__ void bits_kernel(uint32_t* out) {
  store(out + threadIdx.x, ptx::prmt(ptx::lop3<0xea>(1, threadIdx.x, 3), 4, 0x3210));
}
// One product of 64 by 64 by 16, a in shared memory and then in registers.
__global__ void warpgroup_kernel(float* out) {
  const Shared<bf16> tile = shared_memory<bf16>();
  for (int i = static_cast<int>(threadIdx.x); i < 64 * kTileColumns; i += kWarpgroup)
    tile[i] = bf16{0};
  ptx::fence_proxy_async();
  __syncthreads();
  float d[32];
  const uint32_t a[4] = {};
  ptx::wgmma_fence();
  ptx::wgmma_ss<bf16, 64, 0, 0>(d, k_major(tile), k_major(tile), false);
  ptx::wgmma_rs<bf16, 64, 0>(d, a, k_major(tile), true);
  ptx::wgmma_commit_group();
  ptx::wgmma_wait_group<0>();
  ptx::pin_registers(d);
  store(out + threadIdx.x, d[0]);
}
// 4 KB in one piece.
__global__ void bulk_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint64_t> barrier = shared_memory<uint64_t>();
  const Shared<uint32_t> to = shared_memory<uint32_t>(128);
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(barrier, 1);
    ptx::fence_mbarrier_init();
    ptx::mbarrier_arrive_expect_tx(barrier, 4096);
    ptx::cp_async_bulk(to, in, 4096, barrier);
  }
  __syncthreads();
  while (!ptx::mbarrier_try_wait_parity(barrier, 0)) {
  }
  store(out + threadIdx.x, static_cast<uint32_t>(to[threadIdx.x]));
}
// 16 KB in, each half read by both warps, through 16 bytes a lane.
__global__ void twice_kernel(uint32_t* out, const uint32_t* in) {
  uint32_t sum = 0;
  for (uint32_t i = threadIdx.x % 32; i < 1024; i += 32) sum += load<4>(in + 4 * i)[0];
  store(out + blockIdx.x * 64 + threadIdx.x, sum);
}

Clocks clocks(double hbm_bytes = 0) { return clocks_of(simt::counters(), hbm_bytes, kRates); }

void near(Check& check, const char* what, double got, double want) {
  char line[120];
  std::snprintf(line, sizeof line, "%s: %.6f clocks, expected %.6f", what, got, want);
  check.that(std::fabs(got - want) <= 1e-9 * want, line);
}

void instructions(Check& check) {
  check.begin("instructions", 0);
  const auto out = output<float>("out", 3 * 64);
  const auto bits = output<uint32_t>("bits", 64);

  simt::reset_counters();
  launch<exponentials_kernel>({dim3(1), dim3(64)}, out.data(), 7);
  near(check, "14 warps' ex2 by 16 lanes a clock", clocks()[Unit::mufu], 14 * 2);
  near(check, "and two stores, four a clock", clocks()[Unit::issue], (14 + 2) / 4.0);
  check.that(clocks().limit() == Unit::mufu, "exponentials do not limit a loop of them");

  simt::reset_counters();
  launch<parted_kernel>({dim3(1), dim3(32)}, out.data());
  near(check, "the longer way of two", clocks()[Unit::mufu], 5 * 2);

  simt::reset_counters();
  launch<product_kernel>({dim3(3), dim3(64)}, out.data());
  near(check, "6 products at two thirds of 2048 a clock", clocks()[Unit::tensor], 6 * 1.5);

  const auto of_group = output<float>("of_group", 128);
  simt::reset_counters();
  launch<warpgroup_kernel>({dim3(1), dim3(128), 8192}, of_group.data());
  near(check, "two products of a warpgroup, 65536 each", clocks()[Unit::tensor], 2 * 32);
  // 4096 elements of 2 bytes by 32 lanes; a and b of the first product are 2 KB each, as is the
  // second one's b.
  near(check, "stores and operands", clocks()[Unit::shared], 128 + 3 * 16);

  simt::reset_counters();
  launch<bits_kernel>({dim3(1), dim3(64)}, bits.data());
  near(check, "lop3 and prmt by 64 lanes a clock", clocks()[Unit::alu], 2 * 2 * 0.5);
}

void bytes(Check& check) {
  check.begin("bytes", 0);
  const auto in = input("in", numbers(4096));
  const auto out = output<uint32_t>("out", 2 * 64);
  simt::reset_counters();
  launch<twice_kernel>({dim3(2), dim3(64)}, out.data(), in.data());
  // Two blocks of two warps ask for 64 KB; L1 serves each block's second warp.
  check.that(simt::counters().load_sectors == 4 * 512, "sectors asked for");
  check.that(simt::counters().block_load_sectors == 2 * 512, "sectors asked for once per block");
  const double of_l2 = 5.5e12 / 132 / 1.755e9;  // bytes a clock and SM
  near(check, "32 KB from L2, 512 bytes back", clocks()[Unit::l2], (32768 + 512) / of_l2);

  simt::reset_counters();
  launch<bulk_kernel>({dim3(1), dim3(32), 128 + 4096}, out.data(), in.data());
  near(check, "4 KB from L2, 128 bytes back", clocks()[Unit::l2], (4096 + 128) / of_l2);
  // Beside the mbarrier's own.
  near(check, "and into shared memory", clocks()[Unit::shared], 4096 / 128 + 1 + 1);

  near(check, "3 TB from memory take a second", clocks(3e12)[Unit::hbm], 132 * 1.755e9);
  near(check, "which limits", clocks(3e12).seconds(kRates), 1);
}

}  // namespace

int main() {
  return run_on_device("clocks", [](Check& check) {
    instructions(check);
    bytes(check);
  });
}
