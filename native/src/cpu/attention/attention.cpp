// attention: shares (tile of queries, head) among the threads (attention_kernel.h).
#include "cpu/attention/attention_kernel.h"
#include "cpu/vector_kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kAlign = 64 / sizeof(float);

// Sequence b of n tokens has at least n/64 tiles, rounded up, from number offsets[b]/64 + b on. One
// too many is empty.
int64_t first_tile(const Ragged& r, int64_t b) { return r.offsets[b] / kQueryRows + b; }

QueryTile tile_of(const Ragged& r, int64_t number) {
  int64_t b = 0;
  for (int64_t beyond = r.B; beyond - b > 1;) {
    const int64_t middle = (b + beyond) / 2;
    (first_tile(r, middle) <= number ? b : beyond) = middle;
  }
  const int64_t begin = r.offsets[b] + (number - first_tile(r, b)) * kQueryRows;
  const int64_t last = r.offsets[b + 1];
  return {b, begin, begin + kQueryRows < last ? begin + kQueryRows : last};
}

}  // namespace

void attention(const AttentionParams& p, Scratch& memory, ThreadPool& pool,
               const VectorKernels& kernels) {
  // Scratch for each worker, on cache lines of its own.
  const int64_t size = (attention_scratch(p.D) + kAlign - 1) / kAlign * kAlign;
  const size_t bytes = static_cast<size_t>(size * pool.threads() + kAlign) * sizeof(float);
  if (memory.size() < bytes) memory.resize(bytes);
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory.data());
  float* scratch = reinterpret_cast<float*>((address + 63) / 64 * 64);
  const int64_t tasks = first_tile(p.batch, p.batch.B) * p.H;
  // Backwards: the last tile of a prompt sees the most keys, and long tasks at the end would leave
  // threads idle.
  pool.parallel_for(tasks, 1, [&](int64_t begin, int64_t, int worker) {
    const int64_t task = tasks - 1 - begin;
    const QueryTile tile = tile_of(p.batch, task / p.H);
    if (tile.begin < tile.end) kernels.attention(p, tile, task % p.H, scratch + worker * size);
  });
}

void attention(const AttentionParams& p, Scratch& scratch, ThreadPool& pool) {
  attention(p, scratch, pool, vector_kernels());
}

}  // namespace bc::cpu
