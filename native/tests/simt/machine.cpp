// How the threads of a block take turns, what happens before what among them, and how warps meet.
#include "machine.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace simt {

Machine machine;

// --- Names ---------------------------------------------------------------------------------------

std::string name_of(const dim3& index) {
  return "(" + std::to_string(index.x) + "," + std::to_string(index.y) + "," +
         std::to_string(index.z) + ")";
}

std::string name_of(Site site) {
  const char* slash = std::strrchr(site.file, '/');
  return std::string(slash == nullptr ? site.file : slash + 1) + ":" + std::to_string(site.line);
}

std::string place_of(const Thread& thread) {
  return "block " + name_of(thread.warp->block->index) + " thread " + name_of(thread.index);
}

// A direct-mapped cache in front of a list: most accesses come from a few lines.
static std::vector<Site> sites = {{"", 0}};

uint16_t number_of(Site site) {
  struct Entry {
    Site site;
    uint16_t number;
  };
  static Entry cache[1024];
  const uintptr_t key =
      (reinterpret_cast<uintptr_t>(site.file) >> 4) + static_cast<uintptr_t>(site.line);
  Entry& entry = cache[key % 1024];
  if (entry.number != 0 && entry.site.file == site.file && entry.site.line == site.line)
    return entry.number;
  size_t number = 1;
  while (number < sites.size() &&
         (sites[number].line != site.line || std::strcmp(sites[number].file, site.file) != 0)) {
    ++number;
  }
  if (number == sites.size()) sites.push_back(site);
  entry = {site, static_cast<uint16_t>(number)};
  return entry.number;
}

Site site_of(uint16_t number) { return sites[number]; }

void error(Site site, const char* format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::string message = machine.kernel.empty() ? "" : machine.kernel + ": ";
  if (machine.self != nullptr) message += place_of(*machine.self) + " ";
  if (site.line != 0) message += "at " + name_of(site) + ": ";
  message += text;
  if (machine.self == nullptr) throw Error(message);
  machine.error = std::move(message);
  // The fiber is left where it stands: kernels own nothing that a destructor would free.
  Fiber abandoned;
  switch_fiber(abandoned, machine.host);
  __builtin_unreachable();
}

// --- Clocks --------------------------------------------------------------------------------------

void tick(Warp& warp) {
  if (++warp.clock >= 1u << 22) error({"", 0}, "the emulator's clock of a warp ran over");
}

Knowledge all_lanes_know(const Warp& warp) {
  Knowledge all = warp.known;
  for (uint32_t lanes = warp.apart; lanes != 0; lanes &= lanes - 1)
    all.join(warp.threads[__builtin_ctz(lanes)].own_known);
  all.block.learn_warp(warp.index, warp.clock);
  return all;
}

void merge_lanes(Warp& warp) {
  for (uint32_t lanes = warp.apart; lanes != 0; lanes &= lanes - 1) {
    Thread& thread = warp.threads[__builtin_ctz(lanes)];
    warp.known.join(thread.own_known);
    thread.known = &warp.known;
  }
  warp.apart = 0;
  warp.known.block.learn_warp(warp.index, warp.clock);
}

void release(Thread& thread, Clocks& into) {
  into.join(thread.known->block);
  into.learn_thread(number_of(thread), thread.accessed);
  tick(*thread.warp);
}

Knowledge& own_knowledge(Thread& thread) {
  Warp& warp = *thread.warp;
  if ((warp.apart >> thread.lane & 1u) == 0) {
    thread.own_known = warp.known;
    thread.known = &thread.own_known;
    warp.apart |= 1u << thread.lane;
  }
  return thread.own_known;
}

void acquire(Thread& thread, const Clocks& from) {
  if (!thread.known->block.covers(from)) own_knowledge(thread).block.join(from);
}

void acquire(Thread& thread, const OtherBlocks& from) {
  for (const auto& entry : from.all()) {
    if (entry.first == thread.warp->block->number) {
      acquire(thread, entry.second);
      continue;
    }
    const Clocks* known = thread.known->others.find(entry.first);
    if (known == nullptr || !known->covers(entry.second))
      own_knowledge(thread).others.join(entry.first, entry.second);
  }
}

// --- Taking turns --------------------------------------------------------------------------------

void set_ready(Warp& warp, uint32_t lanes) {
  warp.ready = lanes;
  const uint32_t bit = 1u << warp.index;
  if (lanes != 0) {
    warp.block->ready_warps |= bit;
  } else {
    warp.block->ready_warps &= ~bit;
  }
}

// The first lane at or after `from`, wrapping around.
static uint32_t lane_from(uint32_t lanes, uint32_t from) {
  const uint32_t rest = lanes & (kAllLanes << from);
  return static_cast<uint32_t>(__builtin_ctz(rest != 0 ? rest : lanes));
}

Thread& drawn_thread(Block& block) {
  const uint32_t warp = lane_from(block.ready_warps, machine.draw() % kLanes);
  return block.warps[warp].threads[lane_from(block.warps[warp].ready, machine.draw() % kLanes)];
}

void go_on_with(Fiber& from, Thread& thread) {
  machine.self = &thread;
  threadIdx = thread.index;
  switch_fiber(from, thread.fiber);
}

// A warp runs until its lanes wait, then another is drawn.
void pause() {
  Thread& self = *machine.self;
  Warp& warp = *self.warp;
  Block& block = *warp.block;
  maybe_end_transfer(block);
  while (block.ready_warps == 0 && block.alive != 0 && !block.transfers.empty())
    end_drawn_transfer(block);
  if (warp.ready != 0) {
    Thread& next = warp.threads[lane_from(warp.ready, (self.lane + 1) % kLanes)];
    if (&next != &self) go_on_with(self.fiber, next);
  } else if (block.ready_warps != 0) {
    go_on_with(self.fiber, drawn_thread(block));
  } else {
    switch_fiber(self.fiber, machine.host);
  }
}

void wait(Wait why, const char* op, Site site) {
  Thread& self = *machine.self;
  self.wait = why;
  self.op = op;
  self.site = site;
  set_ready(*self.warp, self.warp->ready & ~(1u << self.lane));
  pause();
  self.wait = Wait::none;
}

// Now and then another warp gets its turn although this one could go on.
static void maybe_another_warp() {
  Block& block = *machine.self->warp->block;
  maybe_end_transfer(block);
  if (machine.draw() % 8 != 0) return;
  Thread& self = *machine.self;
  Thread& next = drawn_thread(block);
  if (&next != &self) go_on_with(self.fiber, next);
}

// Equal literals are mostly one object, but need not be.
static bool same(const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; }

void meet(const char* op, int64_t detail, void* posted, void (*run)(Warp&), Site site) {
  Thread& self = *machine.self;
  Warp& warp = *self.warp;
  if (warp.arrived == 0) {
    warp.op = op;
    warp.detail = detail;
    warp.site = site;
  } else if (warp.detail != detail || warp.site.line != site.line || !same(warp.op, op) ||
             !same(warp.site.file, site.file)) {
    const uint32_t other = static_cast<uint32_t>(__builtin_ctz(warp.arrived));
    error(site, "warp divergence: this lane is at %s, lane %u of its warp at %s (%s)", op, other,
          warp.op, name_of(warp.site).c_str());
  }
  self.polls = 0;
  self.posted = posted;
  warp.arrived |= 1u << self.lane;
  if (warp.arrived != kAllLanes) return wait(Wait::warp, op, site);
  if (warp.accessed) count_accesses(warp);
  ++counters().issued;
  warp.arrived = 0;
  self.op = op;
  self.site = site;
  set_ready(warp, kAllLanes);
  run(warp);
  if ((warp.ready >> self.lane & 1u) == 0) {
    pause();
    self.wait = Wait::none;
  } else {
    maybe_another_warp();
  }
}

// --- Warpgroups ----------------------------------------------------------------------------------

void set_ready(Warpgroup& group, bool ready) {
  for (uint32_t w = 0; w < kWarpgroupWarps; ++w)
    set_ready(*group.threads[w * kLanes].warp, ready ? kAllLanes : 0);
}

struct Posted {
  const void* operands;
  void (*run)(Warpgroup&);
};

const void* operands_of(const Thread& thread) {
  return static_cast<const Posted*>(thread.posted)->operands;
}

// A warp has arrived; its lanes go on when the other three warps have arrived too.
static void arrive_at_warpgroup(Warp& warp) {
  Warpgroup& group = warp.block->warpgroups[warp.index / kWarpgroupWarps];
  if (group.arrived == 0) {
    group.op = warp.op;
    group.detail = warp.detail;
    group.site = warp.site;
  } else if (group.detail != warp.detail || group.site.line != warp.site.line ||
             !same(group.op, warp.op) || !same(group.site.file, warp.site.file)) {
    error(warp.site, "warpgroup divergence: this warp is at %s, another of its four at %s (%s)",
          warp.op, group.op, name_of(group.site).c_str());
  }
  group.arrived |= 1u << warp.index % kWarpgroupWarps;
  if (group.arrived == (1u << kWarpgroupWarps) - 1) {
    group.arrived = 0;
    set_ready(group, true);
    return static_cast<const Posted*>(machine.self->posted)->run(group);
  }
  for (uint32_t i = 0; i < kLanes; ++i) warp.threads[i].wait = Wait::warpgroup;
  set_ready(warp, 0);
}

void meet_warpgroup(const char* op, int64_t detail, const void* operands, void (*run)(Warpgroup&),
                    Site site) {
  const Warp& warp = *machine.self->warp;
  if (warp.index / kWarpgroupWarps >= warp.block->warpgroups.size())
    error(site, "%s: warp %u is not one of four, the block has %zu", op, warp.index,
          warp.block->warps.size());
  Posted posted{operands, run};
  meet(op, detail, &posted, arrive_at_warpgroup, site);
}

// --- Warp instructions that move nothing but registers -------------------------------------------

uint32_t lane() { return machine.self->lane; }

void sync_warp(Site site) {
  if (taken_out("__syncwarp", site)) return;
  meet(
      "__syncwarp", 0, nullptr,
      [](Warp& warp) {
        merge_lanes(warp);
        tick(warp);
      },
      site);
}

const uint32_t* exchange(const char* op, uint32_t value, Site site) {
  Warp& warp = *machine.self->warp;
  uint32_t* values = warp.values[warp.turn];
  values[machine.self->lane] = value;
  meet(
      op, 0, nullptr, [](Warp& w) { w.turn ^= 1; }, site);
  return values;
}

}  // namespace simt
