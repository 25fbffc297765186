// Products of a warpgroup: every layout of their operands in shared memory, their fragments, and what
// its four warps have to do together.
#include "simt_products.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

constexpr int kM = 64;
constexpr int kK = 64;

// Where a tile of `kRows` by kK elements of 16 bits lies, with rows of kRow bytes: 16 (no swizzle), 32,
// 64 or 128.
template <int kRows, int kMajor, int kRow>
struct Layout {
  static constexpr int kInRow = kRow / 2;
  static constexpr uint32_t kTile = (kMajor == 0 ? kRows : kK) * kRow;  // bytes of a column of rows

  // Byte offset of element (r, k).
  __device__ static uint32_t at(int r, int k) {
    const int down = kMajor == 0 ? r : k;
    const int along = kMajor == 0 ? k : r;
    const uint32_t plain = static_cast<uint32_t>(along / kInRow) * kTile +
                           static_cast<uint32_t>(down * kRow + along % kInRow * 2);
    return plain ^ (plain / 128 % (kRow / 16)) * 16;
  }
  // From k on, a multiple of 16.
  __device__ static uint64_t descriptor(uint32_t start, int k) {
    const uint32_t atom = 8 * kRow;
    const uint64_t swizzle = kRow == 128 ? 1 : kRow == 64 ? 2 : kRow == 32 ? 3 : 0;
    const uint32_t from = kMajor == 0 ? static_cast<uint32_t>(k / kInRow) * kTile +
                                            static_cast<uint32_t>(k % kInRow * 2)
                                      : static_cast<uint32_t>(k * kRow);
    uint64_t leading = kTile;
    uint64_t stride = atom;
    if (kRow == 16 && kMajor == 1) leading = atom, stride = kTile;
    return swizzle << 62 | stride / 16 << 32 | leading / 16 << 16 | (start + from) / 16;
  }
};

// out[64,kN] = a[64,kK] b[kN,kK]^T, twice: d = a b, then d += a b.
template <class T, int kN, int kMajorA, int kMajorB, int kRow, bool kRegisters>
__global__ void product_kernel(float* out, const T* a, const T* b) {
  using A = Layout<kM, kMajorA, kRow>;
  using B = Layout<kN, kMajorB, kRow>;
  const Shared<T> shared_a = shared_memory<T>();
  const Shared<T> shared_b = shared_memory<T>(kM * kK * 2);
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < kM * kK; i += kWarpgroup)
    shared_a[A::at(i / kK, i % kK) / 2] = load(a + i);
  for (int i = thread; i < kN * kK; i += kWarpgroup)
    shared_b[B::at(i / kK, i % kK) / 2] = load(b + i);
  ptx::fence_proxy_async();
  __syncthreads();
  const int g = thread / 32 * 16 + thread % 32 / 4;
  const int t = thread % 4 * 2;
  uint32_t fragments[kK / 16][4];
  for (int k = 0; k < kK; k += 16) {
    for (int r = 0; r < 4; ++r) {
      const int at = (g + r % 2 * 8) * kK + k + t + r / 2 * 8;
      fragments[k / 16][r] = load(a + at).bits | uint32_t{load(a + at + 1).bits} << 16;
    }
  }
  float d[kN / 2];
  ptx::wgmma_fence();
  for (int k = 0; k < 2 * kK; k += 16) {
    const uint64_t b_at = B::descriptor(shared_b.address(), k % kK);
    if constexpr (kRegisters) {
      ptx::wgmma_rs<T, kN, kMajorB>(d, fragments[k % kK / 16], b_at, k > 0);
    } else {
      ptx::wgmma_ss<T, kN, kMajorA, kMajorB>(d, A::descriptor(shared_a.address(), k % kK), b_at,
                                             k > 0);
    }
  }
  ptx::wgmma_commit_group();
  ptx::wgmma_wait_group<0>();
  ptx::pin_registers(d);
  for (int i = 0; i < kN / 2; ++i)
    store(out + (g + i / 2 % 2 * 8) * kN + i / 4 * 8 + t + i % 2, d[i]);
}

// The same by mma.m16n8k16 in every warp, for kN columns.
template <class T, int kN>
__global__ void mma_kernel(float* out, const T* a, const T* b) {
  const int thread = static_cast<int>(threadIdx.x);
  const int g = thread / 32 * 16 + thread % 32 / 4;
  const int t = thread % 4 * 2;
  const auto two = [](const T* at) { return load(at).bits | uint32_t{load(at + 1).bits} << 16; };
  for (int column = 0; column < kN; column += 8) {
    float d[4] = {};
    for (int i = 0; i < 2 * kK; i += 16) {
      const int k = i % kK + t;
      const T* const row = a + g * kK + k;
      const T* const other = b + (column + g % 8) * kK + k;
      const uint32_t fragment_a[] = {two(row), two(row + 8 * kK), two(row + 8),
                                     two(row + 8 * kK + 8)};
      const uint32_t fragment_b[] = {two(other), two(other + 8)};
      if constexpr (std::is_same<T, bf16>::value) {
        ptx::mma_m16n8k16_bf16(d, fragment_a, fragment_b);
      } else {
        ptx::mma_m16n8k16_f16(d, fragment_a, fragment_b);
      }
    }
    for (int i = 0; i < 4; ++i) store(out + (g + i / 2 * 8) * kN + column + t + i % 2, d[i]);
  }
}

template <class T, int kN, int kMajorA, int kMajorB, int kRow, bool kRegisters>
std::vector<float> product(Check& check, const std::vector<T>& a, const std::vector<T>& b) {
  const auto device_a = input("a", a);
  const auto device_b = input("b", b);
  const auto out = output<float>("out", kM * kN);
  launch<product_kernel<T, kN, kMajorA, kMajorB, kRow, kRegisters>>(
      {dim3(1), dim3(kWarpgroup), (kM + (kN + 63) / 64 * 64) * kK * 2}, out.data(), device_a.data(),
      device_b.data());
  auto want = expected(a, b, kM, kN, kK);
  for (Expected& e : want) e = {2 * e.value, 4 * e.tolerance};
  const std::vector<float> got = out.read();
  check.compare("out", matrix_of(got, kM, kN), want);
  return got;
}

// Every way of laying out the operands gives the same bits, on the emulator those of mma.m16n8k16.
template <class T, int kN>
void layouts(Check& check, const char* name) {
  sound(check, name, [&] {
    const auto a = random_elements<T>(kM * kK, 1);
    const auto b = random_elements<T>(kN * kK, 2);
    const auto first = product<T, kN, 0, 0, 128, false>(check, a, b);
    const auto same = [&](const std::vector<float>& other) {
      check.that(std::memcmp(first.data(), other.data(), first.size() * 4) == 0, "other bits");
    };
    same(product<T, kN, 0, 0, 64, false>(check, a, b));
    same(product<T, kN, 0, 0, 32, false>(check, a, b));
    same(product<T, kN, 0, 0, 16, false>(check, a, b));
    same(product<T, kN, 0, 0, 128, true>(check, a, b));
    same(product<T, kN, 1, 0, 64, false>(check, a, b));
    same(product<T, kN, 1, 0, 16, false>(check, a, b));
    if constexpr (kN >= 64) {
      same(product<T, kN, 0, 1, 128, true>(check, a, b));
      same(product<T, kN, 1, 1, 128, false>(check, a, b));
    }
    if constexpr (kN >= 32) {
      same(product<T, kN, 0, 1, 64, false>(check, a, b));
      same(product<T, kN, 1, 1, 32, false>(check, a, b));
    }
    same(product<T, kN, 1, 1, 16, false>(check, a, b));
    if (!kEmulated) return;
    const auto device_a = input("a", a);
    const auto device_b = input("b", b);
    const auto out = output<float>("out", kM * kN);
    launch<mma_kernel<T, kN>>({dim3(1), dim3(kWarpgroup)}, out.data(), device_a.data(),
                              device_b.data());
    same(out.read());
  });
}

// --- Together ------------------------------------------------------------------------------------

enum class Split {
  none,
  three_warps,
  one_warp_apart,
  other_descriptor,
  other_add,
  other_shape,
  overlap,
  fragments,
  five_warps,
  other_d,
};

template <Split kSplit>
__global__ void warpgroup_kernel(float* out) {
  const Shared<bf16> tile = shared_memory<bf16>();
  const int warp = static_cast<int>(threadIdx.x) / 32;
  for (int i = static_cast<int>(threadIdx.x); i < 8 * 1024 / 2; i += static_cast<int>(blockDim.x))
    tile[i] = bf16{0x3f80};  // 1
  ptx::fence_proxy_async();
  __syncthreads();
  float d[2 * 64 / 2];
  auto& first = *reinterpret_cast<float(*)[32]>(d);
  auto& second = *reinterpret_cast<float(*)[32]>(d + (kSplit == Split::overlap ? 16 : 32));
  for (float& x : d) x = 0.0f;
  uint32_t a[4] = {};
  ptx::wgmma_fence();
  if (kSplit == Split::three_warps && warp == 3) return;
  if (kSplit == Split::one_warp_apart && warp == 2) ptx::wgmma_commit_group();
  const uint64_t at = k_major(tile + (kSplit == Split::other_descriptor && warp == 1 ? 16 : 0));
  ptx::wgmma_ss<bf16, 64, 0, 0>(first, at, at, kSplit != Split::other_add || warp < 2);
  if constexpr (kSplit == Split::other_shape)
    ptx::wgmma_ss<bf16, 32, 0, 0>(*reinterpret_cast<float(*)[16]>(d), at, at, true);
  ptx::wgmma_rs<bf16, 64, 0>(second, a, at, true);
  if (kSplit == Split::other_d)
    ptx::wgmma_ss<bf16, 64, 0, 0>(warp == 0 ? first : second, at, at, true);
  if (kSplit == Split::fragments) {
    a[0] = 0x3f80;
    ptx::wgmma_rs<bf16, 64, 0>(second, a, at, true);
  }
  ptx::wgmma_commit_group();
  ptx::wgmma_wait_group<0>();
  ptx::pin_registers(d);
  store(out + threadIdx.x, first[5] + second[31]);
}

void warpgroups(Check& check) {
  const auto out = output<float>("out", 160);
  const auto run = [&](auto split, int threads) {
    launch<warpgroup_kernel<split()>>({dim3(1), dim3(static_cast<unsigned>(threads)), 8 << 10},
                                      out.data());
  };
  sound(check, "warpgroup", [&] {
    run(std::integral_constant<Split, Split::none>(), kWarpgroup);
    equal(check, "sum of 16 ones", static_cast<int64_t>(out.read()[77]), 16);
#ifndef BC_ON_GPU
    equal(check, "products", simt::counters().wgmma, 2);
    equal(check, "clocks", simt::counters().tensor_clocks, 2 * 32);
    equal(check, "wavefronts", simt::counters().operand_wavefronts, 16 + 2 * 16);
#endif
  });
  const auto broken = [&](const char* name, auto split, const char* message,
                          int threads = kWarpgroup) {
    if constexpr (kEmulated)
      caught(check, name, {message}, {"warpgroup_kernel"}, [&] { run(split, threads); });
  };
#define BROKEN(name, ...) broken(#name, std::integral_constant<Split, Split::name>(), __VA_ARGS__)
  BROKEN(three_warps, "warpgroup divergence");
  BROKEN(one_warp_apart, "warpgroup divergence: ");
  BROKEN(other_descriptor, "a descriptor of block");
  BROKEN(other_add, "add of block");
  BROKEN(other_shape, "d of n 32 overlaps that of n 64");
  BROKEN(overlap, "d of n 64 overlaps that of n 64");
  BROKEN(other_d, "d of block");
  BROKEN(fragments, "without wgmma_fence");
  BROKEN(five_warps, "warp 4 is not one of four", kWarpgroup + 32);
#undef BROKEN
}

// A warp overwrites its own 16 rows of a when it has waited. Nothing says that the shares of the other
// warps have not read them.
template <bool kBarrier>
__global__ void reuse_kernel(float* out) {
  const Shared<bf16> a = shared_memory<bf16>();
  const Shared<bf16> b = shared_memory<bf16>(64 * 128);
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < 2 * 64 * 64; i += kWarpgroup) a[i] = bf16{0x3f80};  // 1
  ptx::fence_proxy_async();
  __syncthreads();
  float d[32];
  ptx::wgmma_fence();
  ptx::wgmma_ss<bf16, 64, 0, 0>(d, k_major(a), k_major(b), false);
  ptx::wgmma_commit_group();
  ptx::wgmma_wait_group<0>();
  ptx::pin_registers(d);
  if (kBarrier) ptx::bar_sync(1, kWarpgroup);
  for (int i = 0; i < 32; ++i) a[thread / 32 * 16 * 64 + i * 32 + thread % 32] = bf16{0};
  store(out + thread, d[0]);
}

void reuse(Check& check) {
  const auto out = output<float>("out", kWarpgroup);
  const Launch how{dim3(1), dim3(kWarpgroup), 2 * 64 * 128};
  sound(check, "a overwritten after a barrier", [&] {
    launch<reuse_kernel<true>>(how, out.data());
    equal(check, "sum of 16 ones", static_cast<int64_t>(out.read()[77]), 16);
  });
  if constexpr (kEmulated)
    caught(check, "a overwritten after the wait of one warp", {"race: store of shared+"},
           {"wgmma_wait_group"}, [&] { launch<reuse_kernel<false>>(how, out.data()); });
}

}  // namespace

int main() {
  return run_on_hopper("simt_wgmma", [](Check& check) {
    layouts<bf16, 8>(check, "n 8, bf16");
    layouts<bf16, 96>(check, "n 96, bf16");
    layouts<f16, 64>(check, "n 64, f16");
    layouts<bf16, 256>(check, "n 256, bf16");
    warpgroups(check);
    reuse(check);
  });
}
