// attention: shares tiles of queries among the threads (attention_kernel.h). A tile has some tokens of
// a sequence and some heads of a key-value head.
#include <algorithm>

#include "cpu/attention/attention_kernel.h"
#include "cpu/vector_kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kAlign = 64 / sizeof(float);

// How queries are cut into tiles; results do not depend on it.
struct Tiling {
  Tiling(const AttentionParams& p, int64_t threads)
      : batch(p.batch), group(p.H / p.G), tokens(kQueryRows / group) {
    // Where there are fewer tiles than threads, as when one token is decoded, each thread gets a part of
    // the heads. What they then read and pack more than once, they read and pack at the same time.
    const int64_t tiles = first(batch.B) * p.G;
    const int64_t wanted = std::min((threads + tiles - 1) / tiles, group);
    heads = (group + wanted - 1) / wanted;
    parts = (group + heads - 1) / heads;
    of_cut = p.G * parts;
    tasks = tiles * parts;
  }

  // Sequence b of n tokens has at least n/tokens cuts, rounded up, from number offsets[b]/tokens + b
  // on. One too many is empty.
  int64_t first(int64_t b) const { return batch.offsets[b] / tokens + b; }

  // Tile number `task`; the tiles of a cut follow each other.
  QueryTile tile(int64_t task) const {
    const int64_t part = task % of_cut;
    const int64_t number = task / of_cut;
    int64_t b = 0;
    for (int64_t beyond = batch.B; beyond - b > 1;) {
      const int64_t middle = (b + beyond) / 2;
      (first(middle) <= number ? b : beyond) = middle;
    }
    const int64_t begin = batch.offsets[b] + (number - first(b)) * tokens;
    const int64_t end = std::min<int64_t>(begin + tokens, batch.offsets[b + 1]);
    const int64_t skipped = part % parts * heads;
    return {b, begin, end, part / parts * group + skipped, std::min(heads, group - skipped)};
  }

  const Ragged& batch;
  int64_t group;   // query heads of a key-value head
  int64_t tokens;  // in a tile
  int64_t heads;   // in a tile at most
  int64_t parts;   // into which a group is cut
  int64_t of_cut;  // tiles that have the same tokens
  int64_t tasks;
};

}  // namespace

void attention(const AttentionParams& p, Scratch& memory, ThreadPool& pool,
               const VectorKernels& kernels) {
  // Each worker has scratch on cache lines that it shares with no other worker.
  const int64_t size = (attention_scratch(p.D) + kAlign - 1) / kAlign * kAlign;
  const size_t bytes = static_cast<size_t>(size * pool.threads() + kAlign) * sizeof(float);
  if (memory.size() < bytes) memory.resize(bytes);
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory.data());
  float* scratch = reinterpret_cast<float*>((address + 63) / 64 * 64);
  const Tiling tiling(p, pool.threads());
  // Tasks go backwards: the last tile of a prompt sees the most keys, and long tasks at the end would leave
  // threads idle.
  pool.parallel_for(tiling.tasks, 1, [&](int64_t begin, int64_t, int worker) {
    const QueryTile tile = tiling.tile(tiling.tasks - 1 - begin);
    if (tile.begin < tile.end) kernels.attention(p, tile, scratch + worker * size);
  });
}

}  // namespace bc::cpu
