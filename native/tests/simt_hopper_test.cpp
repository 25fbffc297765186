// Products of a warpgroup: every layout of their operands in shared memory, and their fragments.
#include "cuda/wgmma.cuh"
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

#if !defined(__CUDACC__) || defined(BC_SM90A) || !defined(__CUDA_ARCH__)
#define BC_TEST_SM90A 1
#endif

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
#ifdef BC_TEST_SM90A
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
#else
  (void)out, (void)a, (void)b;
#endif
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

// Every way of laying out the operands gives the same bits.
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
  });
}

}  // namespace

int main() {
  return run_on_device("simt_hopper", [](Check& check) {
    layouts<bf16, 8>(check, "n 8, bf16");
    layouts<bf16, 96>(check, "n 96, bf16");
    layouts<f16, 64>(check, "n 64, f16");
    layouts<bf16, 256>(check, "n 256, bf16");
  });
}
