// embed: out[t,:] = table[ids[t],:]
//
// Shapes  out [T,C] f32, f16 or bf16; ids [T]; table [V,C] f32, f16 or bf16. C is a multiple of 8.
// Method  A thread copies 16 bytes of the wider of the two types.
// Bound   Memory: TC (out + table) + 4T bytes. T=2048, C=4096, bf16 to f32: 50.3 MB.
//
// Limits  embed_kernel: 32 registers, 256 threads, 0 bytes of shared memory
//
// Twin    ../cpu/embed.cpp
#include "kernels.h"
#include "load.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;

template <class T, class W>
constexpr int kVector = sizeof(T) == 4 || sizeof(W) == 4 ? 4 : 8;

template <class T, class W>
__global__ void __launch_bounds__(kThreads) embed_kernel(EmbedParams p) {
  constexpr int kN = kVector<T, W>;
  const int64_t t = blockIdx.x;
  const int64_t c = (int64_t{blockIdx.y} * kThreads + threadIdx.x) * kN;
  if (c >= p.C) return;
  const W* row = static_cast<const W*>(p.table) + load(p.ids + t) * p.table_ld;
  store(static_cast<T*>(p.out) + t * p.out_ld + c, narrow<T>(widen(load<kN>(row + c))));
}

template <class T, class W>
void launch_embed(const EmbedParams& p, void* stream) {
  constexpr int64_t kColumns = int64_t{kThreads} * kVector<T, W>;
  const dim3 grid(static_cast<unsigned>(p.T),
                  static_cast<unsigned>((p.C + kColumns - 1) / kColumns));
  launch<embed_kernel<T, W>>({grid, dim3(kThreads), 0, stream}, p);
}

template <class T>
void for_table(const EmbedParams& p, void* stream) {
  switch (p.table_type) {
    case Type::f32:
      return launch_embed<T, float>(p, stream);
    case Type::f16:
      return launch_embed<T, f16>(p, stream);
    default:
      return launch_embed<T, bf16>(p, stream);
  }
}

}  // namespace

void embed(const EmbedParams& p, void* stream) {
  switch (p.type) {
    case Type::f32:
      return for_table<float>(p, stream);
    case Type::f16:
      return for_table<f16>(p, stream);
    default:
      return for_table<bf16>(p, stream);
  }
}

}  // namespace bc::cuda
