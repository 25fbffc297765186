// Clusters: blocks side by side that reach each other's shared memory and mbarriers. What one block
// knows of another stands in OtherBlocks (clocks.h).
#include "memory.h"

namespace simt {
namespace {

// A warp arrives, and waits until every warp of the cluster has.
void use_cluster_barrier(Warp& warp) {
  Block& block = *warp.block;
  ClusterBarrier& barrier = block.cluster[0]->cluster_barrier;
  merge_lanes(warp);
  barrier.known.join(block.number, warp.known.block);
  tick(warp);
  barrier.waiting.push_back(&warp);
  if (barrier.waiting.size() < block.cluster.size() * block.warps.size()) {
    for (uint32_t i = 0; i < kLanes; ++i) warp.threads[i].wait = Wait::barrier;
    set_ready(warp, 0);
    return;
  }
  for (Warp* other : barrier.waiting) {
    for (const auto& entry : barrier.known.all()) {
      if (entry.first == other->block->number) {
        other->known.block.join(entry.second);
      } else {
        other->known.others.join(entry.first, entry.second);
      }
    }
    set_ready(*other, kAllLanes);
  }
  barrier = ClusterBarrier();
}

}  // namespace

uint32_t cluster_rank() {
  const Block& block = *machine.self->warp->block;
  return block.number % static_cast<uint32_t>(block.cluster.size());
}

void cluster_barrier(Site site) {
  if (!taken_out("barrier.cluster", site))
    meet("barrier.cluster", 0, nullptr, use_cluster_barrier, site);
}

Block& block_of_rank(uint32_t rank, const char* what, Site site) {
  const Block& block = *machine.self->warp->block;
  if (rank >= block.cluster.size())
    error(site, "%s: rank has value %u, expected one of the cluster's %zu", what, rank,
          block.cluster.size());
  Block& other = *block.cluster[rank];
  if (other.alive == 0) error(site, "%s: block %s has exited", what, name_of(other.index).c_str());
  return other;
}

bool known_of(const Block& other, uint32_t stamp) {
  if (stamp == 0) return true;
  const Clocks* known = machine.self->known->others.find(other.number);
  return known != nullptr && clock_of(stamp) <= known->of(stamp & kWho);
}

}  // namespace simt
