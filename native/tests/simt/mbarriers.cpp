// Barriers in shared memory: arrivals, the bytes that bulk copies bring, and phases.
#include <map>

#include "memory.h"

namespace simt {
namespace {

constexpr int64_t kMaxBytes = (1 << 20) - 1;  // how many a phase can lack, or have too many

Mbarrier& mbarrier_at(Block& block, uint32_t at, Site site) {
  Thread& self = *machine.self;
  self.polls = 0;
  const auto found = block.mbarriers.find(at);
  if (found == block.mbarriers.end())
    error(site, "mbarrier at shared+%u: used before mbarrier_init", at);
  const SharedWord& word = block.words[at / 4];
  if (!(&block == self.warp->block ? before(word.write, self) : known_of(block, word.write))) {
    error(site, "race: mbarrier at shared+%u: used concurrently with mbarrier_init by %s at %s", at,
          thread_of(word.write, block.number).c_str(), name_of(site_of(word.write_site)).c_str());
  }
  return found->second;
}
Mbarrier& mbarrier_at(uint32_t at, Site site) {
  return mbarrier_at(*machine.self->warp->block, at, site);
}

void check_bytes(const Mbarrier& barrier, uint32_t at, Site site) {
  if (barrier.bytes > kMaxBytes || barrier.bytes < -kMaxBytes)
    error(site, "mbarrier at shared+%u: transaction count has value %lld, expected at most %lld",
          at, static_cast<long long>(barrier.bytes), static_cast<long long>(kMaxBytes));
}

void end_phase_if_complete(Block& block, Mbarrier& barrier) {
  if (barrier.pending != 0 || barrier.bytes != 0) return;
  ++barrier.phase;
  barrier.pending = barrier.count;
  if (!barrier.filled.empty()) {
    ++barrier.clock;
    const uint32_t stamp = stamp_of(barrier.clock, barrier.unit);
    for (const auto& part : barrier.filled) end_landing(block, part.first, part.second, stamp);
    barrier.filled.clear();
    barrier.known.block.learn_unit(barrier.unit, barrier.clock);
  }
  barrier.over.join(barrier.known);
  for (Thread* thread : barrier.waiting)
    set_ready(*thread->warp, thread->warp->ready | 1u << thread->lane);
  barrier.waiting.clear();
}

}  // namespace

void mbarrier_init(uint32_t at, uint32_t count, Site site) {
  Thread& self = *machine.self;
  Block& block = *self.warp->block;
  if (block.mbarriers.count(at) != 0)
    error(site, "mbarrier at shared+%u: initialised a second time", at);
  const uint64_t empty = 0;
  shared_store(at, &empty, 8, site);
  if (count == 0 || count > kMaxBytes)
    error(site, "mbarrier at shared+%u: count has value %u, expected 1 to %lld", at, count,
          static_cast<long long>(kMaxBytes));
  block.words[at / 4].state = block.words[at / 4 + 1].state = kMbarrier;
  Mbarrier& barrier = block.mbarriers[at];
  barrier.count = barrier.pending = count;
  barrier.initializer = &self;
  tick(*self.warp);
}

void mbarrier_arrive(uint32_t at, uint32_t expected_bytes, Site site) {
  if (taken_out("mbarrier.arrive", site)) return;
  Thread& self = *machine.self;
  Mbarrier& barrier = mbarrier_at(at, site);
  if (barrier.pending == 0)
    error(site, "mbarrier at shared+%u: more arrivals than its %u", at, barrier.count);
  release(self, barrier.known.block);
  if (expected_bytes != 0) {
    const uint16_t number = number_of(site);
    if (barrier.announced[0] != number) {
      barrier.announced[1] = barrier.announced[0];
      barrier.announced[0] = number;
    }
  }
  barrier.bytes += expected_bytes;
  check_bytes(barrier, at, site);
  --barrier.pending;
  end_phase_if_complete(*self.warp->block, barrier);
}

// The mbarrier of the block with that rank in the cluster.
void mbarrier_arrive_at_rank(uint32_t at, uint32_t rank, Site site) {
  if (taken_out("mbarrier.arrive", site)) return;
  Thread& self = *machine.self;
  const Block& own = *self.warp->block;
  Block& block = block_of_rank(rank, "mbarrier.arrive", site);
  if (&block == &own) return mbarrier_arrive(at, 0, site);
  Mbarrier& barrier = mbarrier_at(block, at, site);
  if (barrier.pending == 0)
    error(site, "mbarrier at shared+%u: more arrivals than its %u", at, barrier.count);
  Clocks known;
  release(self, known);
  barrier.known.others.join(own.number, known);
  --barrier.pending;
  end_phase_if_complete(block, barrier);
}

// The phase with this parity is over when the current one has the other.
void mbarrier_wait(uint32_t at, uint32_t parity, Site site) {
  if (taken_out("mbarrier.try_wait", site)) return;
  Mbarrier& barrier = mbarrier_at(at, site);
  const uint32_t phase = barrier.phase;
  while (barrier.phase % 2 == (parity & 1u)) {
    if (barrier.phase != phase) {
      error(site,
            "mbarrier at shared+%u: phases %u to %u have ended while this thread waited for the "
            "first of them",
            at, phase, barrier.phase - 1);
    }
    barrier.waiting.push_back(machine.self);
    wait(Wait::mbarrier, "mbarrier.try_wait", site);
  }
  barrier.seen = true;
  acquire(*machine.self, barrier.over.block);
  acquire(*machine.self, barrier.over.others);
}

// Gives asynchronous work numbers that follow those of the block's threads.
uint32_t new_units(Block& block, uint32_t count, const char* op, Site site) {
  const auto first = static_cast<uint32_t>(block.threads.size()) + block.units;
  if (first + count > kWho + 1)
    error(site, "%s: the emulator has numbers for %zu mbarriers and shares of products in a block",
          op, kWho + 1 - block.threads.size());
  block.units += count;
  return first;
}

// --- For bulk copies -----------------------------------------------------------------------------

Mbarrier& mbarrier_for_copy(Block& block, uint32_t at, Site site) {
  Mbarrier& barrier = mbarrier_at(block, at, site);
  if (!barrier.fenced) {
    error(site,
          "mbarrier at shared+%u: mbarrier_init at %s has not been followed by "
          "fence_mbarrier_init by its thread",
          at, name_of(site_of(block.words[at / 4].write_site)).c_str());
  }
  if (barrier.unit == 0) barrier.unit = new_units(block, 1, "bulk copy", site);
  barrier.copied = number_of(site);
  barrier.seen = false;
  return barrier;
}

void complete_bytes(Block& block, const Transfer& transfer) {
  Mbarrier& barrier = block.mbarriers.find(transfer.barrier)->second;
  const auto bytes = static_cast<uint32_t>(transfer.data.size());
  barrier.filled.emplace_back(transfer.to, bytes);
  barrier.seen = false;
  barrier.bytes -= bytes;
  check_bytes(barrier, transfer.barrier, transfer.site);
  end_phase_if_complete(block, barrier);
}

// --- What is wrong with them ---------------------------------------------------------------------

static std::string describe(const Mbarrier& barrier, uint32_t at) {
  std::string text = "mbarrier at shared+" + std::to_string(at) + " in phase " +
                     std::to_string(barrier.phase) + " has " +
                     std::to_string(barrier.count - barrier.pending) + " of its " +
                     std::to_string(barrier.count) + " arrivals";
  if (barrier.bytes != 0) {
    text += barrier.bytes > 0 ? " and lacks " + std::to_string(barrier.bytes) + " bytes"
                              : " and " + std::to_string(-barrier.bytes) + " bytes too many";
    text += ", bytes announced";
    for (const uint16_t number : barrier.announced) {
      if (number != 0) text += " at " + name_of(site_of(number));
    }
    if (barrier.announced[0] == 0) text += " nowhere";
  }
  if (!barrier.waiting.empty())
    text += "; " + std::to_string(barrier.waiting.size()) + " threads wait for it";
  return text;
}

std::string describe_mbarriers(const Block& block) {
  std::map<uint32_t, std::string> in_order;
  for (const auto& entry : block.mbarriers) {
    const Mbarrier& barrier = entry.second;
    if (barrier.pending != barrier.count || barrier.bytes != 0 || !barrier.waiting.empty())
      in_order[entry.first] = describe(barrier, entry.first);
  }
  std::string text;
  for (const auto& entry : in_order) text += "; " + entry.second;
  return text;
}

void check_mbarriers_at_exit(const Block& block) {
  const std::string where = "block " + name_of(block.index);
  if (!block.transfers.empty()) {
    const Transfer& transfer = block.transfers.front();
    error({"", 0}, "%s exits while the bulk copy by %s at %s is under way", where.c_str(),
          place_of(*transfer.thread).c_str(), name_of(transfer.site).c_str());
  }
  for (const auto& entry : block.mbarriers) {
    const Mbarrier& barrier = entry.second;
    if (barrier.bytes != 0)
      error({"", 0}, "%s exits: %s", where.c_str(), describe(barrier, entry.first).c_str());
    if (!barrier.seen) {
      error({"", 0}, "%s exits: nobody has waited for the bulk copy at %s", where.c_str(),
            name_of(site_of(barrier.copied)).c_str());
    }
  }
}

}  // namespace simt
