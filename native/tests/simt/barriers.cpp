// Barriers of a block, by number and in shared memory.
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
  merge_lanes(warp);
  join(barrier.known, warp.known);
  join(barrier.foreign, warp.foreign);
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
    join(other.known, barrier.known);
    join(other.foreign, barrier.foreign);
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
  meet(op, int64_t{id} << 32 | use.threads, &use, use_barrier, site);
}

Mbarrier& mbarrier_at(uint32_t at, Site site) {
  Block& block = *machine.self->warp->block;
  const auto found = block.mbarriers.find(at);
  if (found == block.mbarriers.end())
    error(site, "mbarrier at shared+%u: used before mbarrier_init", at);
  return found->second;
}

void end_phase_if_complete(Mbarrier& barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0) return;
  barrier.phase ^= 1;
  barrier.pending = barrier.count;
  for (Thread* thread : barrier.waiting)
    set_ready(*thread->warp, thread->warp->ready | 1u << thread->lane);
  barrier.waiting.clear();
}

}  // namespace

void barrier_sync(int id, int threads, Site site) { meet_at_barrier(id, threads, true, site); }
void barrier_arrive(int id, int threads, Site site) { meet_at_barrier(id, threads, false, site); }

void mbarrier_init(uint32_t at, uint32_t count, Site site) {
  const uint64_t empty = 0;
  shared_store(at, &empty, 8, site);
  if (count == 0) error(site, "mbarrier at shared+%u: count has value 0, expected at least 1", at);
  Mbarrier& barrier = machine.self->warp->block->mbarriers[at];
  barrier = Mbarrier();
  barrier.count = barrier.pending = count;
  Clocks known;
  release(*machine.self, known);
}

void mbarrier_arrive(uint32_t at, uint32_t expected_bytes, Site site) {
  Mbarrier& barrier = mbarrier_at(at, site);
  if (barrier.pending == 0)
    error(site, "mbarrier at shared+%u: more arrivals than its %u", at, barrier.count);
  release(*machine.self, barrier.known);
  barrier.bytes += expected_bytes;
  --barrier.pending;
  end_phase_if_complete(barrier);
}

// The phase with this parity is over when the current one has the other.
void mbarrier_wait(uint32_t at, uint32_t parity, Site site) {
  Mbarrier& barrier = mbarrier_at(at, site);
  while (barrier.phase == (parity & 1u)) {
    barrier.waiting.push_back(machine.self);
    wait(Wait::mbarrier, "mbarrier.try_wait", site);
  }
  acquire(*machine.self, barrier.known);
}

}  // namespace simt
