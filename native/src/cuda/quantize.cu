// quantize: packs w [N,K] times row_scale [N] into panels with a scale, or a grid, for each group
// of 32 columns (quant_layout.h), and adds up the squared errors.
//
// Shapes  w [N,K] f32, f16 or bf16; row_scale [N] or null; out q8 or q4, N padded with zeros to a
//         multiple of 16. K is a multiple of 32.
//
// Method  A thread searches one group (../quantize_search.h) with its 32 weights in registers; a
//         warp has two groups of a panel's 16 rows. The search is the CPU's source, with every
//         rounding in its place and fused products where it says fma: the packed weights have the
//         bits of the AVX2 and AVX-512 kernels. (The scalar kernel rounds the product in an fma.)
//         Squares are summed over a block in f32; its two sums go to scratch [blocks,2], which a
//         second kernel of one block adds up in double and in order.
//
// Bound   Compute. A weight takes 8 instructions in each of 6 (q8) or 27 (q4) trials and about as
//         many in each of 1 or 6 encodings: 56 or 264; divisions, a few for 32 weights, add a
//         seventh. The 1.3e10 weights of Baichuan-13B then take 5e7 or 2.3e8 cycles of an H100's
//         132 times 128 lanes, 0.03 s or 0.14 s at 1.7 GHz. Each warp has 32 independent weights
//         to go on with, so that the 16 warps of an SM are enough.
//         Memory: 40 or 33 GB (bf16 read, packed written), 12 ms or 10 ms at 3.35 TB/s. Accesses of
//         half a sector (w, q8) or a quarter (q4) are good enough for that.
//
// Limits  quantize_kernel: 128 registers, 256 threads, 64 bytes of shared memory
//         quantize_error_kernel: 40 registers, 256 threads, 4096 bytes of shared memory
//
// Twin    cpu/quantize.cpp, cpu/quantize_kernel.h
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/quant_layout.h"
#include "cuda/reduce.cuh"
#include "quantize_search.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kGroupsOfBlock = kThreads / kPanel;  // each with 16 rows

// A vector of one group, with the functions that the search needs.
struct OneGroup {
  using F = float;
  static __device__ __forceinline__ F set(float x) { return x; }
  static __device__ __forceinline__ F add(F a, F b) { return ptx::add_rn(a, b); }
  static __device__ __forceinline__ F sub(F a, F b) { return ptx::sub_rn(a, b); }
  static __device__ __forceinline__ F mul(F a, F b) { return ptx::mul_rn(a, b); }
  static __device__ __forceinline__ F div(F a, F b) { return ptx::div_rn(a, b); }
  static __device__ __forceinline__ F fma(F a, F b, F c) { return fmaf(a, b, c); }
  static __device__ __forceinline__ F abs(F a) { return fabsf(a); }
  static __device__ __forceinline__ F min(F a, F b) { return a < b ? a : b; }
  static __device__ __forceinline__ F max(F a, F b) { return a > b ? a : b; }
  static __device__ __forceinline__ F clamp(F x, F low, F high) {
    return fmaxf(fminf(x, high), low);
  }
  static __device__ __forceinline__ F if_greater(F a, F b, F yes, F no) { return a > b ? yes : no; }
  // Above 2^23 floats are integers, so the addition rounds, and costs no more than an addition.
  static __device__ __forceinline__ F round(F x) {
    constexpr float kIntegers = 0x1.8p+23f;
    return ptx::sub_rn(ptx::add_rn(x, kIntegers), kIntegers);
  }
  template <class G>
  static __device__ __forceinline__ F map(F x, G&& g) {
    return g(x);
  }
};
using Search = QuantizeSearch<OneGroup>;

// The 32 weights of a row's group.
template <class W>
__device__ __forceinline__ void load_group(float (&w)[kGroup], const QuantizeParams& p, int64_t n,
                                           int64_t k) {
  constexpr int kN = 16 / sizeof(W);
  const W* row = static_cast<const W*>(p.w) + n * p.w_ld + k;
  const float factor = p.row_scale == nullptr ? 1.0f : load(p.row_scale + n);
#pragma unroll
  for (int i = 0; i < kGroup; i += kN) {
    const Vec<float, kN> part = widen(load<kN>(row + i));
#pragma unroll
    for (int j = 0; j < kN; ++j) w[i + j] = ptx::mul_rn(part[j], factor);
  }
}

// Writes the codes of row `row` of a panel's group: 8 bytes (q8) or 4 (q4) for each of four lanes.
template <Type kType, bool kHopper>
__device__ __forceinline__ Search::Squares pack(uint8_t* out, uint32_t row,
                                                const float (&w)[kGroup]) {
  const Search::Fit fit = Search::fit<kType>(w);
  constexpr int kWords = kType == Type::q8 ? 2 : 1;  // that a lane gets
  uint32_t words[4 * kWords] = {};
  const Search::Squares sum =
      Search::encode<kType>(w, fit.grid, fit.stretch, [&](int64_t k, float code) {
        const Holder at = holder_of(kHopper, static_cast<uint32_t>(k));
        const auto q = static_cast<int32_t>(code);
        if constexpr (kType == Type::q8) {
          words[at.t * 2 + at.i / 4] |= q8_byte(q) << q8_shift(at.i);
        } else {
          words[at.t] |= static_cast<uint32_t>(q) << q4_shift(at.i);
        }
      });
  auto* lanes = reinterpret_cast<uint32_t*>(out) + row / 2 * 8 * kWords + row % 2 * kWords;
#pragma unroll
  for (int t = 0; t < 4; ++t) {
    Vec<uint32_t, kWords> mine;
#pragma unroll
    for (int i = 0; i < kWords; ++i) mine[i] = words[t * kWords + i];
    store(lanes + t * 2 * kWords, mine);
  }
  const uint16_t scale = kType == Type::q8 ? narrow<bf16>(fit.grid.scale).bits
                                           : bits_of(Q4Grid{fit.grid.scale, fit.grid.zero});
  constexpr int64_t kValues = kType == Type::q8 ? kQ8Values : kQ4Values;
  store(reinterpret_cast<uint16_t*>(out + kValues) + row, scale);
  return sum;
}

template <Type kType, bool kHopper, class W>
__global__ void __launch_bounds__(kThreads, 2) quantize_kernel(QuantizeParams p) {
  const auto groups = static_cast<uint32_t>(p.K / kGroup);
  const uint32_t row = threadIdx.x % kPanel;
  const int64_t g = int64_t{blockIdx.x} * kGroupsOfBlock + threadIdx.x / kPanel;
  Search::Squares sum = {0.0f, 0.0f};
  if (g < panels(p.N) * groups) {
    const int64_t n = g / groups * kPanel + row;
    float w[kGroup] = {};
    if (n < p.N) load_group<W>(w, p, n, g % groups * kGroup);
    sum = pack<kType, kHopper>(static_cast<uint8_t*>(p.out) + g * group_bytes(kType), row, w);
  }
  const Shared<float> scratch = shared_memory<float>();
  const Vec<float, 2> sums = {
      {block_sum(sum.lost, scratch), block_sum(sum.total, scratch + kThreads / kWarp)}};
  if (threadIdx.x == 0) store(static_cast<float*>(p.scratch) + int64_t{blockIdx.x} * 2, sums);
}

__global__ void __launch_bounds__(kThreads)
    quantize_error_kernel(QuantizeParams p, int64_t blocks) {
  const Shared<double> of_thread = shared_memory<double>();
  double sum[2] = {};
  for (int64_t i = threadIdx.x; i < blocks; i += kThreads) {
    const Vec<float, 2> part = load<2>(static_cast<const float*>(p.scratch) + 2 * i);
#pragma unroll
    for (int j = 0; j < 2; ++j) sum[j] += static_cast<double>(part[j]);
  }
#pragma unroll
  for (int j = 0; j < 2; ++j) of_thread[j * kThreads + threadIdx.x] = sum[j];
  for (uint32_t half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x >= half) continue;
#pragma unroll
    for (int j = 0; j < 2; ++j)
      of_thread[j * kThreads + threadIdx.x] += of_thread[j * kThreads + threadIdx.x + half];
  }
  if (threadIdx.x == 0) {
#pragma unroll
    for (int j = 0; j < 2; ++j) store(p.error + j, static_cast<double>(of_thread[j * kThreads]));
  }
}

int64_t blocks_of(int64_t N, int64_t K) {
  return (panels(N) * (K / kGroup) + kGroupsOfBlock - 1) / kGroupsOfBlock;
}

template <Type kType, bool kHopper, class W>
void launch_quantize(const QuantizeParams& p, void* stream) {
  const int64_t blocks = blocks_of(p.N, p.K);
  launch<quantize_kernel<kType, kHopper, W>>({dim3(static_cast<unsigned>(blocks)), dim3(kThreads),
                                              2 * kThreads / kWarp * sizeof(float), stream},
                                             p);
  launch<quantize_error_kernel>({dim3(1), dim3(kThreads), 2 * kThreads * sizeof(double), stream}, p,
                                blocks);
}

}  // namespace

int64_t quantize_scratch_bytes(int64_t N, int64_t K) {
  return blocks_of(N, K) * 2 * static_cast<int64_t>(sizeof(float));
}

void quantize(const QuantizeParams& p, const Facts& gpu, void* stream) {
  for_plain(p.w_type, [&](auto w) {
    using W = decltype(w);
    if (p.out_type == Type::q8) {
      gpu.hopper ? launch_quantize<Type::q8, true, W>(p, stream)
                 : launch_quantize<Type::q8, false, W>(p, stream);
    } else {
      gpu.hopper ? launch_quantize<Type::q4, true, W>(p, stream)
                 : launch_quantize<Type::q4, false, W>(p, stream);
    }
  });
}

}  // namespace bc::cuda
