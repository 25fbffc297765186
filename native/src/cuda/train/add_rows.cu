// add_rows: out[c] += sum over r of rows[r,c], in the order of r.
//
// Shapes  out [C], rows [R,C], f32.
// Method  A thread has a column; eight rows are under way at once.
// Bound   Memory: 4RC + 8C bytes. R=32, C=4096: 0.6 MB.
//
// Limits  add_rows_kernel: 40 registers, 128 threads, 0 bytes of shared memory
//
// Twin    none: on a CPU a task sums a column for all tokens (cpu/train/rms_norm_backward_kernel.h)
#include "cuda/load.cuh"
#include "cuda/train/kernels.h"

namespace bc::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    add_rows_kernel(float* out, const float* rows, int64_t ld, int64_t R, int64_t C) {
  const int64_t c = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (c >= C) return;
  float sum = 0.0f;
#pragma unroll 8
  for (int64_t r = 0; r < R; ++r) sum += load(rows + r * ld + c);
  store(out + c, load(out + c) + sum);
}

}  // namespace

void add_rows(float* out, const float* rows, int64_t ld, int64_t R, int64_t C, void* stream) {
  const auto blocks = static_cast<unsigned>((C + kThreads - 1) / kThreads);
  launch<add_rows_kernel>({dim3(blocks), dim3(kThreads), 0, stream}, out, rows, ld, R, C);
}

}  // namespace bc::cuda
