// rope: (x_k, x_{k+D/2}) of every query and key head turns by the angle position * base^(-2k/D).
//
// Shapes  qkv [T,3C] in place, of which [T,2C] is touched; positions [T]; C = H D. D is a multiple
//         of 16, up to 256.
//
// Method  A block takes 256 vectors of eight pairs of one token. While their loads are under way,
//         its first D/2 threads make a table of cosines and sines. The angle is counted in quarter
//         turns and reduced in double: at position 196607 and frequency 1 it is within 2^-34 of a
//         quarter turn, where f32 would be 2^-8 off. What is left lies within an eighth of a turn
//         and goes through polynomials in f32. That is four operations in double for a pair of D/2,
//         which devices with few double units carry as well.
//
// Bound   Memory: 8TC + 4T bytes. T=2048, C=4096: 67.1 MB.
//
// Limits  rope_kernel: 40 registers, 256 threads, 1024 bytes of shared memory
//
// Twin    cpu/rope.cpp
// Source  Su et al. 2021, arXiv:2104.09864; the pairing (k, k + D/2) is Baichuan's.
#include "cuda/kernels.h"
#include "cuda/load.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kN = 8;  // elements of an access
constexpr int kMaxHalf = 128;

// Per position: base^(-2k/D) in quarter turns.
struct Frequencies {
  double at[kMaxHalf];
};

struct Turn {
  float cosine, sine;
};

// Taylor's series on [-pi/4, pi/4]; the first terms left out are below 2^-29.
__device__ __forceinline__ Turn turn(double quarters) {
  const double whole = rint(quarters);
  const auto x = static_cast<float>((quarters - whole) * 1.5707963267948966);
  const float square = x * x;
  float s = fmaf(square, 1.0f / 362880, -1.0f / 5040);
  s = fmaf(square, s, 1.0f / 120);
  s = fmaf(square, s, -1.0f / 6);
  s = fmaf(x * square, s, x);
  float c = fmaf(square, -1.0f / 3628800, 1.0f / 40320);
  c = fmaf(square, c, -1.0f / 720);
  c = fmaf(square, c, 1.0f / 24);
  c = fmaf(square, c, -0.5f);
  c = fmaf(square, c, 1.0f);
  // Each quarter turn makes (c, s) into (-s, c).
  const auto quadrant = static_cast<int64_t>(whole) & 3;
  const float cosine = (quadrant & 1) != 0 ? s : c;
  const float sine = (quadrant & 1) != 0 ? c : s;
  return {quadrant == 1 || quadrant == 2 ? -cosine : cosine, quadrant >= 2 ? -sine : sine};
}

template <class T>
__global__ void __launch_bounds__(kThreads) rope_kernel(RopeParams p, Frequencies frequencies) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t t = blockIdx.x;
  const int half = static_cast<int>(p.D) / 2;
  const int vectors = half / kN;  // of half a head
  const int i = static_cast<int>(blockIdx.y) * kThreads + static_cast<int>(threadIdx.x);
  const bool mine = i < 2 * p.H * vectors;
  T* low = static_cast<T*>(p.qkv) + t * p.ld + i / vectors * p.D + i % vectors * kN;
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
    const Turn it = turn(load(p.positions + t) * frequencies.at[k]);
    cosines[entry] = it.cosine;
    sines[entry] = it.sine;
  }
  __syncthreads();
  if (!mine) return;

  Vec<float, kN> x = widen(x_bits);
  Vec<float, kN> y = widen(y_bits);
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

template <class T>
void launch_rope(const RopeParams& p, void* stream) {
  Frequencies frequencies = {};
  for (int64_t k = 0; k < p.D / 2; ++k) {
    const double exponent = -2.0 * static_cast<double>(k) / static_cast<double>(p.D);
    frequencies.at[k] = std::pow(static_cast<double>(p.base), exponent) * 0.6366197723675814;
  }
  const int64_t vectors = p.H * p.D / kN;  // pairs of vectors in the queries and keys
  const dim3 grid(static_cast<unsigned>(p.T),
                  static_cast<unsigned>((vectors + kThreads - 1) / kThreads));
  launch<rope_kernel<T>>(
      {grid, dim3(kThreads), static_cast<size_t>(p.D) * sizeof(float), stream, true}, p,
      frequencies);
}

}  // namespace

void rope(const RopeParams& p, void* stream) {
  p.type == Type::bf16 ? launch_rope<bf16>(p, stream) : launch_rope<f16>(p, stream);
}

}  // namespace bc::cuda
