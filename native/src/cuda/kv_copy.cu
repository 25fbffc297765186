// kv_copy: copies a page of the cache to another.
//
// Shapes  pages [pages,2,G,64,D] of 1, 2 or 4 bytes; scales [pages,2,G,64] f32, or null. D is a multiple
//         of 8.
//
// Method  A thread copies 16 bytes. Both arrays consist of whole vectors of 16 bytes; the threads of
//         the scales come after those of the pages.
//
// Bound   Memory: a page is read and written. G=40, D=128, bf16: 2.6 MB, 0.8 us at 3.35 TB/s.
//
// Limits  kv_copy_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/kv_copy.cpp
// Source  Copy on write of pages: Kwon et al. 2023, arXiv:2309.06180
#include "cuda/kernels.h"
#include "cuda/load.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) kv_copy_kernel(KvCopyParams p) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t i = int64_t{blockIdx.x} * kThreads + static_cast<int64_t>(threadIdx.x);
  const int64_t vectors = p.page_bytes / 16;
  const int64_t scales = p.scales == nullptr ? 0 : p.page_scales / 4;
  if (i < vectors) {
    const auto* in = reinterpret_cast<const uint32_t*>(p.pages + p.from * p.page_bytes);
    auto* out = reinterpret_cast<uint32_t*>(p.pages + p.to * p.page_bytes);
    store(out + i * 4, load<4>(in + i * 4));
  } else if (i < vectors + scales) {
    const int64_t at = (i - vectors) * 4;
    store(p.scales + p.to * p.page_scales + at, load<4>(p.scales + p.from * p.page_scales + at));
  }
}

}  // namespace

void kv_copy(const KvCopyParams& p, void* stream) {
  if (p.from == p.to) return;
  const int64_t threads = p.page_bytes / 16 + (p.scales == nullptr ? 0 : p.page_scales / 4);
  const dim3 grid(static_cast<unsigned>((threads + kThreads - 1) / kThreads));
  launch<kv_copy_kernel>({grid, dim3(kThreads), 0, stream, true}, p);
}

}  // namespace bc::cuda
