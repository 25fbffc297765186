// embed: out[t,:] = table[ids[t],:]
//
// Shapes  out [T,C] f32, f16 or bf16; ids [T]; table [V,C] f32, f16 or bf16. C is a multiple of 8.
// Method  A thread copies 16 bytes of the wider of the two types.
// Bound   Memory: TC (out + table) + 4T bytes. T=2048, C=4096, bf16 to f32: 50.3 MB.
//
// Limits  embed_kernel: 32 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/embed.cpp
#include "cuda/kernels.h"
#include "cuda/load.cuh"

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

}  // namespace

void embed(const EmbedParams& p, void* stream) {
  for_plain(p.out_type, [&](auto to) {
    for_plain(p.table_type,
              [&](auto from) { launch_embed<decltype(to), decltype(from)>(p, stream); });
  });
}

}  // namespace bc::cuda
