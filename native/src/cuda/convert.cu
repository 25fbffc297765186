// convert: out[m,n] = x[m,n] in another type, rounded to nearest even.
//
// Shapes  x, out [M,N] f32, f16 or bf16. Rows begin at multiples of 16 bytes; M and N are any.
//
// Method  A thread converts a vector: 16 bytes of the wider of the two types. It goes through f32,
//         which holds every number of the three types, so that nothing is rounded twice. Rows without
//         a gap between them are treated as one long row.
//
// Bound   Memory: MN (x + out) bytes. M=4096, N=4096, f32 to bf16: 100.7 MB.
//
// Limits  convert_kernel: 32 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/convert.cpp
#include "cuda/kernels.h"
#include "cuda/load.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;

template <class T, class X>
constexpr int kVector = sizeof(T) == 4 || sizeof(X) == 4 ? 4 : 8;

template <class T, class X>
__global__ void __launch_bounds__(kThreads) convert_kernel(ConvertParams p, unsigned row_blocks) {
  constexpr int kN = kVector<T, X>;
  const int64_t m = blockIdx.x / row_blocks;
  const int64_t n = (int64_t{blockIdx.x % row_blocks} * kThreads + threadIdx.x) * kN;
  const X* x = static_cast<const X*>(p.x) + m * p.x_ld + n;
  T* out = static_cast<T*>(p.out) + m * p.out_ld + n;
  if (n + kN <= p.N) {
    store(out, narrow<T>(widen(load_once<kN>(x))));
  } else {
    for (int64_t i = 0; i < p.N - n; ++i) store(out + i, narrow<T>(widen(load(x + i))));
  }
}

template <class T, class X>
void launch_convert(ConvertParams p, void* stream) {
  if (p.out_ld == p.N && p.x_ld == p.N) {
    p.N *= p.M;
    p.M = 1;
  }
  constexpr int64_t kColumns = int64_t{kThreads} * kVector<T, X>;
  const int64_t row_blocks = (p.N + kColumns - 1) / kColumns;
  launch<convert_kernel<T, X>>(
      {dim3(static_cast<unsigned>(p.M * row_blocks)), dim3(kThreads), 0, stream}, p,
      static_cast<unsigned>(row_blocks));
}

}  // namespace

void convert(const ConvertParams& p, void* stream) {
  for_plain(p.out_type, [&](auto to) {
    for_plain(p.x_type,
              [&](auto from) { launch_convert<decltype(to), decltype(from)>(p, stream); });
  });
}

}  // namespace bc::cuda
