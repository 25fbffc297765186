// Bulk copies and products of a warpgroup together, sound and with one fault each:
// out[m,n] = a[m,k] b[n,k]^T. Warp 4 brings tiles of 64 k to a ring of stages, warps 0 to 3 multiply
// them. kTransposed: b is [k,n] in memory. a comes with b, or is written to shared memory by those who
// multiply, or comes in registers.
#include "cuda/stages_sm90.cuh"
#include "simt_products.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

constexpr int kM = 64;  // of a tile

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
  release_for_others,
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

template <int kN, bool kTransposed, A kA, Fault kFault>
__global__ void pipeline_kernel(float* out, const bf16* a, const __grid_constant__ TensorMap map_a,
                                const __grid_constant__ TensorMap map_b, int m, int n, int k) {
  const Shared<uint64_t> full = shared_memory<uint64_t>(kStages * kStage<kN> + kTileA);
  const Shared<uint64_t> empty = full + kStages;
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) {
      ptx::mbarrier_init(full + s, 1);
      ptx::mbarrier_init(empty + s, kFault == Fault::release_for_others ? 1 : kWarpgroup / 32);
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
        wait_phase(empty + s,
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
  // What a warp has waited for is its own share of the products.
  const bool releases = thread % (kFault == Fault::release_for_others ? kWarpgroup : 32) == 0;
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
    wait_phase(full + s,
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
    if (kFault == Fault::early_release && releases) ptx::mbarrier_arrive(empty + s);
    if (kFault == Fault::early_write) d[0] *= 2.0f;
    if (kA == A::copied && step + 1 < steps) {
      // While this step multiplies, the one before gives its stage back.
      ptx::wgmma_wait_group<1>();
      if (kFault != Fault::early_release && releases && step > 0)
        ptx::mbarrier_arrive(empty + (step - 1) % kStages);
    } else if (kA != A::copied) {
      if (kFault == Fault::early_reuse) ptx::wgmma_wait_group<1>();
      if (kFault != Fault::early_reuse && (kFault != Fault::no_last_wait || step + 1 < steps))
        ptx::wgmma_wait_group<0>();
      if (kFault != Fault::early_release && releases) ptx::mbarrier_arrive(empty + s);
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

// A wrong result, where the emulator cannot know what was meant.
template <Fault kFault, A kA = A::copied, bool kTransposed = false>
void wrong(Check& check, const char* name) {
  if constexpr (kEmulated) {
    for_each_schedule(8, [&](uint64_t seed) {
      check.begin(name, seed);
      Check quiet(name, true);
      try {
        multiply<128, kTransposed, kA, kFault>(quiet, 64, 128, 448);
        check.that(quiet.failed() != 0, "nothing was noticed");
      } catch (const std::exception& e) {
        check.that(false, e.what());
      }
    });
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
  caught<Fault::release_for_others>(check, "a warp releases for the other three",
                                    {"race: bulk copy of shared+"});
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

}  // namespace

int main() {
  return run_on_hopper("simt_pipeline", [](Check& check) {
    pipelines(check);
    faults(check);
  });
}
