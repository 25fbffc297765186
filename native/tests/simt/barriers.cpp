// The numbered barriers of a block.
#include "machine.h"

namespace simt {
namespace {

struct BarrierUse {
  int id;
  uint32_t threads;
  bool wait;
};

void use_barrier(Warp& warp) {
  const BarrierUse use = *static_cast<BarrierUse*>(machine.self->posted);
  Block& block = *warp.block;
  Barrier& barrier = block.barriers[use.id];
  if (barrier.arrived == 0) {
    barrier.expected = use.threads;
    barrier.site = warp.site;
  } else if (barrier.expected != use.threads) {
    error(warp.site, "named barrier %d: this warp expects %u threads, the one at %s expects %u",
          use.id, use.threads, name_of(barrier.site).c_str(), barrier.expected);
  }
  // A thread that waits also meets the other lanes of its warp.
  if (use.wait) merge_lanes(warp);
  barrier.known.join(use.wait ? warp.known : all_lanes_know(warp));
  tick(warp);
  barrier.arrived += kLanes;
  if (use.wait) barrier.waiting |= 1u << warp.index;
  if (barrier.arrived < barrier.expected) {
    if (!use.wait) return;
    for (uint32_t i = 0; i < kLanes; ++i) warp.threads[i].wait = Wait::barrier;
    set_ready(warp, 0);
    return;
  }
  ++counters().barriers;
  for (uint32_t waiting = barrier.waiting; waiting != 0; waiting &= waiting - 1) {
    Warp& other = block.warps[static_cast<size_t>(__builtin_ctz(waiting))];
    other.known.join(barrier.known);
    set_ready(other, kAllLanes);
  }
  barrier = Barrier();
}

void meet_at_barrier(int id, int threads, bool wait, Site site) {
  const auto in_block = static_cast<uint32_t>(machine.self->warp->block->threads.size());
  BarrierUse use{id, threads < 0 ? in_block : static_cast<uint32_t>(threads), wait};
  if (id < 0 || id > 15) error(site, "named barrier: id has value %d, expected 0 to 15", id);
  if (use.threads == 0 || use.threads % kLanes != 0 || use.threads > in_block) {
    error(site,
          "named barrier %d: threads has value %u, expected a multiple of 32 up to the block's %u",
          id, use.threads, in_block);
  }
  const char* op = threads < 0 ? "__syncthreads" : wait ? "bar.sync" : "bar.arrive";
  if (taken_out(op, site)) return;
  meet(op, int64_t{id} << 32 | use.threads, &use, use_barrier, site);
}

}  // namespace

void barrier_sync(int id, int threads, Site site) { meet_at_barrier(id, threads, true, site); }
void barrier_arrive(int id, int threads, Site site) { meet_at_barrier(id, threads, false, site); }

}  // namespace simt
