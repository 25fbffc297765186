// What is counted: sectors, bank conflicts, mma. A matrix product through swizzled tiles, and the same
// with the tiles laid out wrongly.
#include "cuda/mma.cuh"
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// --- Tiles ---------------------------------------------------------------------------------------

// out[16,16] = a[16,64] b[64,16] through shared memory in rows of 64. b lies in 16 rows n, or, to be
// transposed on the way, in 64 rows k, of whose 64 columns 16 are used.
enum class Break { nothing, fragment, swizzle, no_swizzle };
template <class T, bool kTrans, Break kBreak>
__global__ void tile_kernel(float* out, const T* a, const T* b) {
  const Shared<T> sa = shared_memory<T>();
  const Shared<T> sb = shared_memory<T>(16 * 64 * sizeof(T));
  const auto at = [](int row, int col) {
    return kBreak == Break::no_swizzle ? row * 64 + col : swizzled<64>(row, col);
  };
  const int mine = static_cast<int>(threadIdx.x) * 8;
  for (int i = mine; i < 16 * 64; i += kWarp * 8) ptx::cp_async<16>(sa + at(i / 64, i % 64), a + i);
  for (int i = mine; i < (kTrans ? 64 : 16) * 64; i += kWarp * 8)
    ptx::cp_async<16>(sb + at(i / 64, i % 64), b + i);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  __syncthreads();
  Accumulator d[2];
  for (int k = 0; k < 64; k += 16) {
    const RowCol la = lane_of_a();
    const RowCol lb = kTrans ? lane_of_b_trans() : lane_of_b();
    const int row = kTrans ? k + lb.row : lb.row;
    const int col = kTrans ? lb.col : k + lb.col;
    FragmentA<T> fa = load_a(sa + at(la.row, k + la.col));
    if (kBreak == Break::fragment) fa = {{fa.r[0], fa.r[2], fa.r[1], fa.r[3]}};
    const Shared<T> mine_of_b = sb + (kBreak == Break::swizzle ? row * 64 + col : at(row, col));
    const TwoB<T> fb = kTrans ? load_b_trans(mine_of_b) : load_b(mine_of_b);
    mma(d[0], fa, fb.n0);
    mma(d[1], fa, fb.n8);
  }
  for (int i = 0; i < 4; ++i) {
    store(out + Accumulator::row(i) * 16 + Accumulator::col(i), d[0].r[i]);
    store(out + Accumulator::row(i) * 16 + Accumulator::col(i) + 8, d[1].r[i]);
  }
}

// Whether the product is that of plain loops. Small integers: every sum is exact.
template <class T, bool kTrans, Break kBreak>
bool tile_is_right() {
  Random random(7);
  std::vector<float> a(16 * 64), b((kTrans ? 64 : 16) * 64);
  for (float& v : a) v = static_cast<float>(random.below(9) - 4);
  for (float& v : b) v = static_cast<float>(random.below(9) - 4);
  const auto narrowed = [](const std::vector<float>& v) {
    std::vector<T> t;
    for (const float x : v) {
      if constexpr (std::is_same<T, bf16>::value) t.push_back(to_bf16(x));
      if constexpr (std::is_same<T, f16>::value) t.push_back(to_f16(x));
    }
    return t;
  };
  const auto device_a = input("a", narrowed(a));
  const auto device_b = input("b", narrowed(b));
  const auto out = output<float>("out", 256);
  launch<tile_kernel<T, kTrans, kBreak>>({dim3(1), dim3(32), 128 * 80}, out.data(), device_a.data(),
                                         device_b.data());
  const std::vector<float> got = out.read();
  for (size_t m = 0; m < 16; ++m) {
    for (size_t n = 0; n < 16; ++n) {
      float want = 0.0f;
      for (size_t k = 0; k < 64; ++k)
        want += a[m * 64 + k] * (kTrans ? b[k * 64 + n] : b[n * 64 + k]);
      if (got[m * 16 + n] != want) return false;
    }
  }
  return true;
}

void tiles(Check& check) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin("tile", seed);
    check.that(tile_is_right<bf16, false, Break::nothing>(), "bf16, b in rows n");
    check.that(tile_is_right<bf16, true, Break::nothing>(), "bf16, b in rows k");
    check.that(tile_is_right<f16, false, Break::nothing>(), "f16, b in rows n");
    check.that(tile_is_right<f16, true, Break::nothing>(), "f16, b in rows k");
    check.that(!tile_is_right<bf16, false, Break::fragment>(), "swapped registers of a fragment");
    check.that(!tile_is_right<bf16, true, Break::swizzle>(), "swizzled writes, plain reads");
    check.that(tile_is_right<bf16, true, Break::no_swizzle>(), "no swizzle");
  });
}

// --- Counters ------------------------------------------------------------------------------------

#ifndef BC_ON_GPU

__global__ void strided_load_kernel(uint32_t* out, const uint32_t* in, uint32_t stride,
                                    uint32_t offset) {
  store(out + thread_id(), load(in + offset + thread_id() * stride));
}
__global__ void wide_load_kernel(uint32_t* out, const uint32_t* in) {
  for (int turn = 0; turn < 2; ++turn) store(out + 4 * thread_id(), load<4>(in + 4 * thread_id()));
}
__global__ void diverged_load_kernel(uint32_t* out, const uint32_t* in) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i <= thread_id() / 16; ++i) sum += load(in + i * 32 + thread_id());
  store(out + thread_id(), sum);
}
__global__ void banks_kernel(uint32_t* out, uint32_t stride) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  s[thread_id() * stride] = 1;
  __syncthreads();
  store(out + thread_id(), static_cast<uint32_t>(s[7 * stride]));
}
__global__ void wide_banks_kernel() {
  store(shared_memory<uint32_t>() + 4 * thread_id(), Vec<uint32_t, 4>{{1, 2, 3, 4}});
}

void counters(Check& check) {
  check.begin("counters", 0);
  const auto in = input("in", numbers(1024));
  const auto out = output<uint32_t>("out", 1024);
  const auto loads = [&](uint32_t stride, uint32_t offset) {
    simt::reset_counters();
    launch<strided_load_kernel>({dim3(1), dim3(32)}, out.data(), in.data(), stride, offset);
    return simt::counters().load_sectors;
  };
  equal(check, "sectors of a row", loads(1, 0), 4);
  equal(check, "sectors of a row off by a word", loads(1, 1), 5);
  equal(check, "sectors of every other word", loads(2, 0), 8);
  equal(check, "sectors of a column", loads(8, 0), 32);
  equal(check, "sectors of one word", loads(0, 0), 1);
  equal(check, "sectors stored", simt::counters().store_sectors, 4);
  simt::reset_counters();
  launch<wide_load_kernel>({dim3(1), dim3(64)}, out.data(), in.data());
  equal(check, "sectors of two turns of 16 bytes", simt::counters().load_sectors, 64);
  equal(check, "of which", simt::counters().unique_load_sectors, 32);
  simt::reset_counters();
  launch<diverged_load_kernel>({dim3(1), dim3(32)}, out.data(), in.data());
  equal(check, "sectors where half a warp goes on", simt::counters().load_sectors, 6);
  const auto banks = [&](uint32_t stride) {
    simt::reset_counters();
    launch<banks_kernel>({dim3(1), dim3(32), 32 * 128}, out.data(), stride);
    return simt::counters().bank_conflicts();
  };
  equal(check, "conflicts of stride 1", banks(1), 0);
  equal(check, "conflicts of stride 2", banks(2), 1);
  equal(check, "conflicts of stride 32", banks(32), 31);
  equal(check, "wavefronts, with the broadcast", simt::counters().shared_wavefronts, 33);
  simt::reset_counters();
  launch<wide_banks_kernel>({dim3(1), dim3(32), 512});
  equal(check, "conflicts of 16 bytes a lane", simt::counters().bank_conflicts(), 0);
  equal(check, "wavefronts of 16 bytes a lane", simt::counters().shared_wavefronts, 4);

  simt::reset_counters();
  tile_is_right<bf16, false, Break::nothing>();
  tile_is_right<f16, true, Break::nothing>();
  equal(check, "conflicts of swizzled tiles", simt::counters().bank_conflicts(), 0);
  equal(check, "mma of bf16", simt::counters().mma_bf16, 8);
  equal(check, "mma of f16", simt::counters().mma_f16, 8);
  simt::reset_counters();
  tile_is_right<bf16, true, Break::no_swizzle>();
  // Rows of 128 bytes begin in one bank: each of the 32 matrices takes 8 passes instead of 1.
  equal(check, "conflicts without swizzle", simt::counters().bank_conflicts(), 32 * 7);
}
#endif

}  // namespace

int main() {
  return run_on_device("simt_traffic", [](Check& check) {
    tiles(check);
#ifndef BC_ON_GPU
    counters(check);
#endif
  });
}
