// The order of tiles of queries: each once, those with the most keys first, by whatever steps a block
// walks.
#include <algorithm>

#include "cuda/attention/longest_first.cuh"
#include "paged.h"
#include "simt_test.h"

using namespace bc;
using namespace bc::test;

namespace {

constexpr int kRows = 128;

struct Found {
  int level, sequence, begin, end, token;
};
static_assert(sizeof(Found) == 5 * sizeof(int), "stored int by int");

// A warp for each of `walkers` takes tiles n, n + walkers, ...
__global__ void walk_kernel(int32_t* out, Ragged batch, int count, int walkers) {
  LongestFirst<kRows> order(batch);
  for (int n = static_cast<int>(blockIdx.x); n < count; n += walkers) {
    const auto tile = order.find(n);
    const int fields[] = {tile.level, tile.sequence, tile.begin, tile.end, tile.token};
    if (ptx::lane_id() != 0) continue;
    for (int i = 0; i < 5; ++i) store(out + 5 * n + i, fields[i]);
  }
}

std::vector<Found> expected(const std::vector<Sequence>& sequences) {
  std::vector<Found> tiles;
  int64_t highest = 0;
  for (const Sequence& s : sequences) highest = std::max(highest, (s.past + s.tokens) / kRows);
  for (int64_t level = highest; level >= 0; --level) {
    int64_t token = 0;
    for (size_t b = 0; b < sequences.size(); ++b) {
      const Sequence& s = sequences[b];
      const int64_t begin = std::max<int64_t>(s.past - level * kRows, 0);
      const int64_t end = std::min<int64_t>(s.past + s.tokens - level * kRows, kRows);
      if (s.tokens > 8 && begin < end) {
        tiles.push_back({static_cast<int>(level), static_cast<int>(b), static_cast<int>(begin),
                         static_cast<int>(end), static_cast<int>(token + level * kRows - s.past)});
      }
      token += s.tokens;
    }
  }
  return tiles;
}

void walk(Check& check, const char* name, const std::vector<Sequence>& sequences) {
  const Batch batch(sequences);
  std::vector<Found> want = expected(sequences);
  const int past_the_end = 3;
  for (int i = 0; i < past_the_end; ++i) want.push_back({-1, 0, 0, 0, 0});
  const int count = static_cast<int>(want.size());
  for (const int walkers : {1, 3, 7}) {
    check.begin(std::string(name) + " by " + std::to_string(walkers), 1);
    const auto positions = input("positions", batch.positions);
    const auto offsets = input("offsets", batch.offsets);
    const auto out = output<int32_t>("out", static_cast<size_t>(5 * count));
    Ragged r = batch.ragged();
    r.positions = positions.data();
    r.offsets = offsets.data();
    launch<walk_kernel>({dim3(static_cast<unsigned>(walkers)), dim3(kWarp)}, out.data(), r, count,
                        walkers);
    finish();
    const std::vector<int32_t> got = out.read();
    for (int n = 0; n < count; ++n) {
      const Found& w = want[static_cast<size_t>(n)];
      const int fields[] = {w.level, w.sequence, w.begin, w.end, w.token};
      for (int i = 0; i < 5; ++i) {
        char what[80];
        std::snprintf(what, sizeof what, "field %d of tile %d", i, n);
        equal(check, what, got[static_cast<size_t>(5 * n + i)], fields[i]);
      }
    }
  }
}

}  // namespace

int main() {
  return run_on_device("simt_longest_first", [](Check& check) {
    walk(check, "one", {{0, 9}});
    walk(check, "decoding only", {{500, 1}, {0, 8}});
    walk(check, "prompt", {{0, 700}});
    walk(check, "piece", {{4000, 300}});
    walk(check, "far_apart", {{100000, 200}, {0, 50}, {3, 1}, {127, 130}, {90000, 9}});
    std::vector<Sequence> many;
    for (int64_t b = 0; b < 70; ++b)
      many.push_back({b * 37 % 500, b % 4 == 0 ? 3 : 9 + b * 13 % 200});
    walk(check, "more than a warp looks at together", many);
  });
}
