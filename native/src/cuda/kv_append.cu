// kv_append: stores each token's keys and values in the page and slot of its position.
//
// Shapes  qkv [T,(H+2G)D], of which the last [T,2GD] are read; pages [pages,2,G,64,D] bf16, f16 or
//         i8; scales [pages,2,G,64] for i8. D is a multiple of 8, up to 256.
//
// Method  A group of lanes, D/8 rounded up to a power of two, takes the D numbers of one head of
//         one token, 16 bytes a lane, and agrees on their largest by shuffles. Rounds to nearest
//         even. i8: scale = max|x| / 127.
//
// Bound   Memory: 2TGD (2 + bytes of an element) + 12T bytes; i8: also 2TG scales, which lie 256
//         bytes apart, so that each takes a sector of 32 bytes. T=1, G=40, D=128: 41.0 KB, and
//         33.3 KB for i8. The search of a token's sequence reads offsets from L2.
//
// Limits  kv_append_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/kv_append.cpp
// Source  Pages: Kwon et al. 2023, arXiv:2309.06180
#include "cuda/kernels.h"
#include "cuda/load.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kN = 8;  // elements that a lane takes

// The sequence that token t belongs to: the last whose offset is at most t.
__device__ __forceinline__ int64_t sequence_of(const Ragged& r, int64_t t) {
  int64_t first = 0;
  int64_t last = r.B - 1;
  while (first < last) {
    const int64_t middle = (first + last + 1) / 2;
    if (load(r.offsets + middle) <= t) {
      first = middle;
    } else {
      last = middle - 1;
    }
  }
  return first;
}

template <class E, class T>
__global__ void __launch_bounds__(kThreads) kv_append_kernel(KvAppendParams p, int lanes) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const Ragged& r = p.batch;
  const int64_t t = blockIdx.x;
  const int thread = static_cast<int>(blockIdx.y) * kThreads + static_cast<int>(threadIdx.x);
  const int64_t i = thread / lanes;  // G heads of keys, then G of values
  const int64_t d = thread % lanes * kN;
  const bool mine = i < 2 * p.G && d < p.D;
  Vec<T, kN> x = {};
  if (mine) x = load<kN>(static_cast<const T*>(p.qkv) + t * p.ld + (p.H + i) * p.D + d);

  const int64_t position = load(r.positions + t);
  const int64_t page = load(r.table + sequence_of(r, t) * r.P + position / kPageSize);
  const int64_t row = (page * 2 * p.G + i) * kPageSize + position % kPageSize;
  E* out = static_cast<E*>(p.pages) + row * p.D + d;
  if constexpr (sizeof(E) == 1) {
    const Vec<float, kN> wide = widen(x);
    float peak = 0.0f;  // fmaxf passes over a NaN
#pragma unroll
    for (int k = 0; k < kN; ++k) peak = fmaxf(peak, fabsf(wide[k]));
    for (int mask = lanes / 2; mask > 0; mask /= 2)
      peak = fmaxf(peak, ptx::shfl_bfly(peak, static_cast<uint32_t>(mask)));
    if (!mine) return;
    const float inverse = peak > 0.0f ? 127.0f / peak : 0.0f;
    Vec<int8_t, kN> bytes;
#pragma unroll
    for (int k = 0; k < kN; ++k)
      bytes[k] = static_cast<int8_t>(ptx::cvt_s8(fmaxf(fminf(wide[k] * inverse, 127.0f), -127.0f)));
    store(out, bytes);
    if (d == 0) store(p.scales + row, peak / 127.0f);
  } else {
    if (mine) store(out, narrow<E>(widen(x)));
  }
}

template <class E, class T>
void launch_kv_append(const KvAppendParams& p, void* stream) {
  int lanes = 1;
  while (lanes * kN < p.D) lanes *= 2;
  const int64_t threads = 2 * p.G * lanes;
  const dim3 grid(static_cast<unsigned>(p.batch.T),
                  static_cast<unsigned>((threads + kThreads - 1) / kThreads));
  launch<kv_append_kernel<E, T>>({grid, dim3(kThreads), 0, stream, true}, p, lanes);
}

template <class T>
void for_pages(const KvAppendParams& p, void* stream) {
  switch (p.pages_type) {
    case Type::i8:
      return launch_kv_append<int8_t, T>(p, stream);
    case Type::f16:
      return launch_kv_append<f16, T>(p, stream);
    default:
      return launch_kv_append<bf16, T>(p, stream);
  }
}

}  // namespace

void kv_append(const KvAppendParams& p, void* stream) {
  p.qkv_type == Type::bf16 ? for_pages<bf16>(p, stream) : for_pages<f16>(p, stream);
}

}  // namespace bc::cuda
