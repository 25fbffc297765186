// sum_of_squares: the sum of x[i]^2, in double.
//
// Shapes  x [n] f32; sum [1] double in memory of the device; scratch has a double for 32768 numbers.
// Method  sum_of_squares_kernel: a block takes 32768 numbers; sum_parts_kernel, one block, adds blocks up.
//         Both add threads up by halves, so that the order of additions depends on n alone. A product and
//         a sum in double for four bytes is within what GPUs with few double units do.
// Bound   Memory: 4n bytes, and n/4096 twice. n=67108864: 268.5 MB.
//
// Limits  sum_of_squares_kernel: 40 registers, 256 threads, 2048 bytes of shared memory
//         sum_parts_kernel: 40 registers, 256 threads, 2048 bytes of shared memory
//
// Twin    cpu/train/rows_backward.cpp
#include "cuda/load.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kNumbers = 1 << 15;  // of a block

int64_t parts(int64_t n) { return (n + kNumbers - 1) / kNumbers; }

// The sum over the block, for thread 0.
__device__ __forceinline__ double sum_of_block(double mine) {
  const Shared<double> sums = shared_memory<double>();
  sums[threadIdx.x] = mine;
  for (uint32_t half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  return sums[threadIdx.x];
}

__global__ void __launch_bounds__(kThreads)
    sum_of_squares_kernel(double* sums, const float* x, int64_t n) {
  const int64_t begin = int64_t{blockIdx.x} * kNumbers;
  const int64_t end = begin + kNumbers < n ? begin + kNumbers : n;
  double sum = 0.0;
#pragma unroll 8
  for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    const auto v = static_cast<double>(load(x + i));
    sum = fma(v, v, sum);
  }
  sum = sum_of_block(sum);
  if (threadIdx.x == 0) store(sums + blockIdx.x, sum);
}

__global__ void __launch_bounds__(kThreads)
    sum_parts_kernel(double* out, const double* sums, int64_t count) {
  double sum = 0.0;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) sum += load(sums + i);
  sum = sum_of_block(sum);
  if (threadIdx.x == 0) store(out, sum);
}

}  // namespace

int64_t sum_of_squares_scratch_bytes(int64_t n) {
  return parts(n) * static_cast<int64_t>(sizeof(double));
}

void sum_of_squares(const SumOfSquaresParams& p, void* scratch, void* stream) {
  auto* const sums = static_cast<double*>(scratch);
  const int64_t count = parts(p.n);
  constexpr size_t kBytes = kThreads * sizeof(double);
  launch<sum_of_squares_kernel>(
      {dim3(static_cast<unsigned>(count)), dim3(kThreads), kBytes, stream}, sums, p.x, p.n);
  launch<sum_parts_kernel>({dim3(1), dim3(kThreads), kBytes, stream}, p.sum,
                           static_cast<const double*>(sums), count);
}

}  // namespace bc::cuda
