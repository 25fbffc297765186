// A grid from its first block to its last.
#include <sys/mman.h>

#include <algorithm>

#include "gpu.h"
#include "machine.h"

dim3 threadIdx, blockIdx, blockDim, gridDim;

// Defined if the program is linked with AddressSanitizer. Checked code that a kernel shares with the
// host, such as std::function, may have left marks on a stack that was abandoned.
extern "C" void __asan_unpoison_memory_region(void const volatile*, size_t) __attribute__((weak));

namespace simt {

Options& options() {
  static Options all;
  return all;
}

namespace {

// Large enough for a kernel that is built without optimization. The odd stride keeps the lanes'
// stacks, which are used at the same depth, out of each other's cache sets.
constexpr size_t kStackBytes = (96u << 10) + 576;
constexpr uint64_t kCanary = 0x5afe57acc5afe57au;

void run_thread() {
  (*machine.body)();
  Thread& self = *machine.self;
  Warp& warp = *self.warp;
  check_products_at_exit(self);
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

// Blocks of earlier launches, kept so that their memory is used again.
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
  block->units = 0;
  block->transfers.clear();
  block->loaded.clear();
  for (Barrier& barrier : block->barriers) barrier = Barrier();
  block->cluster_barrier = ClusterBarrier();
  block->ready_warps = 0;
  for (size_t w = 0; w < block->warps.size(); ++w) {
    Warp& warp = block->warps[w];
    warp = Warp();
    warp.block = block.get();
    warp.index = static_cast<uint32_t>(w);
    warp.threads = block->threads.data() + w * kLanes;
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
    thread.known = &thread.warp->known;
    thread.accessed = 0;
    thread.waited = !machine.early;
    thread.fences.clear();
    thread.copies.clear();
    thread.group = 0;
    thread.polls = 0;
    thread.accesses.clear();
    thread.executed = {};
    uint8_t* stack = stack_of(*block, i);
    std::memcpy(stack, &kCanary, sizeof kCanary);
    prepare(thread.fiber, stack + sizeof kCanary, kStackBytes - sizeof kCanary, run_thread);
  }
  block->warpgroups.assign(block->warps.size() / kWarpgroupWarps, Warpgroup());
  for (size_t i = 0; i < block->warpgroups.size(); ++i)
    block->warpgroups[i].threads = block->threads.data() + i * kWarpgroup;
  start_registers(*block);
  start_shared(*block);
  return block;
}

void end_block(std::unique_ptr<Block> block) {
  check_mbarriers_at_exit(*block);
  for (size_t i = 0; i < block->threads.size(); ++i) {
    if (std::memcmp(stack_of(*block, i), &kCanary, sizeof kCanary) != 0)
      error({"", 0}, "%s overflowed its stack of %zu bytes", place_of(block->threads[i]).c_str(),
            kStackBytes);
  }
  idle.push_back(std::move(block));
}

// Says which threads wait where, for a block in which nothing can go on.
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
  text += describe_mbarriers(block);
  return text;
}

[[noreturn]] void report_stall(const Block& block) {
  bool block_wide = false;
  bool named = false;
  bool warp = false;
  bool warpgroup = false;
  bool registers = false;
  for (const Thread& thread : block.threads) {
    block_wide |= std::strcmp(thread.op, "__syncthreads") == 0 && thread.wait != Wait::exited;
    warp |= thread.wait == Wait::warp;
    warpgroup |= thread.wait == Wait::warpgroup;
    registers |= thread.wait == Wait::registers;
  }
  for (int id = 1; id < 16; ++id) named |= block.barriers[id].arrived != 0;
  const char* what = named        ? "deadlock at a named barrier"
                     : block_wide ? "barrier divergence"
                     : warp       ? "warp divergence"
                     : warpgroup  ? "warpgroup divergence"
                     : registers  ? "a warpgroup waits for registers that nobody gives back"
                                  : "deadlock";
  machine.self = nullptr;
  error({"", 0}, "block %s: %s%s", name_of(block.index).c_str(), what, describe(block).c_str());
}

void start_cluster(std::vector<std::unique_ptr<Block>>& resident, uint32_t number,
                   uint32_t blocks) {
  std::vector<Block*> cluster;
  for (uint32_t rank = 0; rank < blocks; ++rank) {
    resident.push_back(start_block(number + rank));
    cluster.push_back(resident.back().get());
  }
  for (Block* block : cluster) block->cluster = cluster;
}

// Lets a copy arrive that another block of the cluster has started, for a block that waits for nothing
// else.
bool end_transfer_elsewhere(const std::vector<std::unique_ptr<Block>>& resident) {
  for (const auto& block : resident) {
    if (block->transfers.empty()) continue;
    end_drawn_transfer(*block);
    return true;
  }
  return false;
}

// Whatever happens in a launch, the next one finds the machine at rest.
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

void check_sm_90a(const char* op, Site site) {
  const int capability = gpu_capability();
  if (capability != 90)
    error(site, "%s needs compute capability 9.0, the device has %d.%d", op, capability / 10,
          capability % 10);
}

void wait_for_earlier_kernels(Site site) {
  if (!taken_out("griddepcontrol.wait", site)) machine.self->waited = machine.any_waited = true;
}

void launch(const char* name, dim3 grid, dim3 block, size_t shared_bytes, bool early,
            unsigned cluster, const std::function<void()>& body) {
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
  if (cluster == 0 || cluster > 8 || grid.x % cluster != 0)
    error({"", 0}, "cluster has %u blocks, expected 1 to 8 that divide the grid's %u", cluster,
          grid.x);
  const int capability = gpu_capability();
  const size_t most = shared_memory_of(capability);
  if (shared_bytes > most)
    error({"", 0}, "shared memory has %zu bytes, expected at most %zu on compute capability %d.%d",
          shared_bytes, most, capability / 10, capability % 10);
  if (capability < 90 && (early || cluster > 1))
    error({"", 0}, "%s needs compute capability 9.0, the device has %d.%d",
          early ? "a programmatic launch" : "a cluster", capability / 10, capability % 10);
  machine.grid = gridDim = grid;
  machine.block = blockDim = block;
  machine.shared_bytes = shared_bytes;
  machine.early = early;
  machine.any_waited = !early;
  machine.body = &body;
  machine.random = (options().seed + 1) * 0x9e3779b97f4a7c15u;
  ++machine.launch;
  if (!early) machine.running = machine.launch;
  machine.warps = static_cast<uint32_t>(threads / kLanes);
  ++counters().launches;
  if (early) ++counters().early_launches;
  start_memory();

  std::vector<uint32_t> order(blocks / cluster);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i) * cluster;
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[machine.draw() % i]);

  // Clusters run one after another. A cluster whose threads all spin on flags makes room for others.
  std::vector<std::unique_ptr<Block>> resident;
  size_t started = 0;
  const auto runs = [](const std::unique_ptr<Block>& b) { return b->ready_warps != 0; };
  while (started < order.size() || !resident.empty()) {
    auto next = std::find_if(resident.begin(), resident.end(), runs);
    if (next == resident.end() && end_transfer_elsewhere(resident)) continue;
    if (next == resident.end()) {
      const bool full = resident.size() >= static_cast<size_t>(options().resident_blocks);
      if (started == order.size() || full) report_stall(*resident.front());
      start_cluster(resident, order[started++], cluster);
      continue;
    }
    // Any block of the cluster may run next.
    const auto first = static_cast<size_t>(next - resident.begin()) / cluster * cluster;
    const size_t drawn = first + (cluster == 1 ? 0 : machine.draw() % cluster);
    Block& now = resident[drawn]->ready_warps != 0 ? *resident[drawn] : **next;
    blockIdx = now.index;
    go_on_with(machine.host, drawn_thread(now));
    machine.self = nullptr;
    if (!machine.error.empty()) throw Error(machine.error);
    const auto begin = resident.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(cluster);
    if (std::all_of(begin, end, [](const auto& b) { return b->alive == 0; })) {
      for (auto block_ = begin; block_ != end; ++block_) end_block(std::move(*block_));
      resident.erase(begin, end);
    } else if (std::none_of(begin, end, [](const auto& b) {
                 return b->ready_warps != 0 || b->spinning != 0 || !b->transfers.empty();
               })) {
      report_stall(now);
    }
  }
  if (!machine.any_waited)
    error({"", 0},
          "ends without griddepcontrol_wait: who waits for this kernel takes those before it for "
          "done");
}

}  // namespace simt
