// Weights on their way to the tensor cores, the same for every matmul kernel. Here w is the left
// operand and x the right one, so that 8 tokens fill an mma as well as one does.
//
// A step is 16 rows of w by 32 columns: two mma. Which columns an mma takes is free as long as w and
// x agree, so lane 4g + t takes columns 8t to 8t + 7 of the step, of two rows of w and of row g
// of x: 16 bytes side by side in 16-bit rows, 8 in q8, 4 in q4. The first mma takes the first four
// of them, the second mma the others.
//
// Rows are free as well: what the mma calls rows g and g + 8 are rows 2g and 2g + 1. A lane's sums
// are then neighbours in out, and eight lanes store a whole sector without a detour.
//
// Values of q8 and q4 enter the products as the integers (eighths for q4) they are, exact in bf16
// and f16. The sum over a group is multiplied by its scale in f32: no weight is rounded.
#pragma once

#include "cuda/codes.cuh"
#include "cuda/kernels.h"
#include "cuda/matmul/parts.cuh"
#include "cuda/mma.cuh"
#include "cuda/quant_layout.h"
#include "cuda/silu.cuh"

namespace bc::cuda {

constexpr int kStep = 32;  // columns: kGroup
constexpr int kParts = 8;  // of K, which every kernel sums apart and then adds up in order

using Parts = PartsOfK<kParts, kStep>;

template <class T>
struct StepX {
  FragmentB<T> b[2];
};

template <class T>
__device__ __forceinline__ StepX<T> step_x(const Vec<T, 8>& x) {
  const auto w = same_bits<Vec<uint32_t, 4>>(x);
  return {{{{w[0], w[1]}}, {{w[2], w[3]}}}};
}

// fma of two elements of T.
template <class T>
__device__ __forceinline__ uint32_t fma2(uint32_t a, uint32_t b, uint32_t c) {
  if constexpr (std::is_same<T, bf16>::value) {
    return ptx::fma_bf16x2(a, b, c);
  } else {
    return ptx::fma_f16x2(a, b, c);
  }
}
template <class T>
constexpr uint32_t kMinusOne2 = std::is_same<T, bf16>::value ? 0xbf80bf80u : 0xbc00bc00u;

// 16-bit rows. Rows beyond N repeat the last one: what comes of them is not stored.
template <class T>
struct Rows {
  static constexpr bool kPacked = false;
  // Which kernels there are: matmul_decode for 17 to 24 tokens, matmul_tiles with wide tiles.
  static constexpr bool kOfThreeTiles = false;
  static constexpr bool kInWideTiles = true;
  static constexpr int kMostPanels = 2;  // of a block of matmul_decode
  struct Raw {
    Vec<T, 8> low, high;
  };
  struct Step {
    FragmentA<T> a[2];
  };
  using X = StepX<T>;

  Rows() = default;
  __device__ __forceinline__ Rows(const MatmulParams& p, int64_t n0) : K(p.K) {
    const int64_t lane = ptx::lane_id();
    const int64_t n = n0 + lane / 4 * 2;
    const T* w = static_cast<const T*>(p.w) + lane % 4 * 8;
    low = w + (n < p.N ? n : p.N - 1) * p.w_ld;
    high = w + (n + 1 < p.N ? n + 1 : p.N - 1) * p.w_ld;
  }

  __device__ __forceinline__ Raw load(int step) const {
    const int64_t k = int64_t{step} * kStep;
    Raw raw = {};
    if (k + ptx::lane_id() % 4 * 8 < K) {
      raw.low = load_once<8>(low + k);
      raw.high = load_once<8>(high + k);
    }
    return raw;
  }

  static __device__ __forceinline__ Step unpack(const Raw& raw) {
    const auto l = same_bits<Vec<uint32_t, 4>>(raw.low);
    const auto h = same_bits<Vec<uint32_t, 4>>(raw.high);
    return {{{{l[0], h[0], l[1], h[1]}}, {{l[2], h[2], l[3], h[3]}}}};
  }

  static __device__ __forceinline__ X x_of(const Vec<T, 8>& x) { return step_x<T>(x); }

  static constexpr __device__ __forceinline__ bool lifts() { return false; }
  static __device__ __forceinline__ void lift(Accumulator&, const Step&, const X&) {}

  static __device__ __forceinline__ void multiply(Accumulator& sum, const Step& w,
                                                  const X& x SIMT_SITE) {
    mma(sum, w.a[0], x.b[0] SIMT_PASS);
    mma(sum, w.a[1], x.b[1] SIMT_PASS);
  }

  const T* low;
  const T* high;
  int64_t K;
};

// What q8 and q4 share: a panel is a stream of groups, a step is a group.
template <class T>
struct Grouped {
  static constexpr bool kPacked = true;
  static constexpr bool kOfThreeTiles = true;
  static constexpr bool kInWideTiles = true;
  static constexpr int kMostPanels = 4;
  struct Step {
    FragmentA<T> a[2];
    float scale[2];  // of rows 2g and 2g + 1
  };
  using X = StepX<T>;

  Grouped() = default;
  __device__ __forceinline__ Grouped(const MatmulParams& p, int64_t n0, int64_t bytes) {
    const int64_t last = (p.N + kPanel - 1) / kPanel - 1;
    const int64_t panel = n0 / kPanel < last ? n0 / kPanel : last;
    groups = static_cast<const uint8_t*>(p.w) + panel * (p.K / kGroup) * bytes;
  }

  static __device__ __forceinline__ X x_of(const Vec<T, 8>& x) { return step_x<T>(x); }

  static constexpr __device__ __forceinline__ bool lifts() { return false; }
  static __device__ __forceinline__ void lift(Accumulator&, const Step&, const X&) {}

  static __device__ __forceinline__ void multiply(Accumulator& sum, const Step& w,
                                                  const X& x SIMT_SITE) {
    Accumulator group;
    mma(group, w.a[0], x.b[0] SIMT_PASS);
    mma(group, w.a[1], x.b[1] SIMT_PASS);
#pragma unroll
    for (int i = 0; i < 4; ++i) sum.r[i] = fmaf(w.scale[i / 2], group.r[i], sum.r[i]);
  }

  const uint8_t* groups;
};

template <class T>
struct PanelsQ8 : Grouped<T> {
  using typename Grouped<T>::Step;
  static constexpr int64_t kBytes = kQ8Values + kScales;
  struct Raw {
    Vec<uint32_t, 4> values;
    uint32_t scales;
  };

  PanelsQ8() = default;
  __device__ __forceinline__ PanelsQ8(const MatmulParams& p, int64_t n0)
      : Grouped<T>(p, n0, kBytes) {}

  __device__ __forceinline__ Raw load(int step) const {
    const uint8_t* group = this->groups + step * kBytes;
    const uint32_t lane = ptx::lane_id();
    return {load_once<4>(reinterpret_cast<const uint32_t*>(group) + lane * 4),
            load_once<1>(reinterpret_cast<const uint32_t*>(group + kQ8Values) + lane / 4)[0]};
  }

  // The even bytes of a word as two T. Magnitude m below the exponent of 2^7 (bf16, of 7 bits of
  // mantissa) or 2^10 (f16, of 10) is 2^7 + m; the power is taken off again under the same sign.
  static __device__ __forceinline__ uint32_t even_bytes(uint32_t word) {
    constexpr uint32_t kPower = std::is_same<T, bf16>::value ? 0x43004300u : 0x64006400u;
    const uint32_t power = ptx::lop3<kAndOr>(word << 8, 0x80008000u, kPower);
    const uint32_t value = ptx::lop3<kAndOr>(word, 0x007f007fu, power);
    return fma2<T>(power, kMinusOne2<T>, value);
  }

  static __device__ __forceinline__ Step unpack(const Raw& raw) {
    Step step;
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      step.a[j].r[0] = even_bytes(raw.values[j]);
      step.a[j].r[1] = even_bytes(raw.values[2 + j]);
      step.a[j].r[2] = even_bytes(raw.values[j] >> 8);
      step.a[j].r[3] = even_bytes(raw.values[2 + j] >> 8);
    }
    step.scale[0] = ptx::from_bits(raw.scales << 16);
    step.scale[1] = ptx::from_bits(raw.scales & 0xffff0000u);
    return step;
  }
};

template <class T>
struct PanelsQ4 : Grouped<T> {
  using typename Grouped<T>::Step;
  static constexpr int64_t kBytes = kQ4Values + kScales;
  struct Raw {
    Vec<uint32_t, 2> values;
    uint32_t grids;
  };

  PanelsQ4() = default;
  __device__ __forceinline__ PanelsQ4(const MatmulParams& p, int64_t n0)
      : Grouped<T>(p, n0, kBytes) {}

  __device__ __forceinline__ Raw load(int step) const {
    const uint8_t* group = this->groups + step * kBytes;
    const uint32_t lane = ptx::lane_id();
    return {load_once<2>(reinterpret_cast<const uint32_t*>(group) + lane * 2),
            load_once<1>(reinterpret_cast<const uint32_t*>(group + kQ4Values) + lane / 4)[0]};
  }

  // The power of two whose numbers are eighths apart: 16 in bf16, 128 in f16. q then stands at bit 3
  // of the mantissa and the zero of a grid, which counts eighths, at bit 0.
  static constexpr uint32_t kPower = std::is_same<T, bf16>::value ? 0x41804180u : 0x58005800u;

  // Pair i of a word, less the zero: exact, since both lie in one binade.
  template <int kPair>
  static __device__ __forceinline__ uint32_t pair(uint32_t word, uint32_t zero) {
    const uint32_t moved = kPair == 0 ? word << 3 : word >> (kPair == 0 ? 0 : 4 * kPair - 3);
    return fma2<T>(zero, kMinusOne2<T>, ptx::lop3<kAndOr>(moved, 0x00780078u, kPower));
  }

  static __device__ __forceinline__ Step unpack(const Raw& raw) {
    Step step;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const uint32_t grid = raw.grids >> 16 * i & 0xffffu;
      const uint32_t word = raw.values[i];
      const uint32_t zero = (grid & 127u) * 0x10001u | kPower;
      step.a[0].r[i] = pair<0>(word, zero);
      step.a[0].r[2 + i] = pair<1>(word, zero);
      step.a[1].r[i] = pair<2>(word, zero);
      step.a[1].r[2 + i] = pair<3>(word, zero);
      step.scale[i] =
          ptx::from_bits(((grid & 0xff80u) << 12) + (static_cast<uint32_t>(kGridExponent) << 23));
    }
    return step;
  }
};

// Where the lane's register i of a sum stands: row of w in the panel, token in the tile.
__device__ __forceinline__ int row_of_sum(int i) {
  return static_cast<int>(ptx::lane_id()) / 4 * 2 + i / 2;
}
__device__ __forceinline__ int token_of_sum(int i) { return Accumulator::col(i); }

// One number, or two side by side.
template <class E>
__device__ __forceinline__ void store_pair(E* to, float low, float high, bool both SIMT_SITE) {
  if (both && reinterpret_cast<uintptr_t>(to) % (2 * sizeof(E)) == 0) {
    store(to, narrow<E>(Vec<float, 2>{{low, high}}) SIMT_PASS);
  } else {
    store(to, narrow<E>(low) SIMT_PASS);
    if (both) store(to + 1, narrow<E>(high) SIMT_PASS);
  }
}

// What becomes of the sums of rows n and n + 1 of w: sum * scale + bias, rounded once, in every kernel.
// Where there is no bias it is -0, which added to a number leaves each of its bits, the sign of a zero
// included.
struct RowPair {
  float scale[2] = {1.0f, 1.0f};
  float bias[2] = {-0.0f, -0.0f};

  // both: row n + 1 is there too.
  __device__ __forceinline__ RowPair(const MatmulParams& p, int64_t n, bool both SIMT_SITE) {
    if (p.row_scale != nullptr) {
      scale[0] = load(p.row_scale + n SIMT_PASS);
      if (both) scale[1] = load(p.row_scale + n + 1 SIMT_PASS);
    }
    if (p.bias != nullptr) {
      bias[0] = load(p.bias + n SIMT_PASS);
      if (both) bias[1] = load(p.bias + n + 1 SIMT_PASS);
    }
  }
  __device__ __forceinline__ float low(float sum) const { return fmaf(sum, scale[0], bias[0]); }
  __device__ __forceinline__ float high(float sum) const { return fmaf(sum, scale[1], bias[1]); }
};

// out from the sums of token m with rows n and n + 1 of w. n is even, m < M, n < N.
template <class T>
__device__ __forceinline__ void store_out(const MatmulParams& p, int64_t m, int64_t n, float low,
                                          float high SIMT_SITE) {
  bool both = n + 1 < p.N;
  const RowPair rows(p, n, both SIMT_PASS);
  low = rows.low(low);
  high = rows.high(high);
  int64_t at = m * p.out_ld + n;
  if (p.epilogue == Epilogue::swiglu) {
    low = silu(low) * high;
    at = m * p.out_ld + n / 2;
    both = false;
  }
  if (p.out_type == Type::f32) {
    store_pair(static_cast<float*>(p.out) + at, low, high, both SIMT_PASS);
  } else {
    store_pair(static_cast<T*>(p.out) + at, low, high, both SIMT_PASS);
  }
}

// Calls F<T, weights>::launch for the types of p, with the weights of a generation of kernels.
template <template <class> class Rows_, template <class> class Q8, template <class> class Q4,
          template <class, class> class F>
void for_weights_of(const MatmulParams& p, const Facts& gpu, void* stream) {
  const auto of = [&](auto x) {
    using T = decltype(x);
    switch (p.w_type) {
      case Type::q8:
        return F<T, Q8<T>>::launch(p, gpu, stream);
      case Type::q4:
        return F<T, Q4<T>>::launch(p, gpu, stream);
      default:
        return F<T, Rows_<T>>::launch(p, gpu, stream);
    }
  };
  p.x_type == Type::bf16 ? of(bf16{}) : of(f16{});
}

template <template <class, class> class F>
void for_weights(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_weights_of<Rows, PanelsQ8, PanelsQ4, F>(p, gpu, stream);
}

}  // namespace bc::cuda
