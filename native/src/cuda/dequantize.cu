// dequantize: out[n,k] = w[n,k] in f32, from packed weights or from rows.
//
// Shapes  out [N,K] f32; w [N,K] q8 or q4 in panels (quant_layout.h), codes (codes_layout.h), or f32, f16
//         or bf16 in rows. K of packed weights is a multiple of 32, or of the group of codes.
//
// Method  A block of 128 threads takes groups of a panel one after another. A thread has 4 columns of a
//         row: those of a word of q8, or of half a word of q4. A warp has rows r to r + 3, whose codes
//         lie in one run of bytes, and writes 128 bytes of each. An element is the product of two
//         exact numbers, rounded once, so it has the CPU's bits. Rows go to convert instead.
//         Codes: a warp takes blocks of a panel one after another. A lane has its 16 codes of a block,
//         as the products take them, and writes 32 bytes of two rows.
//
// Bound   Memory: 4NK + NK / 512 times 544 (q8) or 288 (q4) bytes. N=K=4096: 84.9 MB, 76.5 MB. Codes:
//         4NK and the bytes of w; 73.9 MB for the 3-bit grid of 64.
//
// Limits  dequantize_kernel: 64 registers, 128 threads, 0 bytes of shared memory
//         dequantize_codes_kernel: 64 registers, 128 threads, 0 bytes of shared memory
//
// Twin    cpu/quantize.cpp
#include "cuda/codes.cuh"
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/quant_layout.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kGroups = 8;  // that a block takes: a thread has as many loads under way at once

template <Type kType, bool kHopper>
__global__ void __launch_bounds__(kThreads) dequantize_kernel(DequantizeParams p) {
  constexpr bool kQ8 = kType == Type::q8;
  constexpr int64_t kValues = kQ8 ? kQ8Values : kQ4Values;
  constexpr int64_t kBytes = kValues + kScales;
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t quad = lane % 8;  // values 4 (quad % 2) and on of lanes 4g + quad / 2
  const uint32_t pair = threadIdx.x / kWarp * 2 + lane / 8 % 2;
  const uint32_t half = lane / 16;
  // The word that holds the four codes. A word of q4 also holds the four of the quad beside it.
  const uint32_t holder = pair * 4 + quad / 2;
  const uint32_t word_at = kQ8 ? holder * 16 + half * 8 + quad % 2 * 4 : holder * 8 + half * 4;
  const uint32_t scale_at = kValues + pair * 4 + half * 2;

  const int64_t groups = p.K / kGroup;
  const int64_t g0 = int64_t{blockIdx.y} * kGroups;
  const int64_t n = int64_t{blockIdx.x} * kPanel + pair * 2 + half;
  const uint8_t* from = static_cast<const uint8_t*>(p.w) + (blockIdx.x * groups + g0) * kBytes;
  float* out = p.out + n * p.out_ld + g0 * kGroup;

  uint32_t words[kGroups];
  uint16_t scales[kGroups];
#pragma unroll
  for (int i = 0; i < kGroups; ++i) {
    if (g0 + i >= groups) continue;
    words[i] = load_once<1>(reinterpret_cast<const uint32_t*>(from + i * kBytes + word_at))[0];
    scales[i] = load_once<1>(reinterpret_cast<const uint16_t*>(from + i * kBytes + scale_at))[0];
  }
  if (n >= p.N) return;
#pragma unroll
  for (int i = 0; i < kGroups; ++i) {
    if (g0 + i >= groups) continue;
    Vec<float, 4> w;
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      if constexpr (kQ8) {
        const uint32_t byte = words[i] >> q8_shift(c) & 0xffu;
        w[c] = widen(bf16{scales[i]}) * static_cast<float>(q8_code(byte));
      } else {
        const Q4Grid grid = grid_of(scales[i]);
        const uint32_t q = words[i] >> q4_shift(quad % 2 * 4 + c) & 15u;
        w[c] = grid.scale * (static_cast<float>(q) - grid.zero);
      }
    }
    const auto to = [&](uint32_t c) {
      return out + i * kGroup + column_of(kHopper, quad / 2, quad % 2 * 4 + c);
    };
    if constexpr (kHopper) {
      store(to(0), Vec<float, 2>{{w[0], w[1]}});
      store(to(2), Vec<float, 2>{{w[2], w[3]}});
    } else {
      store(to(0), w);
    }
  }
}

// What code 0 of a group stands for, of row `half` of a lane's two.
template <int kBits>
__device__ __forceinline__ float base_of(const CodeGroups& groups, const LaneScales& lane, int half,
                                         float scale) {
  if (groups.is(CodeForm::min)) return CodeGroups::zero(lane, half);
  const float zero = groups.is(CodeForm::zero) ? CodeGroups::zero(lane, half)
                     : groups.is(CodeForm::grid)
                         ? static_cast<float>(CodeGroups::grid_zero(lane, half)) / kGridZeros
                         : static_cast<float>(1 << (kBits - 1));
  return -ptx::mul_rn(scale, zero);
}

constexpr int kBlocks = kGroups;  // of a warp

template <int kBits>
__global__ void __launch_bounds__(kThreads) dequantize_codes_kernel(DequantizeParams p) {
  const CodeGroups groups(p.w_type);
  const auto blocks = static_cast<int>(p.K / kGroup);
  const auto warp = static_cast<int>(blockIdx.y * (kThreads / kWarp) + threadIdx.x / kWarp);
  const auto lane = static_cast<int>(ptx::lane_id());
  const int64_t n = int64_t{blockIdx.x} * kPanel + lane / 4 * 2;
  const uint8_t* const panel =
      static_cast<const uint8_t*>(p.w) + blockIdx.x * groups.panel_bytes(blocks);
  const int end = blocks < (warp + 1) * kBlocks ? blocks : (warp + 1) * kBlocks;
  for (int block = warp * kBlocks; block < end; ++block) {
    const uint32_t group = groups.group_at(block);
    const LaneScales scales = groups.load(panel, group);
    const LaneCodes<kBits> codes =
        LaneCodes<kBits>::load(panel, group + groups.block_at<kBits>(block)).spread();
    const uint32_t pairs[] = {codes.template pair<0, 0>(0), codes.template pair<0, 1>(0),
                              codes.template pair<0, 2>(0), codes.template pair<0, 3>(0),
                              codes.template pair<0, 4>(0), codes.template pair<0, 5>(0),
                              codes.template pair<0, 6>(0), codes.template pair<0, 7>(0)};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (n + half >= p.N) break;
      const float scale = groups.scale(scales, half);
      const float base = base_of<kBits>(groups, scales, half, scale);
      Vec<float, 8> w;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const uint32_t q = pairs[half * 4 + i / 2] >> i % 2 * 16 & 0xffffu;
        w[i] = ptx::add_rn(ptx::mul_rn(scale, static_cast<float>(q)), base);
      }
      store(p.out + (n + half) * p.out_ld + int64_t{block} * kGroup + lane % 4 * 8, w);
    }
  }
}

void launch_dequantize_codes(const DequantizeParams& p, void* stream) {
  constexpr int64_t kOfBlock = kThreads / kWarp * kBlocks;
  const dim3 grid(static_cast<unsigned>(panels(p.N)),
                  static_cast<unsigned>((p.K / kGroup + kOfBlock - 1) / kOfBlock));
  with_bits(p.w_type, [&](auto bits) {
    launch<dequantize_codes_kernel<decltype(bits)::value>>({grid, dim3(kThreads), 0, stream}, p);
  });
}

template <Type kType>
void launch_dequantize(const DequantizeParams& p, const Facts& gpu, void* stream) {
  const int64_t pieces = (p.K / kGroup + kGroups - 1) / kGroups;
  const dim3 grid(static_cast<unsigned>(panels(p.N)), static_cast<unsigned>(pieces));
  const Launch how = {grid, dim3(kThreads), 0, stream};
  gpu.hopper ? launch<dequantize_kernel<kType, true>>(how, p)
             : launch<dequantize_kernel<kType, false>>(how, p);
}

}  // namespace

void dequantize(const DequantizeParams& p, const Facts& gpu, void* stream) {
  if (is_codes(p.w_type)) return launch_dequantize_codes(p, stream);
  switch (p.w_type) {
    case Type::q8:
      return launch_dequantize<Type::q8>(p, gpu, stream);
    case Type::q4:
      return launch_dequantize<Type::q4>(p, gpu, stream);
    default:
      return convert({p.out, Type::f32, p.out_ld, p.w, p.w_type, p.w_ld, p.N, p.K}, stream);
  }
}

}  // namespace bc::cuda
