// attention_backward: a task is a key-value head of a sample (attention_backward_kernel.h), the longest samples
// first.
#include <algorithm>
#include <numeric>

#include "cpu/train/attention_room.h"
#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"

namespace bc::cpu {

void attention_backward(const AttentionBackwardParams& p, TrainScratch& scratch, ThreadPool& pool,
                        const TrainKernels& kernels) {
  const auto length = [&](int64_t b) -> int64_t { return p.offsets[b + 1] - p.offsets[b]; };
  std::vector<int64_t> samples(static_cast<size_t>(p.B));
  std::iota(samples.begin(), samples.end(), 0);
  std::stable_sort(samples.begin(), samples.end(),
                   [&](int64_t a, int64_t b) { return length(a) > length(b); });
  if (p.B == 0) return;
  const int64_t room = AttentionRoom::floats(length(samples[0]), p.D);
  float* const rooms = scratch.rooms.take<float>(pool.threads() * room);
  pool.parallel_for(p.B * p.G, 1, [&](int64_t task, int64_t, int worker) {
    const int64_t sample = samples[static_cast<size_t>(task / p.G)];
    kernels.attention(p, sample, task % p.G, rooms + worker * room);
  });
}

}  // namespace bc::cpu
