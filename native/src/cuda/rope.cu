// rope: every query and key head becomes head / sqrt(mean(head^2) + eps) * norm where there are norms;
// then (x_k, x_{k+D/2}) turns by the angle position * frequencies[k] and is multiplied by scale.
//
// Shapes  qkv [T,(H+2G)D] in place, of which [T,(H+G)D] is touched; positions [T]; q_norm, k_norm [D]
//         f32, f16 or bf16, or none. D is a multiple of 16, up to 256; with norms a power of two.
//
// Method  A block takes 256 vectors of eight pairs of one token. While their loads are under way,
//         its first D/2 threads make a table of cosines and sines, times scale. The angle is counted
//         in quarter turns and reduced in double: at position 196607 and frequency 1 it is within
//         2^-34 of a quarter turn, where f32 would be 2^-8 off. What is left lies within an eighth of
//         a turn and goes through polynomials in f32. That is four operations in double for a pair of
//         D/2, which devices with few double units carry as well. Frequencies come as parameters of
//         the kernel. With norms, the D/16 neighbouring threads of a head add their squares up by
//         shuffles, in f32; nothing is rounded between the norm and the turn.
//
// Bound   Memory: 4T(H+G)D + 4T bytes. T=2048, H=G=32, D=128: 67.1 MB.
//
// Limits  rope_kernel: 48 registers, 256 threads, 1024 bytes of shared memory
//
// Twin    cpu/rope.cpp
// Source  Su et al. 2021, arXiv:2104.09864; Peng et al. 2023, arXiv:2309.00071 (scale);
//         Henry et al. 2020, arXiv:2010.04245 (norms of queries and keys)
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/turn.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kN = 8;  // elements in an access

struct NoNorm {};

// W is the type of the norms. The frequencies in p are in quarter turns.
template <class T, class W>
__global__ void __launch_bounds__(kThreads) rope_kernel(const __grid_constant__ RopeParams p) {
  constexpr bool kNormed = !std::is_same<W, NoNorm>::value;
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t t = blockIdx.x;
  const int half = static_cast<int>(p.D) / 2;
  const int vectors = half / kN;  // in half a head
  const int i = static_cast<int>(blockIdx.y) * kThreads + static_cast<int>(threadIdx.x);
  const int head = i / vectors;
  const int column = i % vectors * kN;
  const bool mine = head < p.H + p.G;
  T* low = static_cast<T*>(p.qkv) + t * p.ld + head * p.D + column;
  T* high = low + half;
  Vec<T, kN> x_bits = {};
  Vec<T, kN> y_bits = {};
  if (mine) {
    x_bits = load<kN>(low);
    y_bits = load<kN>(high);
  }

  // Four numbers of each vector, then the other four of each: neighbouring threads read
  // neighbouring 16 bytes.
  const Shared<float> cosines = shared_memory<float>();
  const Shared<float> sines = cosines + half;
  const int entry = static_cast<int>(threadIdx.x);
  if (entry < half) {
    const int rest = entry % (half / 2);
    const int k = rest / 4 * kN + entry / (half / 2) * 4 + rest % 4;
    const Turn it = turn(load(p.positions + t) * p.frequencies[k]);
    cosines[entry] = it.cosine * p.scale;
    sines[entry] = it.sine * p.scale;
  }
  __syncthreads();

  Vec<float, kN> x = widen(x_bits);
  Vec<float, kN> y = widen(y_bits);
  if constexpr (kNormed) {
    float squares = 0.0f;
#pragma unroll
    for (int j = 0; j < kN; ++j) squares = fmaf(x[j], x[j], fmaf(y[j], y[j], squares));
    for (int mask = vectors / 2; mask > 0; mask /= 2)
      squares += ptx::shfl_bfly(squares, static_cast<uint32_t>(mask));
    const float factor = 1.0f / sqrtf(squares / static_cast<float>(p.D) + p.eps);
    if (mine) {
      const W* norm = static_cast<const W*>(head < p.H ? p.q_norm : p.k_norm) + column;
      const Vec<float, kN> of_x = widen(load<kN>(norm));
      const Vec<float, kN> of_y = widen(load<kN>(norm + half));
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        x[j] *= factor * of_x[j];
        y[j] *= factor * of_y[j];
      }
    }
  }
  if (!mine) return;

#pragma unroll
  for (int j = 0; j < kN; j += 4) {
    const int at = j / 4 * (half / 2) + i % vectors * 4;
    const Vec<float, 4> c = load<4>(cosines + at);
    const Vec<float, 4> s = load<4>(sines + at);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const float a = x[j + k];
      const float b = y[j + k];
      x[j + k] = fmaf(a, c[k], -(b * s[k]));
      y[j + k] = fmaf(a, s[k], b * c[k]);
    }
  }
  store(low, narrow<T>(x));
  store(high, narrow<T>(y));
}

template <class T, class W>
void launch_rope(const RopeParams& p, void* stream) {
  const RopeParams in_quarters = quarters(p);
  const int64_t vectors = (p.H + p.G) * p.D / 2 / kN;  // pairs of vectors in the queries and keys
  const dim3 grid(static_cast<unsigned>(p.T),
                  static_cast<unsigned>((vectors + kThreads - 1) / kThreads));
  launch<rope_kernel<T, W>>(
      {grid, dim3(kThreads), static_cast<size_t>(p.D) * sizeof(float), stream, true}, in_quarters);
}

template <class T>
void for_norms(const RopeParams& p, void* stream) {
  if (p.q_norm == nullptr) return launch_rope<T, NoNorm>(p, stream);
  for_plain(p.norm_type, [&](auto w) { launch_rope<T, decltype(w)>(p, stream); });
}

}  // namespace

void rope(const RopeParams& p, void* stream) {
  p.type == Type::bf16 ? for_norms<bf16>(p, stream) : for_norms<f16>(p, stream);
}

}  // namespace bc::cuda
