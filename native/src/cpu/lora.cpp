// lora: brings tokens of the same adapter together, and shares the tiles' ranks and then their columns
// among the threads (lora_kernel.h).
#include <algorithm>

#include "cpu/vector_kernels.h"

namespace bc::cpu {
namespace {

// Rows of A, of some thousand numbers each, and columns of B, of some ten rows each, that a task takes: a
// few microseconds' worth.
constexpr int64_t kRanks = 4;
constexpr int64_t kColumns = 512;

int32_t rank_of(const LoraParams& p, int64_t t) {
  const int32_t s = p.adapter_of[t];
  return s < 0 ? 0 : p.table[s * int64_t{kAdapterFields} + kRank];
}

// Lists the tokens by adapter, those of one adapter as they come, and cuts the list into tiles. Returns
// the largest rank.
int32_t tile(const LoraParams& p, LoraScratch& scratch) {
  std::vector<int32_t>& order = scratch.order;
  order.clear();
  scratch.tiles.clear();
  int32_t largest = 0;
  for (int64_t t = 0; t < p.T; ++t) {
    if (rank_of(p, t) == 0) continue;
    largest = std::max(largest, rank_of(p, t));
    order.push_back(static_cast<int32_t>(t));
  }
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return p.adapter_of[a] != p.adapter_of[b] ? p.adapter_of[a] < p.adapter_of[b] : a < b;
  });
  const auto count = static_cast<int32_t>(order.size());
  for (int32_t i = 0; i < count;) {
    const int32_t adapter = p.adapter_of[order[static_cast<size_t>(i)]];
    LoraTile next{adapter, i, 0};
    while (i < count && next.count < kLoraTokens &&
           p.adapter_of[order[static_cast<size_t>(i)]] == adapter) {
      ++next.count;
      ++i;
    }
    scratch.tiles.push_back(next);
  }
  return largest;
}

}  // namespace

void lora(const LoraParams& p, LoraScratch& scratch, ThreadPool& pool,
          const VectorKernels& kernels) {
  const int64_t ld = tile(p, scratch);
  if (ld == 0) return;
  scratch.products.resize(
      std::max(scratch.products.size(), scratch.order.size() * static_cast<size_t>(ld)));
  const auto tiles = static_cast<int64_t>(scratch.tiles.size());
  const auto products_of = [&](int64_t i) {
    const LoraTile& of = scratch.tiles[static_cast<size_t>(i)];
    return LoraProducts{scratch.order.data() + of.first, of.count, of.adapter,
                        scratch.products.data() + of.first * ld, ld};
  };
  const int64_t parts = (ld + kRanks - 1) / kRanks;
  pool.parallel_for(tiles * parts, 1, [&](int64_t task, int64_t, int) {
    const LoraProducts products = products_of(task / parts);
    const int64_t R = p.table[products.adapter * int64_t{kAdapterFields} + kRank];
    const int64_t begin = task % parts * kRanks;
    if (begin < R) kernels.lora_a(p, products, begin, std::min(begin + kRanks, R));
  });
  const int64_t pieces = (p.N + kColumns - 1) / kColumns;
  pool.parallel_for(tiles * pieces, 1, [&](int64_t task, int64_t, int) {
    const int64_t begin = task % pieces * kColumns;
    kernels.lora_b(p, products_of(task / pieces), begin, std::min(begin + kColumns, p.N));
  });
}

}  // namespace bc::cpu
