// Products of a warpgroup: every layout of their operands in shared memory, and their fragments.
#include "cuda/wgmma.cuh"
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// --- Layouts -------------------------------------------------------------------------------------

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

template <class T>
T rounded(float f) {
  if constexpr (std::is_same<T, bf16>::value)
    return to_bf16(f);
  else
    return to_f16(f);
}

template <class T>
std::vector<T> random_elements(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<T> values(count);
  for (T& x : values) x = rounded<T>(random.normal());
  return values;
}

// Of sums of 2 kK products in f32, in steps of 16.
template <class T>
std::vector<Expected> expected(const std::vector<T>& a, const std::vector<T>& b, int m, int n,
                               int k) {
  std::vector<Expected> all;
  for (int row = 0; row < m; ++row) {
    for (int column = 0; column < n; ++column) {
      double sum = 0.0;
      double size = 0.0;
      for (int i = 0; i < k; ++i) {
        const double product =
            static_cast<double>(to_float(a[static_cast<size_t>(row * k + i)])) *
            static_cast<double>(to_float(b[static_cast<size_t>(column * k + i)]));
        sum += product;
        size += std::fabs(product);
      }
      all.push_back({sum, size * (k + 16) * kRounding});
    }
  }
  return all;
}

Matrix matrix_of(const std::vector<float>& values, int rows, int columns) {
  Matrix matrix(rows, columns, 0);
  matrix.data = values;
  return matrix;
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

// --- A pipeline ----------------------------------------------------------------------------------
// out[m,n] = a[m,k] b[n,k]^T. Warp 4 brings tiles of 64 k to a ring of stages, warps 0 to 3 multiply
// them. kTransposed: b is [k,n] in memory. a comes with b, or is written to shared memory by those who
// multiply, or comes in registers.

enum class A { copied, written, registers };

enum class Fault {
  none,
  map_without_swizzle,
  swizzle_of_64_bytes,
  stride_of_half_an_atom,
  stride_of_two_atoms,
  leading_of_one_chunk,
  leading_of_one_atom,
  leading_out_of_bounds,
  full_phase,
  empty_phase,
  no_proxy_fence,
  no_barrier,
  too_few_bytes,
  too_many_bytes,
  early_release,
  early_reuse,
  early_read,
  early_write,
  no_register_fence,
  one_register_fence,
  no_init_fence,
  no_commit,
  no_last_wait,
};

constexpr int kStages = 3;
constexpr uint32_t kTileA = 64 * 128;

template <int kN>
constexpr uint32_t kStage = kTileA + kN * 128;
template <int kN>
constexpr uint32_t kPipelineBytes = kStages* kStage<kN> + kTileA + 16 * kStages;

__device__ __forceinline__ void wait_for(Shared<uint64_t> barrier, uint32_t parity) {
  while (!ptx::mbarrier_try_wait_parity(barrier, parity)) {
  }
}

template <int kN, bool kTransposed, A kA, Fault kFault>
__global__ void pipeline_kernel(float* out, const bf16* a, const __grid_constant__ TensorMap map_a,
                                const __grid_constant__ TensorMap map_b, int m, int n, int k) {
  const Shared<uint64_t> full = shared_memory<uint64_t>(kStages * kStage<kN> + kTileA);
  const Shared<uint64_t> empty = full + kStages;
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) {
      ptx::mbarrier_init(full + s, 1);
      ptx::mbarrier_init(empty + s, 1);
    }
    if (kFault != Fault::no_init_fence) ptx::fence_mbarrier_init();
  }
  __syncthreads();
  const int row = static_cast<int>(blockIdx.y) * kM;
  const int column = static_cast<int>(blockIdx.x) * kN;
  const int steps = (k + 63) / 64;
  const int thread = static_cast<int>(threadIdx.x);
  if (thread >= kWarpgroup) {
    if (thread > kWarpgroup) return;
    for (int step = 0; step < steps; ++step) {
      const int s = step % kStages;
      const int round = step / kStages;
      if (round > 0)
        wait_for(empty + s,
                 static_cast<uint32_t>(round - (kFault == Fault::empty_phase ? 0 : 1)) % 2);
      uint32_t bytes = kN * 128 + (kA == A::copied ? kTileA : 0);
      if (kFault == Fault::too_few_bytes) bytes -= kTileA;
      if (kFault == Fault::too_many_bytes) bytes += kTileA;
      ptx::mbarrier_arrive_expect_tx(full + s, bytes);
      const uint32_t stage = static_cast<uint32_t>(s) * kStage<kN>;
      if (kA == A::copied)
        ptx::cp_async_bulk_tensor_2d(shared_memory<bf16>(stage), &map_a, step * 64, row, full + s);
      const Shared<bf16> b = shared_memory<bf16>(stage + kTileA);
      if constexpr (kTransposed) {
        for (int tile = 0; tile < kN / 64; ++tile)
          ptx::cp_async_bulk_tensor_2d(b + tile * 64 * 64, &map_b, column + tile * 64, step * 64,
                                       full + s);
      } else {
        ptx::cp_async_bulk_tensor_2d(b, &map_b, step * 64, column, full + s);
      }
    }
    return;
  }

  const auto descriptor = [](uint64_t right, bool transposed) {
    uint64_t leading = right >> 16 & 0x3fffu;
    uint64_t stride = right >> 32 & 0x3fffu;
    uint64_t swizzle = right >> 62;
    if (kFault == Fault::swizzle_of_64_bytes) swizzle = 2;
    if (kFault == Fault::stride_of_half_an_atom) stride = 512 / 16;
    if (kFault == Fault::stride_of_two_atoms) stride = 2048 / 16;
    if (kFault == Fault::leading_of_one_chunk && transposed) leading = 1;
    if (kFault == Fault::leading_of_one_atom && transposed) leading = 1024 / 16;
    if (kFault == Fault::leading_out_of_bounds && transposed) leading = 230 * 1024 / 16;
    return (right & 0x3fffu) | leading << 16 | stride << 32 | swizzle << 62;
  };
  const int g = thread / 32 * 16 + thread % 32 / 4;
  const int t = thread % 4 * 2;
  const auto element = [&](int r, int c) {
    return row + r < m && c < k ? load(a + static_cast<int64_t>(row + r) * k + c) : bf16{0};
  };
  const Shared<bf16> written = shared_memory<bf16>(kStages * kStage<kN>);
  float d[kN / 2];
#pragma unroll
  for (float& x : d) x = 0.0f;
  for (int step = 0; step < steps; ++step) {
    const int s = step % kStages;
    const Shared<bf16> tile = shared_memory<bf16>(static_cast<uint32_t>(s) * kStage<kN>);
    const Shared<bf16> b = tile + kTileA / 2;
    uint32_t fragments[4][4];
    if constexpr (kA == A::written) {
      for (int i = thread; i < kM * 64; i += kWarpgroup)
        written[swizzled_128(i / 64, i % 64)] = element(i / 64, step * 64 + i % 64);
      if (kFault != Fault::no_proxy_fence) ptx::fence_proxy_async();
      if (kFault != Fault::no_barrier) ptx::bar_sync(1, kWarpgroup);
    }
    if constexpr (kA == A::registers) {
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        const int r = g + i % 2 * 8;
        const int c = step * 64 + i / 4 * 16 + t + i / 2 % 2 * 8;
        fragments[i / 4][i % 4] = element(r, c).bits | uint32_t{element(r, c + 1).bits} << 16;
      }
    }
    wait_for(full + s,
             static_cast<uint32_t>(step / kStages + (kFault == Fault::full_phase ? 1 : 0)) % 2);
    if (kFault != Fault::no_register_fence && (kFault != Fault::one_register_fence || step == 0))
      ptx::wgmma_fence();
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      constexpr int kStep = 16;
      const uint64_t b_at =
          descriptor(kTransposed ? mn_major(b + i * kStep * 64, 64 * 128) : k_major(b + i * kStep),
                     kTransposed);
      if constexpr (kA == A::registers) {
        ptx::wgmma_rs<bf16, kN, kTransposed>(d, fragments[i], b_at, true);
      } else {
        const uint64_t a_at =
            descriptor(k_major((kA == A::written ? written : tile) + i * kStep), false);
        ptx::wgmma_ss<bf16, kN, 0, kTransposed>(d, a_at, b_at, true);
      }
    }
    if (kFault != Fault::no_commit) ptx::wgmma_commit_group();
    if (kFault == Fault::early_release && thread == 0) ptx::mbarrier_arrive(empty + s);
    if (kFault == Fault::early_write) d[0] *= 2.0f;
    if (kA == A::copied && step + 1 < steps) {
      // While this step multiplies, the one before gives its stage back.
      ptx::wgmma_wait_group<1>();
      if (kFault != Fault::early_release && thread == 0 && step > 0)
        ptx::mbarrier_arrive(empty + (step - 1) % kStages);
    } else if (kA != A::copied) {
      if (kFault == Fault::early_reuse) ptx::wgmma_wait_group<1>();
      if (kFault != Fault::early_reuse && (kFault != Fault::no_last_wait || step + 1 < steps))
        ptx::wgmma_wait_group<0>();
      if (kFault != Fault::early_release && thread == 0) ptx::mbarrier_arrive(empty + s);
      if (kA == A::written) ptx::bar_sync(1, kWarpgroup);
    }
  }
  float early = 0.0f;
  if (kFault == Fault::early_read) early = d[0];
  if (kFault != Fault::no_last_wait) ptx::wgmma_wait_group<0>();
  ptx::pin_registers(d);
  if (kFault == Fault::early_read) d[0] = early;
#pragma unroll
  for (int i = 0; i < kN / 2; ++i) {
    const int r = row + g + i / 2 % 2 * 8;
    const int c = column + i / 4 * 8 + t + i % 2;
    if (r < m && c < n) store(out + static_cast<int64_t>(r) * n + c, d[i]);
  }
}

TensorMap map_of(const bf16* base, int columns, int rows, int box_rows, Swizzle swizzle) {
  TensorBox box = {};
  box.base = base;
  box.element_bytes = 2;
  box.rank = 2;
  box.sizes[0] = static_cast<uint64_t>(columns);
  box.sizes[1] = static_cast<uint64_t>(rows);
  box.strides[0] = static_cast<uint64_t>(columns) * 2;
  box.box[0] = 64;
  box.box[1] = static_cast<uint32_t>(box_rows);
  box.swizzle = swizzle;
  return make_tensor_map(box);
}

template <int kN, bool kTransposed, A kA, Fault kFault = Fault::none>
void multiply(Check& check, int m, int n, int k) {
  const auto a = random_elements<bf16>(static_cast<size_t>(m * k), 1);
  const auto b = random_elements<bf16>(static_cast<size_t>(n * k), 2);
  std::vector<bf16> b_in_memory = b;
  if (kTransposed) {
    for (int i = 0; i < n * k; ++i)
      b_in_memory[static_cast<size_t>(i % k * n + i / k)] = b[static_cast<size_t>(i)];
  }
  const auto device_a = input("a", a);
  const auto device_b = input("b", b_in_memory);
  const auto out = output<float>("out", static_cast<size_t>(m * n));
  const Swizzle swizzle = kFault == Fault::map_without_swizzle ? Swizzle::none : Swizzle::bytes_128;
  const TensorMap map_a = map_of(device_a.data(), k, m, kM, swizzle);
  const TensorMap map_b = kTransposed ? map_of(device_b.data(), n, k, 64, swizzle)
                                      : map_of(device_b.data(), k, n, kN, swizzle);
  const dim3 grid(static_cast<unsigned>((n + kN - 1) / kN),
                  static_cast<unsigned>((m + kM - 1) / kM));
  launch<pipeline_kernel<kN, kTransposed, kA, kFault>>(
      {grid, dim3(kWarpgroup + 32), kPipelineBytes<kN>}, out.data(), device_a.data(), map_a, map_b,
      m, n, k);
  check.compare("out", matrix_of(out.read(), m, n), expected(a, b, m, n, k));
}

void pipelines(Check& check) {
  constexpr int kSchedules = 20;
  const auto each = [&](const char* name, const std::function<void()>& run) {
    sound(check, name, run, kSchedules);
  };
  each("a copied", [&] {
    multiply<128, false, A::copied>(check, 64, 128, 64);
    multiply<128, false, A::copied>(check, 64, 128, 448);
    multiply<128, true, A::copied>(check, 70, 136, 456);
    multiply<256, false, A::copied>(check, 1, 264, 328);
  });
  each("a written", [&] {
    multiply<64, false, A::written>(check, 64, 64, 448);
    multiply<128, true, A::written>(check, 33, 128, 200);
  });
  each("a in registers", [&] {
    multiply<64, false, A::registers>(check, 64, 64, 448);
    multiply<128, true, A::registers>(check, 65, 72, 456);
    multiply<8, false, A::registers>(check, 64, 16, 520);
  });
}

// A wrong result, where the emulator cannot know what was meant.
void wrong(Check& check, const char* name, const std::function<void(Check&)>& run) {
  for_each_schedule(8, [&](uint64_t seed) {
    check.begin(name, seed);
    Check quiet(name, true);
    try {
      run(quiet);
      check.that(quiet.failed() != 0, "nothing was noticed");
    } catch (const std::exception& e) {
      check.that(false, e.what());
    }
  });
}

// Those that are broken are not even compiled for a GPU.
template <Fault kFault, A kA = A::copied, bool kTransposed = false>
void caught(Check& check, const char* name, const std::vector<std::string>& alternatives) {
  if constexpr (kEmulated) {
    test::caught(check, name, alternatives, {"pipeline_kernel<128, "}, [&] {
      Check quiet(name, true);
      multiply<128, kTransposed, kA, kFault>(quiet, 64, 128, 448);
    });
  }
}

template <Fault kFault, A kA = A::copied, bool kTransposed = false>
void wrong(Check& check, const char* name) {
  if constexpr (kEmulated) {
    wrong(check, name,
          [](Check& quiet) { multiply<128, kTransposed, kA, kFault>(quiet, 64, 128, 448); });
  }
}

void faults(Check& check) {
  wrong<Fault::map_without_swizzle>(check, "map without swizzle");
  wrong<Fault::map_without_swizzle, A::registers, true>(check, "map without swizzle, transposed");
  caught<Fault::swizzle_of_64_bytes>(check, "descriptor with the swizzle of 64 bytes",
                                     {"starts at shared+"});
  caught<Fault::swizzle_of_64_bytes, A::registers, true>(
      check, "transposed b with the swizzle of 64 bytes",
      {"nothing was written there", "has not been waited for", "race: load"});
  caught<Fault::stride_of_half_an_atom>(check, "stride of half an atom",
                                        {"stride byte offset 512"});
  caught<Fault::stride_of_two_atoms>(check, "stride of two atoms", {"shared+"});
  caught<Fault::leading_of_one_chunk, A::copied, true>(check, "leading offset of one chunk",
                                                       {"leading byte offset 16"});
  wrong<Fault::leading_of_one_atom, A::copied, true>(check, "leading offset of one atom");
  caught<Fault::leading_out_of_bounds, A::copied, true>(check, "leading offset out of bounds",
                                                        {"out of bounds"});
  caught<Fault::full_phase>(check, "parity of full",
                            {"race: load", "has not been waited for", "nothing was written",
                             "wait in mbarrier.try_wait"});
  caught<Fault::empty_phase>(check, "parity of empty",
                             {"more arrivals", "early overwrite", "race: "});
  caught<Fault::no_proxy_fence, A::written>(check, "no fence_proxy_async",
                                            {"without fence_proxy_async"});
  caught<Fault::no_barrier, A::written>(check, "no barrier after writing a",
                                        {"race: ", "nothing was written"});
  caught<Fault::too_few_bytes>(check, "a tile too few announced", {"bytes"});
  caught<Fault::too_many_bytes>(check, "a tile too many announced", {"deadlock"});
  caught<Fault::early_release>(check, "early release of a stage", {"early overwrite", "race: "});
  caught<Fault::early_reuse, A::written>(check, "a overwritten before the wait",
                                         {"early overwrite"});
  wrong<Fault::early_read>(check, "d read before the wait");
  caught<Fault::early_write>(check, "d written before the wait", {"d of the product"});
  caught<Fault::no_register_fence>(check, "no wgmma_fence", {"without wgmma_fence"});
  caught<Fault::one_register_fence, A::registers>(check, "no second wgmma_fence",
                                                  {"without wgmma_fence"});
  caught<Fault::one_register_fence, A::written>(check, "no second wgmma_fence for d",
                                                {"without wgmma_fence"});
  caught<Fault::no_init_fence>(check, "no fence_mbarrier_init", {"fence_mbarrier_init"});
  caught<Fault::no_commit>(check, "no commit", {"has not been committed", "early overwrite"});
  caught<Fault::no_last_wait>(check, "no last wait", {"has not been waited for"});
}

// --- What four warps do together -----------------------------------------------------------------

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
  return run_on_hopper("simt_hopper", [](Check& check) {
    layouts<bf16, 8>(check, "n 8, bf16");
    layouts<bf16, 96>(check, "n 96, bf16");
    layouts<f16, 64>(check, "n 64, f16");
    layouts<bf16, 256>(check, "n 256, bf16");
    pipelines(check);
    faults(check);
    warpgroups(check);
    registers(check);
    register_faults(check);
  });
}
