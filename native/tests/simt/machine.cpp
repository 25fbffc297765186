// Blocks, warps and threads taking turns, and every way in which they wait for each other.
#include "machine.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

dim3 threadIdx, blockIdx, blockDim, gridDim;

// There when the program is linked with AddressSanitizer. Code with its checks that a kernel shares
// with the host, such as std::function, may have left marks on a stack that was abandoned.
extern "C" void __asan_unpoison_memory_region(void const volatile*, size_t) __attribute__((weak));

namespace simt {

Machine machine;

Options& options() {
  static Options all;
  return all;
}

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
  char text[1024];
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

void join(Clocks& into, const Clocks& from) {
  if (into.size() < from.size()) into.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
}

void join(Foreign& into, uint32_t block, const Clocks& from) {
  for (auto& entry : into) {
    if (entry.first == block) return join(entry.second, from);
  }
  into.emplace_back(block, from);
}

void join(Foreign& into, const Foreign& from) {
  for (const auto& entry : from) join(into, entry.first, entry.second);
}

static void tick(Warp& warp) {
  if (++warp.clock >= 1u << 22) error({"", 0}, "the emulator's clock of a warp ran over");
}

// The lanes know together what each of them knew.
static void merge_lanes(Warp& warp) {
  for (uint32_t lanes = warp.apart; lanes != 0; lanes &= lanes - 1) {
    Thread& thread = warp.threads[__builtin_ctz(lanes)];
    join(warp.known, thread.own_known);
    thread.known = warp.known.data();
  }
  warp.apart = 0;
  warp.known[warp.index] = warp.clock;
}

Clock release(Thread& thread, Clocks& into) {
  Warp& warp = *thread.warp;
  const size_t count = warp.block->warps.size();
  if (into.size() < count) into.resize(count);
  for (size_t i = 0; i < count; ++i) into[i] = std::max(into[i], thread.known[i]);
  into[warp.index] = std::max(into[warp.index], warp.clock);
  const Clock published = warp.clock;
  tick(warp);
  return published;
}

void acquire(Thread& thread, const Clocks& from) {
  bool news = false;
  for (size_t i = 0; i < from.size(); ++i) news |= from[i] > thread.known[i];
  if (!news) return;
  Warp& warp = *thread.warp;
  if ((warp.apart >> thread.lane & 1u) == 0) {
    thread.own_known = warp.known;
    warp.apart |= 1u << thread.lane;
  }
  join(thread.own_known, from);
  thread.known = thread.own_known.data();
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

// The first lane at or after `from`, around.
static uint32_t lane_from(uint32_t lanes, uint32_t from) {
  const uint32_t rest = lanes & (kAllLanes << from);
  return static_cast<uint32_t>(__builtin_ctz(rest != 0 ? rest : lanes));
}

static Thread& drawn_thread(Block& block) {
  const uint32_t warp = lane_from(block.ready_warps, machine.draw() % kLanes);
  return block.warps[warp].threads[lane_from(block.warps[warp].ready, machine.draw() % kLanes)];
}

static void go_on_with(Fiber& from, Thread& thread) {
  machine.self = &thread;
  threadIdx = thread.index;
  switch_fiber(from, thread.fiber);
}

// A warp runs until its lanes wait, then another is drawn.
void pause() {
  Thread& self = *machine.self;
  Warp& warp = *self.warp;
  if (warp.ready != 0) {
    Thread& next = warp.threads[lane_from(warp.ready, (self.lane + 1) % kLanes)];
    if (&next != &self) go_on_with(self.fiber, next);
  } else if (warp.block->ready_warps != 0) {
    go_on_with(self.fiber, drawn_thread(*warp.block));
  } else {
    switch_fiber(self.fiber, machine.host);
  }
}

static void wait(Wait why, const char* op, Site site) {
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
  if (machine.draw() % 8 != 0) return;
  Thread& self = *machine.self;
  Thread& next = drawn_thread(block);
  if (&next != &self) go_on_with(self.fiber, next);
}

// Literals are mostly one object, but need not be.
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

// --- Warp instructions that move nothing but registers -------------------------------------------

uint32_t lane() { return machine.self->lane; }

void sync_warp(Site site) {
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

// --- Barriers ------------------------------------------------------------------------------------

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

// --- Flags in global memory ----------------------------------------------------------------------

void changed_global_memory() {
  ++machine.version;
  for (Thread* thread : machine.spinners) {
    --thread->warp->block->spinning;
    set_ready(*thread->warp, thread->warp->ready | 1u << thread->lane);
  }
  machine.spinners.clear();
}

uint32_t load_acquire(const void* from, Site site) {
  Thread& self = *machine.self;
  if (self.polled_version != machine.version) self.polls = 0;
  const int polls = self.polls + 1;
  if (polls > 32) {
    machine.spinners.push_back(&self);
    ++self.warp->block->spinning;
    wait(Wait::flag, "ld.acquire", site);
  }
  const uint32_t value = global_atomic(
      const_cast<void*>(from), [](uint32_t old, uint32_t, uint32_t) { return old; }, 0, 0, false,
      site);
  self.polls = polls;
  self.polled_version = machine.version;
  const auto released = machine.released.find(from);
  if (released != machine.released.end()) {
    for (const auto& entry : released->second) {
      if (entry.first == self.warp->block->number) acquire(self, entry.second);
    }
    join(self.warp->foreign, released->second);
  }
  return value;
}

// --- A launch ------------------------------------------------------------------------------------

namespace {

// Enough for a kernel built without optimization. The odd stride keeps the lanes' stacks, which are
// used at the same depth, out of each other's cache sets.
constexpr size_t kStackBytes = (96u << 10) + 576;
constexpr uint64_t kCanary = 0x5afe57acc5afe57au;

void run_thread() {
  (*machine.body)();
  Thread& self = *machine.self;
  Warp& warp = *self.warp;
  self.wait = Wait::exited;
  warp.live &= ~(1u << self.lane);
  --warp.block->alive;
  if (warp.live == 0 && warp.accessed) count_accesses(warp);
  set_ready(warp, warp.ready & ~(1u << self.lane));
  pause();
  __builtin_unreachable();
}

uint8_t* stack_of(const Block& block, size_t thread) {
  return static_cast<uint8_t*>(block.stacks.get()) + thread * kStackBytes;
}

// Blocks of the last launches, kept for their memory.
std::vector<std::unique_ptr<Block>> idle;

std::unique_ptr<Block> start_block(uint32_t number) {
  std::unique_ptr<Block> block;
  const size_t threads = size_t{machine.block.x} * machine.block.y * machine.block.z;
  if (!idle.empty() && idle.back()->threads.size() == threads) {
    block = std::move(idle.back());
    idle.pop_back();
  } else {
    idle.clear();
    block.reset(new Block);
    block->threads.resize(threads);
    block->warps.resize(threads / kLanes);
    const size_t bytes = threads * kStackBytes;
    void* stacks = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED) throw std::bad_alloc();
    block->stacks = std::shared_ptr<void>(stacks, [bytes](void* p) {
      if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(p, bytes);
      munmap(p, bytes);
    });
  }
  block->number = number;
  block->index = dim3(number % machine.grid.x, number / machine.grid.x % machine.grid.y,
                      number / machine.grid.x / machine.grid.y);
  block->alive = static_cast<uint32_t>(threads);
  block->spinning = 0;
  block->mbarriers.clear();
  for (Barrier& barrier : block->barriers) barrier = Barrier();
  block->ready_warps = 0;
  for (size_t w = 0; w < block->warps.size(); ++w) {
    Warp& warp = block->warps[w];
    warp = Warp();
    warp.block = block.get();
    warp.index = static_cast<uint32_t>(w);
    warp.threads = block->threads.data() + w * kLanes;
    warp.known.assign(block->warps.size(), 0);
    set_ready(warp, kAllLanes);
  }
  for (size_t i = 0; i < threads; ++i) {
    Thread& thread = block->threads[i];
    const auto n = static_cast<unsigned>(i);
    thread.warp = &block->warps[i / kLanes];
    thread.lane = n % kLanes;
    thread.index = dim3(n % machine.block.x, n / machine.block.x % machine.block.y,
                        n / machine.block.x / machine.block.y);
    thread.wait = Wait::none;
    thread.known = thread.warp->known.data();
    thread.waited = !machine.early;
    thread.copies.clear();
    thread.group = 0;
    thread.polls = 0;
    thread.accesses.clear();
    uint8_t* stack = stack_of(*block, i);
    std::memcpy(stack, &kCanary, sizeof kCanary);
    prepare(thread.fiber, stack + sizeof kCanary, kStackBytes - sizeof kCanary, run_thread);
  }
  start_shared(*block);
  return block;
}

void end_block(std::unique_ptr<Block> block) {
  for (size_t i = 0; i < block->threads.size(); ++i) {
    if (std::memcmp(stack_of(*block, i), &kCanary, sizeof kCanary) != 0)
      error({"", 0}, "%s overflowed its stack of %zu bytes", place_of(block->threads[i]).c_str(),
            kStackBytes);
  }
  idle.push_back(std::move(block));
}

// Says who waits where when nothing in a block can go on.
std::string describe(const Block& block) {
  std::string text;
  size_t exited = 0;
  for (size_t begin = 0; begin < block.threads.size();) {
    const Thread& first = block.threads[begin];
    size_t end = begin + 1;
    while (end < block.threads.size() && block.threads[end].wait == first.wait &&
           (first.wait == Wait::exited || (block.threads[end].op == first.op &&
                                           block.threads[end].site.line == first.site.line))) {
      ++end;
    }
    if (first.wait == Wait::exited) exited += end - begin;
    text += "; threads " + std::to_string(begin) + "-" + std::to_string(end - 1);
    text += first.wait == Wait::exited
                ? " have exited"
                : std::string(" wait in ") + first.op + " at " + name_of(first.site);
    begin = end;
  }
  for (int id = 0; id < 16; ++id) {
    const Barrier& barrier = block.barriers[id];
    if (barrier.arrived == 0) continue;
    text += "; barrier " + std::to_string(id) + " has " + std::to_string(barrier.arrived) +
            " of the " + std::to_string(barrier.expected) + " threads it expects";
  }
  return text;
}

[[noreturn]] void report_stall(const Block& block) {
  bool block_wide = false;
  bool named = false;
  bool warp = false;
  for (const Thread& thread : block.threads) {
    block_wide |= std::strcmp(thread.op, "__syncthreads") == 0 && thread.wait != Wait::exited;
    warp |= thread.wait == Wait::warp;
  }
  for (int id = 1; id < 16; ++id) named |= block.barriers[id].arrived != 0;
  const char* what = named        ? "deadlock at a named barrier"
                     : block_wide ? "barrier divergence"
                     : warp       ? "warp divergence"
                                  : "deadlock";
  machine.self = nullptr;
  error({"", 0}, "block %s: %s%s", name_of(block.index).c_str(), what, describe(block).c_str());
}

// Whatever happens, the next launch finds a machine at rest.
struct Running {
  explicit Running(const char* kernel) { machine.kernel = kernel; }
  ~Running() {
    machine.kernel.clear();
    machine.self = nullptr;
    machine.spinners.clear();
    machine.released.clear();
    machine.error.clear();
  }
};

}  // namespace

void wait_for_earlier_kernels() { machine.self->waited = true; }

void launch(const char* name, dim3 grid, dim3 block, size_t shared_bytes, bool early,
            const std::function<void()>& body) {
  const Running running(name);
  const size_t threads = size_t{block.x} * block.y * block.z;
  const size_t blocks = size_t{grid.x} * grid.y * grid.z;
  if (threads == 0 || threads > 1024 || threads % kLanes != 0)
    error({"", 0}, "block has %zu threads, expected a multiple of 32 up to 1024", threads);
  if (blocks == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535 || blocks >> 31 != 0)
    error({"", 0},
          "grid has shape (%u,%u,%u), expected at least one block and at most "
          "(2^31-1,65535,65535)",
          grid.x, grid.y, grid.z);
  if (shared_bytes > 227u << 10)
    error({"", 0}, "shared memory has %zu bytes, expected at most 232448", shared_bytes);
  machine.grid = gridDim = grid;
  machine.block = blockDim = block;
  machine.shared_bytes = shared_bytes;
  machine.early = early;
  machine.body = &body;
  machine.random = (options().seed + 1) * 0x9e3779b97f4a7c15u;
  ++machine.launch;
  ++counters().launches;
  start_memory();

  std::vector<uint32_t> order(blocks);
  for (size_t i = 0; i < blocks; ++i) order[i] = static_cast<uint32_t>(i);
  for (size_t i = blocks; i > 1; --i) std::swap(order[i - 1], order[machine.draw() % i]);

  // Blocks run one after another. One whose threads all spin on flags makes room for others.
  std::vector<std::unique_ptr<Block>> resident;
  size_t started = 0;
  const auto able = [](const std::unique_ptr<Block>& b) { return b->ready_warps != 0; };
  while (started < blocks || !resident.empty()) {
    auto next = std::find_if(resident.begin(), resident.end(), able);
    if (next == resident.end()) {
      const bool full = resident.size() >= static_cast<size_t>(options().resident_blocks);
      if (started == blocks || full) report_stall(*resident.front());
      next = resident.insert(resident.end(), start_block(order[started++]));
    }
    blockIdx = (*next)->index;
    go_on_with(machine.host, drawn_thread(**next));
    machine.self = nullptr;
    if (!machine.error.empty()) throw Error(machine.error);
    if ((*next)->alive == 0) {
      end_block(std::move(*next));
      resident.erase(next);
    } else if ((*next)->ready_warps == 0 && (*next)->spinning == 0) {
      report_stall(**next);
    }
  }
}

}  // namespace simt
