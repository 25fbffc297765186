// Weights of codes (BC_CODES) on their way to the tensor cores, for the kernels that multiply by mma.sync: a
// step is a block of 32 columns, as q4's group is (weights.cuh).
//
// A code q enters the products as the integer q - c that it is, c = 2^(bits-1), exact in bf16 and f16; of a
// grid, as eighths q - z. Their sum over a block is multiplied by its scale in f32. Where a group has a zero
// or a least number in f16, the rest, c s - z s or c s + m, is a number of f32 that is multiplied by the sum
// of the block's x; the tensor cores make that sum as the product with a matrix of ones. No weight is
// rounded.
#pragma once

#include "cuda/codes.cuh"
#include "cuda/matmul/weights.cuh"

namespace bc::cuda {

template <class T, int kBits>
struct Codes {
  static constexpr bool kPacked = true;
  static constexpr bool kOfThreeTiles = false;
  static constexpr bool kInWideTiles = false;
  static constexpr int kMostPanels = 3;  // four do not fit into registers
  static constexpr bool kBf16 = std::is_same<T, bf16>::value;
  static constexpr uint32_t kMiddle = 1u << (kBits - 1);

  struct Raw {
    LaneCodes<kBits> codes;
    LaneScales scales;
  };
  struct Step {
    FragmentA<T> a[2];
    float scale[2];  // of rows 2g and 2g + 1
    float lift[2];   // of the sum of x
  };
  struct X {
    StepX<T> x;
    float sum[2];  // of tokens 2t and 2t + 1; where groups have zeros
  };

  Codes() = default;
  __device__ __forceinline__ Codes(const MatmulParams& p, int64_t n0) : groups(p.w_type) {
    const int64_t last = (p.N + kPanel - 1) / kPanel - 1;
    const int64_t panel = n0 / kPanel < last ? n0 / kPanel : last;
    const int blocks = static_cast<int>(p.K / kGroup);
    w = static_cast<const uint8_t*>(p.w) + panel * groups.panel_bytes(blocks);
  }

  __device__ __forceinline__ Raw load(int step) const {
    const uint32_t group = groups.group_at(step);
    return {LaneCodes<kBits>::load(w, group + groups.block_at<kBits>(step)), groups.load(w, group)};
  }

  // Codes stand at the lower bits of the mantissa of a power of two, with three bits for a grid's eighths
  // where a grid may be: 2^4 in bf16, which has 7 bits of mantissa, and 2^7 in f16, which has 10; without
  // eighths 2^7 and 2^10. The difference to a number in the same binade is exact.
  static constexpr bool kEighths = kBits <= 4;
  static constexpr int kAt = kEighths ? 3 : 0;
  static constexpr uint32_t kPower =
      kEighths ? (kBf16 ? 0x41804180u : 0x58005800u) : (kBf16 ? 0x43004300u : 0x64006400u);

  template <int j>
  static __device__ __forceinline__ uint32_t pair(const LaneCodes<kBits>& codes, uint32_t zero) {
    if constexpr (kBits == 8 && kBf16) {
      // One bit more than the mantissa has: below 2^7 + q of the lower 7 bits lies 2^7 where the highest
      // is set, and 2^8 where it is not, for q - 128.
      const uint32_t word = codes.template word<j>();
      return fma2<T>(ptx::lop3<kAndXor>(word, 0x00800080u, 0x43804380u), kMinusOne2<T>,
                     ptx::lop3<kAndOr>(word, 0x007f007fu, kPower));
    } else {
      return fma2<T>(zero, kMinusOne2<T>, codes.template pair<kAt, j>(kPower));
    }
  }

  __device__ __forceinline__ Step unpack(const Raw& raw) const {
    Step step;
    const LaneCodes<kBits> codes = raw.codes.spread();
    uint32_t zero[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const float scale = groups.scale(raw.scales, i);
      zero[i] = kPower | twice(kMiddle << kAt);
      if constexpr (kEighths) {
        if (groups.is(CodeForm::grid))
          zero[i] = kPower | twice(CodeGroups::grid_zero(raw.scales, i));
      }
      step.scale[i] = scale;
      step.lift[i] = 0.0f;
      if (lifts()) {
        const float beside = CodeGroups::zero(raw.scales, i);
        step.lift[i] = groups.is(CodeForm::min) ? fmaf(scale, static_cast<float>(kMiddle), beside)
                                                : scale * (static_cast<float>(kMiddle) - beside);
      }
    }
    step.a[0].r[0] = pair<0>(codes, zero[0]);
    step.a[0].r[1] = pair<4>(codes, zero[1]);
    step.a[0].r[2] = pair<1>(codes, zero[0]);
    step.a[0].r[3] = pair<5>(codes, zero[1]);
    step.a[1].r[0] = pair<2>(codes, zero[0]);
    step.a[1].r[1] = pair<6>(codes, zero[1]);
    step.a[1].r[2] = pair<3>(codes, zero[0]);
    step.a[1].r[3] = pair<7>(codes, zero[1]);
    return step;
  }

  __device__ __forceinline__ X x_of(const Vec<T, 8>& of_lane SIMT_SITE) const {
    X x = {step_x<T>(of_lane), {0.0f, 0.0f}};
    if (lifts()) {
      constexpr uint32_t kOnes = kMinusOne2<T> & 0x7fff7fffu;
      const FragmentA<T> ones = {{kOnes, kOnes, kOnes, kOnes}};
      Accumulator sum;
      mma(sum, ones, x.x.b[0] SIMT_PASS);
      mma(sum, ones, x.x.b[1] SIMT_PASS);
      x.sum[0] = sum.r[0];
      x.sum[1] = sum.r[1];
    }
    return x;
  }

  // Whether the sums of x count, and what they add.
  __device__ __forceinline__ bool lifts() const { return groups.has_zeros(); }
  static __device__ __forceinline__ void lift(Accumulator& sum, const Step& step, const X& x) {
#pragma unroll
    for (int i = 0; i < 4; ++i) sum.r[i] = fmaf(step.lift[i / 2], x.sum[i % 2], sum.r[i]);
  }

  static __device__ __forceinline__ void multiply(Accumulator& sum, const Step& step,
                                                  const X& x SIMT_SITE) {
    Accumulator block;
    mma(block, step.a[0], x.x.b[0] SIMT_PASS);
    mma(block, step.a[1], x.x.b[1] SIMT_PASS);
#pragma unroll
    for (int i = 0; i < 4; ++i) sum.r[i] = fmaf(step.scale[i / 2], block.r[i], sum.r[i]);
  }

  CodeGroups groups;
  const uint8_t* w;
};

// Calls F<T, Codes>::launch for the types of p.
template <template <class, class> class F>
void for_codes(const MatmulParams& p, const Facts& gpu, void* stream) {
  with_bits(p.w_type, [&](auto bits) {
    constexpr int kBits = decltype(bits)::value;
    p.x_type == Type::bf16 ? F<bf16, Codes<bf16, kBits>>::launch(p, gpu, stream)
                           : F<f16, Codes<f16, kBits>>::launch(p, gpu, stream);
  });
}

}  // namespace bc::cuda
