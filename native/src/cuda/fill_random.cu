// fill_random: random weights for models without a checkpoint, the CPU's for the same seed.
//
// Shapes  out: elements of f32, f16 or bf16, or groups of q8 or q4 (quant_layout.h).
//
// Method  A number is a function of its place (../random.h). For plain types a thread makes 16 bytes,
//         bit for bit the CPU's. For packed types a warp makes a group. Each lane makes the codes that
//         it would hold, from the random bytes that stand for them in the CPU's layout, so that the
//         weights are the CPU's too, one by one.
//
// Bound   Compute: some 50 instructions for an element of plain types, most of them integer ones, of
//         which an SM does 64 a cycle. An H100 makes 2.9e11 elements a second, 0.6 TB/s of bf16, and
//         Baichuan-13B in 0.05 s. The bytes of out are written once: 4096 x 4096 bf16, 33.6 MB.
//
// Limits  fill_plain_kernel: 32 registers, 256 threads, 0 bytes of shared memory
//         fill_packed_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/fill_random.cpp
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/quant_layout.h"
#include "random.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ float number(const FillRandomParams& p, uint64_t base, int64_t i) {
  return p.deviation * normal(mix(base + static_cast<uint64_t>(i)));
}

template <class T>
__global__ void __launch_bounds__(kThreads) fill_plain_kernel(FillRandomParams p, uint64_t base) {
  constexpr int kN = 16 / sizeof(T);
  const int64_t count = p.bytes / static_cast<int64_t>(sizeof(T));
  const int64_t i0 = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * kN;
  T* out = static_cast<T*>(p.out);
  if (i0 + kN <= count) {
    Vec<float, kN> x;
#pragma unroll
    for (int i = 0; i < kN; ++i) x[i] = number(p, base, i0 + i);
    store(out + i0, narrow<T>(x));
  } else {
    for (int64_t i = i0; i < count; ++i) store(out + i, narrow<T>(number(p, base, i)));
  }
}

// The four bytes that stand for columns 4 quad to 4 quad + 3 of a row in the CPU's layout (for q4, for
// the four columns 16 further on as well).
template <Type kType>
__device__ __forceinline__ uint32_t codes_at(uint64_t group, uint32_t quad, uint32_t row) {
  const uint32_t byte = quad * 64 + row * 4;
  return static_cast<uint32_t>(random_codes(kType, group + byte / 8 * 8) >> byte % 8 * 8);
}

template <Type kType, bool kHopper>
__global__ void __launch_bounds__(kThreads)
    fill_packed_kernel(FillRandomParams p, uint64_t base, uint32_t scales) {
  constexpr bool kQ8 = kType == Type::q8;
  constexpr int64_t kValues = kQ8 ? kQ8Values : kQ4Values;
  constexpr int64_t kBytes = kValues + kScales;
  const int64_t g = int64_t{blockIdx.x} * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (g * kBytes >= p.bytes) return;
  const uint32_t lane = threadIdx.x % kWarp;
  const uint64_t group = base + static_cast<uint64_t>(g * kValues);
  uint8_t* out = static_cast<uint8_t*>(p.out) + g * kBytes;

  constexpr int kWords = kQ8 ? 4 : 2;  // that a lane holds: rows lane / 4 * 2 and the next
  Vec<uint32_t, kWords> words = {};
#pragma unroll
  for (uint32_t half = 0; half < 2; ++half) {
    const uint32_t row = lane / 4 * 2 + half;
#pragma unroll
    for (uint32_t i = 0; i < 8; i += 2) {  // values, in pairs of neighbours
      const uint32_t column = column_of(kHopper, lane % 4, i);
      const uint32_t codes = codes_at<kType>(group, kQ8 ? column / 4 : column / 4 % 4, row);
#pragma unroll
      for (uint32_t c = 0; c < 2; ++c) {
        const uint32_t byte = codes >> 8 * (column % 4 + c) & 0xffu;
        if constexpr (kQ8) {
          words[half * 2 + i / 4] |= q8_byte(static_cast<int32_t>(byte) - 128) << q8_shift(i + c);
        } else {
          const uint32_t q = column < 16 ? byte & 15u : byte >> 4;
          words[half] |= q << q4_shift(i + c);
        }
      }
    }
  }
  store(reinterpret_cast<uint32_t*>(out) + lane * kWords, words);
  if (lane < kScales / 4) store(reinterpret_cast<uint32_t*>(out + kValues) + lane, scales);
}

template <class T>
void launch_plain(const FillRandomParams& p, void* stream) {
  const int64_t blocks = (p.bytes + kThreads * 16 - 1) / (kThreads * 16);
  launch<fill_plain_kernel<T>>({dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, stream}, p,
                               mix(p.seed));
}

template <Type kType>
void launch_packed(const FillRandomParams& p, const Facts& gpu, void* stream) {
  const int64_t groups = p.bytes / group_bytes(kType);
  const int64_t blocks = (groups + kThreads / kWarp - 1) / (kThreads / kWarp);
  const uint32_t scale = scale_of_deviation(kType, p.deviation);
  const Launch how = {dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, stream};
  gpu.hopper ? launch<fill_packed_kernel<kType, true>>(how, p, mix(p.seed), scale << 16 | scale)
             : launch<fill_packed_kernel<kType, false>>(how, p, mix(p.seed), scale << 16 | scale);
}

}  // namespace

void fill_random(const FillRandomParams& p, const Facts& gpu, void* stream) {
  switch (p.type) {
    case Type::f32:
      return launch_plain<float>(p, stream);
    case Type::f16:
      return launch_plain<f16>(p, stream);
    case Type::q8:
      return launch_packed<Type::q8>(p, gpu, stream);
    case Type::q4:
      return launch_packed<Type::q4>(p, gpu, stream);
    default:
      return launch_plain<bf16>(p, stream);
  }
}

}  // namespace bc::cuda
