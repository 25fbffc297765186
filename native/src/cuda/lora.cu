// lora: out[t,n] += scale * sum_r (sum_k x[t,k] A[r,k]) B[r,n], with the A and B of the token's adapter.
//
// Shapes  x [T,K] bf16 or f16; out [T,N] of that type or f32; A [R,K], B [R,N] f32, f16 or bf16. K is a
//         multiple of 8, and so is N unless out is f32.
//
// Method  lora_a: a warp takes a row of A at a time, eight numbers a lane where rows begin at 16 bytes;
//         the scaled sums [T,512] are scratch in f32. lora_b: a thread takes four columns of
//         out, or one of f32, and adds the rows of B in order; the sums are in shared memory. The
//         grids do not depend on ranks, which are read from the table each time, so that a recorded step
//         serves any adapters: blocks that have nothing to do end. Tokens with the same adapter read its
//         matrices again, from L2.
//
// Bound   Memory: R (K + N) elements of each adapter, T (2K + 4N + 8R) bytes besides.
//
// Limits  lora_a_kernel: 64 registers, 256 threads, 0 bytes of shared memory
//         lora_b_kernel: 48 registers, 256 threads, 2048 bytes of shared memory
//
// Twin    cpu/lora.cpp
// Source  Hu et al. 2021, arXiv:2106.09685; many adapters in a batch: Chen et al. 2023, arXiv:2310.18547
#include "cuda/kernels.h"
#include "cuda/load.cuh"
#include "cuda/reduce.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kBlocksOfA = 2;  // for the rows of a token's A: 16 rows at a time
constexpr int kN = 8;

struct Adapter {
  int32_t rank;  // 0: there is nothing to add
  Type type;
  const uint8_t* matrix;
  float scale;
};

__device__ __forceinline__ Adapter adapter_of(const LoraParams& p, int64_t t, AdapterField begin) {
  const int32_t s = load(p.adapter_of + t);
  if (s < 0) return {};
  const Vec<int32_t, kAdapterFields> row =
      load<kAdapterFields>(p.table + int64_t{s} * kAdapterFields);
  return {row[kRank], static_cast<Type>(row[kElements]), p.pool + row[begin] * kPoolUnit,
          load(p.scales + s)};
}

// The sum over k of a row of A, in the lanes of a warp.
template <class T, class W>
__device__ __forceinline__ float row_sum(const T* x, const W* a, int64_t K) {
  const uint32_t lane = threadIdx.x % kWarp;
  Vec<float, kN> sums = {};
  for (int64_t k = lane * kN; k < K; k += kWarp * kN) {
    const Vec<float, kN> v = widen(load<kN>(x + k));
    const Vec<float, kN> w = widen(load<kN>(a + k));
#pragma unroll
    for (int i = 0; i < kN; ++i) sums[i] = fmaf(v[i], w[i], sums[i]);
  }
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kN; ++i) sum += sums[i];
  return warp_sum(sum);
}

template <class T>
__global__ void __launch_bounds__(kThreads) lora_a_kernel(LoraParams p) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t t = blockIdx.x;
  const Adapter adapter = adapter_of(p, t, kBeginA);
  const T* x = static_cast<const T*>(p.x) + t * p.x_ld;
  float* sums = static_cast<float*>(p.scratch) + t * kMaxLoraRank;
  for (int64_t r = blockIdx.y * kWarps + threadIdx.x / kWarp; r < adapter.rank;
       r += kBlocksOfA * kWarps) {
    float sum;
    switch (adapter.type) {
      case Type::f32:
        sum = row_sum(x, reinterpret_cast<const float*>(adapter.matrix) + r * p.K, p.K);
        break;
      case Type::f16:
        sum = row_sum(x, reinterpret_cast<const f16*>(adapter.matrix) + r * p.K, p.K);
        break;
      default:
        sum = row_sum(x, reinterpret_cast<const bf16*>(adapter.matrix) + r * p.K, p.K);
    }
    if (threadIdx.x % kWarp == 0) store(sums + r, adapter.scale * sum);
  }
}

// The numbers of a row of out that a thread takes: 8 bytes, or one where rows may have any width.
template <class T>
constexpr int kColumns = sizeof(T) == 4 ? 1 : 4;

template <int kCount, class W>
__device__ __forceinline__ Vec<float, kCount> column_sums(Shared<float> sums, const W* b, int64_t N,
                                                          int64_t R) {
  Vec<float, kCount> columns = {};
#pragma unroll 4
  for (int64_t r = 0; r < R; ++r) {
    const float factor = sums[r];
    const Vec<float, kCount> w = widen(load<kCount>(b + r * N));
#pragma unroll
    for (int i = 0; i < kCount; ++i) columns[i] = fmaf(factor, w[i], columns[i]);
  }
  return columns;
}

template <class T>
__global__ void __launch_bounds__(kThreads) lora_b_kernel(LoraParams p) {
  constexpr int kCount = kColumns<T>;
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t t = blockIdx.x;
  const Adapter adapter = adapter_of(p, t, kBeginB);
  if (adapter.rank == 0) return;
  const Shared<float> sums = shared_memory<float>();
  const float* from = static_cast<const float*>(p.scratch) + t * kMaxLoraRank;
  for (int64_t r = threadIdx.x; r < adapter.rank; r += kThreads) sums[r] = load(from + r);
  __syncthreads();
  const int64_t n = (int64_t{blockIdx.y} * kThreads + threadIdx.x) * kCount;
  if (n >= p.N) return;
  Vec<float, kCount> columns;
  switch (adapter.type) {
    case Type::f32:
      columns = column_sums<kCount>(sums, reinterpret_cast<const float*>(adapter.matrix) + n, p.N,
                                    adapter.rank);
      break;
    case Type::f16:
      columns = column_sums<kCount>(sums, reinterpret_cast<const f16*>(adapter.matrix) + n, p.N,
                                    adapter.rank);
      break;
    default:
      columns = column_sums<kCount>(sums, reinterpret_cast<const bf16*>(adapter.matrix) + n, p.N,
                                    adapter.rank);
  }
  T* out = static_cast<T*>(p.out) + t * p.out_ld + n;
  Vec<float, kCount> total = widen(load<kCount>(out));
#pragma unroll
  for (int i = 0; i < kCount; ++i) total[i] += columns[i];
  store(out, narrow<T>(total));
}

template <class T>
void launch_a(const LoraParams& p, void* stream) {
  const dim3 grid(static_cast<unsigned>(p.T), kBlocksOfA);
  launch<lora_a_kernel<T>>({grid, dim3(kThreads), 0, stream, true}, p);
}

template <class T>
void launch_b(const LoraParams& p, void* stream) {
  constexpr int64_t kWidth = int64_t{kThreads} * kColumns<T>;
  const dim3 grid(static_cast<unsigned>(p.T), static_cast<unsigned>((p.N + kWidth - 1) / kWidth));
  launch<lora_b_kernel<T>>({grid, dim3(kThreads), kMaxLoraRank * sizeof(float), stream, true}, p);
}

}  // namespace

int64_t lora_scratch_bytes(int64_t T) {
  return T * kMaxLoraRank * static_cast<int64_t>(sizeof(float));
}

void lora(const LoraParams& p, void* stream) {
  p.x_type == Type::bf16 ? launch_a<bf16>(p, stream) : launch_a<f16>(p, stream);
  for_plain(p.out_type, [&](auto out) { launch_b<decltype(out)>(p, stream); });
}

}  // namespace bc::cuda
