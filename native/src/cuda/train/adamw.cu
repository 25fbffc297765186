// adamw: one step (AdamwStep in train.h has the formula).
//
// Shapes  all [n]: gradient f32; w f32 or bf16; m, v f32, or i8 with peaks [ceil(n/256)]; copy bf16 or none.
// Method  A warp takes a block of 256 elements, eight a lane, and keeps them in registers: a block of states
//         in 8 bits needs its largest numbers before the first is encoded. Random numbers follow from the
//         seed and the index of the element, four of them from one word that each of four lanes makes.
//         Operations stand in the CPU's order and are fused where its vectors fuse them: the bits are the
//         CPU's, except that a NaN in a block of 8-bit states always becomes its peak.
// Bound   Memory: 28 bytes an element with weights and states in f32, 12 with both small, and 1/16 for
//         peaks; 2 for a copy. n=67108864: 1.9 GB, 0.8 GB.
//
// Limits  adamw_kernel: 80 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/train/adamw_kernel.h, which says how 8 bits stand for numbers and why they are rounded so
// Source  Loshchilov and Hutter 2019, arXiv:1711.05101; states of 8 bits in blocks: Dettmers et al. 2022,
//         arXiv:2110.02861; stochastic rounding of weights: Gupta et al. 2015, arXiv:1502.02551
#include "cuda/load.cuh"
#include "cuda/train/kernels.h"
#include "random.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = kThreads / kWarp;     // of states, that a block of threads takes
constexpr int kN = int{kStateBlock} / kWarp;  // elements of a lane, which lie a warp apart
constexpr float kSteps = 127.0f;
constexpr float kVSteps = 254.0f;

// What random numbers are counted from.
struct Counters {
  uint64_t of_w, of_m, of_v;
};

// A whole number below 2^16 for element i.
__device__ __forceinline__ uint32_t random_bits(uint64_t counter, int64_t i) {
  const auto at = static_cast<uint64_t>(i);
  return static_cast<uint32_t>(mix(counter + at / 4) >> at % 4 * 16) & 0xffffu;
}
__device__ __forceinline__ float uniform(uint64_t counter, int64_t i) {
  return static_cast<float>(random_bits(counter, i)) * 0x1p-16f;
}

// Truncates after adding below the last place; a NaN or an infinity stays one.
__device__ __forceinline__ bf16 rounded(float x, uint32_t random) {
  const uint32_t u = ptx::bits(x);
  if ((u & 0x7f800000u) == 0x7f800000u) return narrow<bf16>(x);
  return bf16{static_cast<uint16_t>((u + random) >> 16)};
}

__device__ __forceinline__ float decode_m(int8_t code, float peak) {
  const float share = ptx::mul_rn(static_cast<float>(code), 1.0f / kSteps);
  return ptx::mul_rn(ptx::mul_rn(fabsf(share), share), peak);
}
__device__ __forceinline__ float decode_v(int8_t code, float peak) {
  const float share = ptx::mul_rn(static_cast<float>(code) + 127.0f, 1.0f / kVSteps);
  const float square = ptx::mul_rn(share, share);
  return ptx::mul_rn(ptx::mul_rn(square, square), peak);
}

// One of the two codes about the number, at random: between c^2 and (c + 1)^2 = c^2 + 2c + 1.
__device__ __forceinline__ int8_t encode_m(float m, float per_peak, float random) {
  const float square = ptx::mul_rn(ptx::mul_rn(fabsf(m), per_peak), kSteps * kSteps);
  const float low = fminf(floorf(sqrtf(square)), kSteps - 1.0f);
  const float share =
      ptx::div_rn(ptx::sub_rn(square, ptx::mul_rn(low, low)), fmaf(low, 2.0f, 1.0f));
  const float code = share > random ? low + 1.0f : low;
  return static_cast<int8_t>(m < 0.0f ? -code : code);
}
// The same between fourth powers. What is above 0 never becomes 0.
__device__ __forceinline__ int8_t encode_v(float v, float per_peak, float random) {
  const float fourth = ptx::mul_rn(ptx::mul_rn(v, per_peak), kVSteps * kVSteps * kVSteps * kVSteps);
  const float low = fminf(floorf(sqrtf(sqrtf(fourth))), kVSteps - 1.0f);
  const float high = low + 1.0f;
  const float below = ptx::mul_rn(ptx::mul_rn(low, low), ptx::mul_rn(low, low));
  const float above = ptx::mul_rn(ptx::mul_rn(high, high), ptx::mul_rn(high, high));
  const float share = ptx::div_rn(ptx::sub_rn(fourth, below), ptx::sub_rn(above, below));
  const float code = share > random ? high : low;
  return static_cast<int8_t>(fmaxf(v > 0.0f ? 1.0f : 0.0f, code) - 127.0f);
}

// The largest magnitude of a warp: as whole numbers magnitudes are in order, and a NaN is above all.
__device__ __forceinline__ float warp_peak(uint32_t magnitude) {
#pragma unroll
  for (uint32_t mask = kWarp / 2; mask > 0; mask /= 2) {
    const uint32_t other = ptx::shfl_bfly(magnitude, mask);
    magnitude = other > magnitude ? other : magnitude;
  }
  return ptx::from_bits(magnitude);
}

// The new w; m and v become the new ones.
__device__ __forceinline__ float move(const AdamwStep& s, float w, float gradient, float& m,
                                      float& v) {
  const float g = ptx::mul_rn(gradient, s.gradient_scale);
  m = fmaf(s.beta1, m, ptx::mul_rn(ptx::sub_rn(1.0f, s.beta1), g));
  v = fmaf(s.beta2, v, ptx::mul_rn(ptx::sub_rn(1.0f, s.beta2), ptx::mul_rn(g, g)));
  const float root = sqrtf(ptx::div_rn(v, s.correction2));
  const float direction = ptx::div_rn(ptx::div_rn(m, s.correction1), ptx::add_rn(root, s.eps));
  const float decayed = ptx::mul_rn(w, ptx::sub_rn(1.0f, ptx::mul_rn(s.rate, s.decay)));
  return ptx::sub_rn(decayed, ptx::mul_rn(s.rate, direction));
}

// W is the type of w, S that of the states.
template <class W, class S>
__global__ void __launch_bounds__(kThreads) adamw_kernel(AdamwParams p, Counters counters) {
  constexpr bool kSmall = sizeof(S) == 1;
  const int64_t block = int64_t{blockIdx.x} * kBlocks + threadIdx.x / kWarp;
  const int64_t i0 = block * kStateBlock + threadIdx.x % kWarp;
  if (block * kStateBlock >= p.n) return;
  W* const weights = static_cast<W*>(p.w);
  S* const of_m = static_cast<S*>(p.m);
  S* const of_v = static_cast<S*>(p.v);
  float m_peak = 0.0f;
  float v_peak = 0.0f;
  if constexpr (kSmall) {
    m_peak = load(p.m_peaks + block);
    v_peak = load(p.v_peaks + block);
  }
  float w[kN];
  float g[kN];
  float m[kN] = {};
  float v[kN] = {};
#pragma unroll
  for (int j = 0; j < kN; ++j) {
    const int64_t i = i0 + j * kWarp;
    if (i >= p.n) continue;
    w[j] = widen(load(weights + i));
    g[j] = load(p.gradient + i);
    if constexpr (kSmall) {
      m[j] = decode_m(load(of_m + i), m_peak);
      v[j] = decode_v(load(of_v + i), v_peak);
    } else {
      m[j] = load(of_m + i);
      v[j] = load(of_v + i);
    }
  }
  __syncwarp();  // every lane has read the peaks, and its share of words that lanes write parts of
#pragma unroll
  for (int j = 0; j < kN; ++j) {
    const int64_t i = i0 + j * kWarp;
    if (i >= p.n) continue;
    const float next = move(p.step, w[j], g[j], m[j], v[j]);
    if constexpr (sizeof(W) == 4) {
      store(weights + i, next);
      if (p.copy != nullptr) store(reinterpret_cast<bf16*>(p.copy) + i, narrow<bf16>(next));
    } else {
      store(weights + i, rounded(next, random_bits(counters.of_w, i)));
    }
    if constexpr (!kSmall) {
      store(of_m + i, m[j]);
      store(of_v + i, v[j]);
    }
  }
  if constexpr (kSmall) {
    uint32_t most_m = 0;
    uint32_t most_v = 0;
#pragma unroll
    for (int j = 0; j < kN; ++j) {
      const uint32_t of = ptx::bits(fabsf(m[j]));
      const uint32_t other = ptx::bits(v[j]);
      most_m = of > most_m ? of : most_m;
      most_v = other > most_v ? other : most_v;
    }
    m_peak = warp_peak(most_m);
    v_peak = warp_peak(most_v);
    const float per_m = m_peak > 0.0f ? ptx::div_rn(1.0f, m_peak) : 0.0f;
    const float per_v = v_peak > 0.0f ? ptx::div_rn(1.0f, v_peak) : 0.0f;
#pragma unroll
    for (int j = 0; j < kN; ++j) {
      const int64_t i = i0 + j * kWarp;
      if (i >= p.n) continue;
      store(of_m + i, encode_m(m[j], per_m, uniform(counters.of_m, i)));
      store(of_v + i, encode_v(v[j], per_v, uniform(counters.of_v, i)));
    }
    if (threadIdx.x % kWarp != 0) return;
    store(p.m_peaks + block, m_peak);
    store(p.v_peaks + block, v_peak);
  }
}

template <class W>
void launch_adamw(const AdamwParams& p, void* stream) {
  const int64_t blocks = (p.n + kStateBlock - 1) / kStateBlock;
  const Launch how = {dim3(static_cast<unsigned>((blocks + kBlocks - 1) / kBlocks)), dim3(kThreads),
                      0, stream};
  const uint64_t seed = mix(p.step.seed);
  const Counters counters = {mix(seed), mix(seed + 1), mix(seed + 2)};
  p.state_type == Type::i8 ? launch<adamw_kernel<W, int8_t>>(how, p, counters)
                           : launch<adamw_kernel<W, float>>(how, p, counters);
}

}  // namespace

void adamw(const AdamwParams& p, void* stream) {
  p.w_type == Type::f32 ? launch_adamw<float>(p, stream) : launch_adamw<bf16>(p, stream);
}

}  // namespace bc::cuda
