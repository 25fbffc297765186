// Weights on their way to wgmma, the same for every matmul kernel of Hopper. As in weights.cuh, w is
// the left operand and x the right one: a warpgroup has 64 rows of w, four panels, and up to 256
// tokens; out^T = w x^T.
//
// K is cut into kHopperParts parts, each one chain of wgmma from zero. Weights of q8 and q4 are rounded
// once to the type of x: w' = T(scale * code). Lane 4g + t of a warp finds in its bytes of a group
// (quant_layout.h) what wgmma wants of it in two fragments of 16 columns: rows 2g and 2g + 1 of the
// panel are what the fragment calls rows g and g + 8, so that its sums are neighbours in out.
//
// docs/matmul-hopper.md has the reasons, and what the rounding costs.
#pragma once

#include "cuda/matmul/weights.cuh"
#include "cuda/quant_layout.h"
#include "cuda/wgmma.cuh"

namespace bc::cuda {

constexpr int kHopperStep = 64;  // columns: rows of 128 bytes of x
constexpr int kHopperParts = 4;
constexpr int kGroupsOfStep = kHopperStep / static_cast<int>(kGroup);

using HopperParts = PartsOfK<kHopperParts, kHopperStep>;

// The left operands of a group: columns 0 to 15 and 16 to 31 of 64 rows.
using GroupA = uint32_t[2][4];

// a * b in two T, rounded once.
template <class T>
__device__ __forceinline__ uint32_t mul2(uint32_t a, uint32_t b) {
  constexpr uint32_t kMinusZero2 = 0x80008000u;
  return fma2<T>(a, b, kMinusZero2);
}

constexpr int kMaxShared = 227 << 10;  // bytes that a block may have

// 16-bit rows go to the tensor cores from shared memory, as x does.
template <class T>
struct HopperRows {
  static constexpr bool kPacked = false;
  static constexpr int kBytes = 0;
};

template <class T>
struct HopperQ8 {
  static constexpr bool kPacked = true;
  static constexpr int kBytes = kQ8Values + kScales;  // of a group
  struct Raw {
    Vec<uint32_t, 4> values;
    uint32_t scales;  // of rows 2g and 2g + 1
  };

  // f16 has a narrower range than the scales: codes are 2^8 times as small and scales as large.
  static constexpr bool kBf16 = std::is_same<T, bf16>::value;
  // Magnitude m below the exponent of 2^7 (bf16, of 7 bits of mantissa) or of 2^2 (f16, of 10) is
  // 2^7 + m or 2^2 + 2^-8 m; the power is taken off again under the same sign.
  static constexpr uint32_t kPower = kBf16 ? 0x43004300u : 0x44004400u;

  // This lane's part of a group in shared memory.
  static __device__ __forceinline__ Raw load(Shared<uint32_t> group SIMT_SITE) {
    const auto lane = static_cast<int>(ptx::lane_id());
    return {bc::cuda::load<4>(group + lane * 4 SIMT_PASS),
            bc::cuda::load<1>(group + kQ8Values / 4 + lane / 4 SIMT_PASS)[0]};
  }

  // The even bytes of a word, times the scale.
  static __device__ __forceinline__ uint32_t even_bytes(uint32_t word, uint32_t scale) {
    const uint32_t power = ptx::lop3<kAndOr>(word << 8, 0x80008000u, kPower);
    const uint32_t value = ptx::lop3<kAndOr>(word, 0x007f007fu, power);
    return mul2<T>(fma2<T>(power, kMinusOne2<T>, value), scale);
  }

  // The scale of row 2g + kRow in both halves.
  template <int kRow>
  static __device__ __forceinline__ uint32_t scale(uint32_t scales) {
    if constexpr (kBf16) {
      return ptx::prmt(scales, 0u, kRow == 0 ? 0x1010u : 0x3232u);
    } else {
      const float s = 256.0f * ptx::from_bits(kRow == 0 ? scales << 16 : scales & 0xffff0000u);
      return ptx::cvt_f16x2(s, s);
    }
  }

  static __device__ __forceinline__ void unpack(const Raw& raw, GroupA& a) {
    const uint32_t low = scale<0>(raw.scales);
    const uint32_t high = scale<1>(raw.scales);
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      a[j][0] = even_bytes(raw.values[j], low);
      a[j][1] = even_bytes(raw.values[2 + j], high);
      a[j][2] = even_bytes(raw.values[j] >> 8, low);
      a[j][3] = even_bytes(raw.values[2 + j] >> 8, high);
    }
  }
};

template <class T>
struct HopperQ4 {
  static constexpr bool kPacked = true;
  static constexpr int kBytes = kQ4Values + kScales;
  struct Raw {
    Vec<uint32_t, 2> values;
    uint32_t grids;  // of rows 2g and 2g + 1
  };

  // The power of two whose numbers are eighths apart is 16 in bf16 and 128 in f16. q stands at bit 3
  // of the mantissa and the zero, which counts eighths, at bit 0. Codes are 2^100 times as large here
  // (f16: 2^12 times as small) and scales as small (large), as their bits in a grid are.
  static constexpr bool kBf16 = std::is_same<T, bf16>::value;
  static constexpr uint32_t kPower =
      kBf16 ? (0x4180u + (kGridExponent << 7)) * 0x10001u : 0x28002800u;

  static __device__ __forceinline__ Raw load(Shared<uint32_t> group SIMT_SITE) {
    const auto lane = static_cast<int>(ptx::lane_id());
    return {bc::cuda::load<2>(group + lane * 2 SIMT_PASS),
            bc::cuda::load<1>(group + kQ4Values / 4 + lane / 4 SIMT_PASS)[0]};
  }

  // Pair kPair of a word, less the zero (exact, since both lie in one binade), times the scale.
  template <int kPair>
  static __device__ __forceinline__ uint32_t pair(uint32_t word, uint32_t zero, uint32_t scale) {
    const uint32_t moved = kPair == 0 ? word << 3 : word >> (kPair == 0 ? 0 : 4 * kPair - 3);
    return mul2<T>(fma2<T>(zero, kMinusOne2<T>, ptx::lop3<kAndOr>(moved, 0x00780078u, kPower)),
                   scale);
  }

  static __device__ __forceinline__ void unpack(const Raw& raw, GroupA& a) {
    const uint32_t zeros = ptx::lop3<kAndOr>(raw.grids, 0x007f007fu, kPower);
    const uint32_t scales = kBf16 ? raw.grids >> 4 & 0x0ff80ff8u : raw.grids >> 1 & 0x7fc07fc0u;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      // The row's own in both halves.
      const uint32_t zero = ptx::prmt(zeros, 0u, i == 0 ? 0x1010u : 0x3232u);
      const uint32_t scale = ptx::prmt(scales, 0u, i == 0 ? 0x1010u : 0x3232u);
      const uint32_t word = raw.values[i];
      a[0][i] = pair<0>(word, zero, scale);
      a[0][2 + i] = pair<1>(word, zero, scale);
      a[1][i] = pair<2>(word, zero, scale);
      a[1][2 + i] = pair<3>(word, zero, scale);
    }
  }
};

template <template <class, class> class F>
void for_hopper_weights(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_weights_of<HopperRows, HopperQ8, HopperQ4, F>(p, gpu, stream);
}

}  // namespace bc::cuda
