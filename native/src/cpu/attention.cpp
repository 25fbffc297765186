// attention: shares (tile of queries, head) among the threads (attention_kernel.h).
#include <vector>

#include "attention_kernel.h"
#include "vector_kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kAlign = 64 / sizeof(float);

// Scratch for each worker, on cache lines of its own. Kept by the calling thread, because fresh
// memory would cost a page fault per 4 KiB in every layer.
float* scratch_for(int64_t floats) {
  static thread_local std::vector<float> memory;
  if (memory.size() < static_cast<size_t>(floats + kAlign))
    memory.resize(static_cast<size_t>(floats + kAlign));
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory.data());
  return reinterpret_cast<float*>((address + 63) / 64 * 64);
}

}  // namespace

void attention(const AttentionParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  std::vector<QueryTile> tiles;
  for (int64_t b = 0; b < p.batch.B; ++b) {
    const int64_t end = p.batch.offsets[b + 1];
    for (int64_t t = p.batch.offsets[b]; t < end; t += kQueryRows) {
      tiles.push_back({b, t, t + kQueryRows < end ? t + kQueryRows : end});
    }
  }
  const int64_t size = (attention_scratch(p.D) + kAlign - 1) / kAlign * kAlign;
  float* scratch = scratch_for(size * pool.threads());
  const int64_t tasks = static_cast<int64_t>(tiles.size()) * p.H;
  // Backwards: the last tile of a prompt sees the most keys, and long tasks at the end would leave
  // threads idle.
  pool.parallel_for(tasks, 1, [&](int64_t begin, int64_t, int worker) {
    const int64_t task = tasks - 1 - begin;
    kernels.attention(p, tiles[static_cast<size_t>(task / p.H)], task % p.H,
                      scratch + worker * size);
  });
}

void attention(const AttentionParams& p, ThreadPool& pool) { attention(p, pool, vector_kernels()); }

}  // namespace bc::cpu
