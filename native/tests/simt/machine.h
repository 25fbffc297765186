// The state of a launch. One thread of the host runs it all: fibers hand over to each other, so
// nothing here is locked.
//
// clocks.h keeps what happens before what. Lanes of a warp share what they know until one of them learns
// something alone. Shuffles, votes and mma order nothing, as in CUDA.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "clocks.h"
#include "device.h"
#include "fiber.h"
#include "simt.h"

namespace simt {

constexpr uint32_t kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

struct Warp;
struct Warpgroup;
struct Block;

enum class Wait { none, warp, warpgroup, barrier, mbarrier, registers, flag, exited };

// One cp.async that has not landed.
struct Copy {
  uint32_t to;
  int bytes;
  int64_t group;
  uint16_t site;
  uint8_t data[16];
};

// One memory access, kept until the lanes of the warp meet and traffic.cpp can see which accesses
// were one instruction.
// The two halves of a cp.async are one instruction: its store is a shared_copy.
enum class Kind : uint8_t { global_load, global_store, shared_load, shared_store, shared_copy };
struct Access {
  uint64_t address;
  uint16_t site;
  uint8_t bytes;
  Kind kind;
};

struct Thread {
  Fiber fiber;
  Warp* warp = nullptr;
  uint32_t lane = 0;
  dim3 index;
  Wait wait = Wait::none;
  const char* op = "";  // the operation that it waits in
  Site site{"", 0};
  void* posted = nullptr;  // operands for the lane that carries a warp instruction out

  const Knowledge* known = nullptr;  // what comes before what it does now
  Knowledge own_known;               // what known points to after it learned something alone
  Clock accessed = 0;                // its warp's clock at its last access or fence
  std::vector<Clock> fences;         // fence_proxy_async, ascending

  bool waited = true;  // whether it has waited for the kernels before this one
  std::vector<Copy> copies;
  int64_t group = 0;  // the group that cp.async goes into

  int polls = 0;  // load_acquire since the thread did anything else
  uint64_t polled_version = 0;

  std::vector<Access> accesses;
  std::array<uint32_t, 3> executed{};  // by Pipe, since the lanes met
};

struct Warp {
  Block* block = nullptr;
  Thread* threads = nullptr;  // 32
  uint32_t index = 0;
  uint32_t ready = kAllLanes;  // lanes that can run
  uint32_t live = kAllLanes;   // lanes that have not exited

  uint32_t arrived = 0;  // lanes in the instruction that the warp does together
  const char* op = "";
  int64_t detail = 0;  // its immediate operands
  Site site{"", 0};
  uint32_t values[2][kLanes];  // for exchange(): a lane may be one exchange ahead of another
  int turn = 0;

  Clock clock = 1;
  Knowledge known;
  uint32_t apart = 0;     // lanes with own_known
  bool accessed = false;  // some lane's accesses or instructions wait for traffic.cpp
};

constexpr uint32_t kWarpgroupWarps = 4;
constexpr int kWarpgroup = 128;  // threads

// Where the chunks of an operand of wgmma lie, see wgmma.cpp.
struct Operand {
  uint32_t rows = 0;  // m or n
  uint32_t start = 0, leading = 0, stride = 0;
  uint32_t row = 0;  // bytes
  bool along_k = true;
};

// What a product that has not been waited for reads.
struct Reading {
  int64_t group;
  Operand a, b;  // in shared memory, if they have rows
};

// d of such products. The threads' registers are poisoned, and the values are here.
struct Accumulator {
  float* d[kWarpgroup];
  int n;
  std::vector<float> values;  // [64,n]
  int64_t group;              // the group of the newest product
  Site site;
};

struct Warpgroup {
  Thread* threads = nullptr;  // 128

  uint32_t arrived = 0;  // warps in the instruction that they do together
  const char* op = "";
  int64_t detail = 0;
  Site site{"", 0};

  int64_t next = 0;  // the group that products go into
  std::vector<Reading> readings;
  std::vector<Accumulator> accumulators;
  uint32_t unit = 0;  // reads the first warp's share of products; three more follow; 0: none yet
  Clock clock = 0;    // of all four units

  bool fenced = false;                                          // any wgmma_fence() yet
  std::vector<const float*> handed_back;                        // d of thread 0, since the last one
  std::vector<std::pair<const uint32_t*, uint64_t>> fragments;  // a of thread 0, sum of all

  int registers = 0;  // for each thread
};

struct Barrier {
  uint32_t expected = 0;
  uint32_t arrived = 0;
  uint32_t waiting = 0;  // warps
  Site site{"", 0};
  Knowledge known;
};

// A barrier of all warps of a cluster. It completes when all of them wait.
struct ClusterBarrier {
  OtherBlocks known;
  std::vector<Warp*> waiting;
};

struct Mbarrier {
  uint32_t count = 0;
  uint32_t pending = 0;
  int64_t bytes = 0;        // announced and not yet arrived
  uint32_t phase = 0;       // how many phases are over
  uint16_t announced[2]{};  // last two lines that announced bytes
  const Thread* initializer = nullptr;
  bool fenced = false;  // its initialisation is known to the asynchronous proxy
  uint32_t unit = 0;    // stands for the copies that end here; 0: none came yet
  Clock clock = 0;      // of the unit
  std::vector<std::pair<uint32_t, uint32_t>> filled;  // address, bytes: by copies in this phase
  uint16_t copied = 0;                                // line of the last copy
  bool seen = true;                                   // a thread has waited for the last copy
  Knowledge known;                                    // what the arriving threads know
  Knowledge over;                                     // what a phase that is over tells
  std::vector<Thread*> waiting;
};

// A bulk copy under way. Its bytes arrive at a moment that the seed draws, and are seen when the
// phase of its mbarrier ends.
struct Source {
  const uint8_t* data;
  size_t bytes;
  uint64_t sum;  // what it held when the copy began
};
struct Transfer {
  uint32_t to = 0;
  uint32_t barrier = 0;
  Thread* thread = nullptr;
  Site site{"", 0};
  std::vector<uint8_t> data;
  std::vector<Source> sources;  // those that may change meanwhile
};

// One word of shared memory: which thread wrote it last, which have read it since, and which bytes hold
// anything. A stamp is clock << 10 | number of a thread or unit; 0 stands for none. Of several
// concurrent readers two are kept, from different warps if possible.
struct SharedWord {
  uint32_t write, read, other_read;
  uint16_t write_site, read_site;
  uint8_t written, write_bytes, read_bytes;
  uint8_t state;
  uint16_t readers;      // asynchronous reads under way << 10 | thread of the last
  uint16_t reader_site;  // where that one reads
};
constexpr uint8_t kLanding = 1;   // a cp.async or bulk copy is under way
constexpr uint8_t kAtomic = 2;    // the last write was atomic
constexpr uint8_t kBulk = 4;      // the last write was a bulk copy
constexpr uint8_t kMbarrier = 8;  // part of an mbarrier

struct Block {
  dim3 index;
  uint32_t number = 0;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<Warpgroup> warpgroups;
  int free_registers = 0;
  std::vector<Warpgroup*> wait_for_registers;
  uint32_t ready_warps = 0;
  uint32_t alive = 0;
  uint32_t spinning = 0;
  Barrier barriers[16];
  std::unordered_map<uint32_t, Mbarrier> mbarriers;
  uint32_t units = 0;  // how many numbers follow those of the threads
  std::vector<Transfer> transfers;
  uint32_t patience = 1;  // out of 64: how often a transfer ends when it could
  std::vector<uint8_t> shared;
  std::vector<SharedWord> words;
  std::unordered_set<uint64_t> loaded;  // sectors
  std::shared_ptr<void> stacks;
  std::vector<Block*> cluster;     // by rank, itself among them
  ClusterBarrier cluster_barrier;  // the one of rank 0 serves all
};

struct Machine {
  std::string kernel;  // empty between launches
  dim3 grid, block;
  uint32_t warps = 0;  // in a block
  size_t shared_bytes = 0;
  bool early = false;
  bool any_waited = false;  // any thread has waited for the kernels before
  const std::function<void()>* body = nullptr;
  std::string error;
  uint32_t launch = 0;   // number of this launch; global_memory.cpp forgets stamps of earlier ones
  uint32_t running = 1;  // the oldest launch that may not have ended when this one began
  uint64_t random = 1;

  Fiber host;
  Thread* self = nullptr;
  uint64_t version = 1;  // global memory's, raised by each change
  std::vector<Thread*> spinners;
  std::unordered_map<const void*, OtherBlocks> released;

  uint32_t draw() {  // xorshift64*
    random ^= random >> 12;
    random ^= random << 25;
    random ^= random >> 27;
    return static_cast<uint32_t>((random * 0x2545f4914f6cdd1du) >> 32);
  }
};
extern Machine machine;

// Instructions that only sm_90a has trap on every other GPU.
void check_sm_90a(const char* op, Site site);

// Ends the launch with a message that says where the running thread is.
[[noreturn]] void error(Site site, const char* format, ...) __attribute__((format(printf, 2, 3)));
std::string place_of(const Thread& thread);
std::string name_of(Site site);
std::string name_of(const dim3& index);

// taken_out.cpp: whether this synchronisation is to do nothing. Each one asks when it begins.
bool taken_out(const char* op, Site site);

// Runs other threads until this one is ready again.
void pause();
// Takes this lane out of the ready ones until another thread sets it ready.
void wait(Wait why, const char* op, Site site);
void set_ready(Warp& warp, uint32_t lanes);
void set_ready(Warpgroup& group, bool ready);
Thread& drawn_thread(Block& block);  // one that is ready
void go_on_with(Fiber& from, Thread& thread);

// Blocks until all 32 lanes have arrived; the last one calls run(warp), then all go on.
void meet(const char* op, int64_t detail, void* posted, void (*run)(Warp&), Site site);
// The same for a warpgroup's 128 threads, with `operands` of each for operands_of().
void meet_warpgroup(const char* op, int64_t detail, const void* operands, void (*run)(Warpgroup&),
                    Site site);
const void* operands_of(const Thread& thread);

// Publishing and learning.
void tick(Warp& warp);
Knowledge all_lanes_know(const Warp& warp);  // all of them together, themselves included
void merge_lanes(Warp& warp);                // afterwards all know what one knows
void release(Thread& thread, Clocks& into);
void acquire(Thread& thread, const Clocks& from);
void acquire(Thread& thread, const OtherBlocks& from);  // its own block may be among them
Knowledge& own_knowledge(Thread& thread);               // from now on apart from its warp's
inline uint32_t number_of(const Thread& thread) {
  return thread.warp->index * kLanes + thread.lane;
}
void changed_global_memory();

// Sites as small numbers, so that every word can remember one.
uint16_t number_of(Site site);
Site site_of(uint16_t number);

// traffic.cpp
void count_accesses(Warp& warp);
void count_row_reads(const uint32_t* rows, Site site);  // 8 rows of 16 bytes: a phase of ldmatrix
inline void remember(Thread& thread, Kind kind, uint64_t address, int bytes, uint16_t site) {
  thread.accesses.push_back({address, site, static_cast<uint8_t>(bytes), kind});
  thread.warp->accessed = true;
}

void count_bulk(const void* from, size_t bytes, Site site);  // a contiguous part of a bulk copy
void count_bulk_writes(size_t bytes, Site site);

// proxies.cpp: whether the asynchronous proxy knows of this access of the generic one.
bool fenced(uint32_t stamp, const Thread& thread);

// An instruction of the asynchronous proxy that this thread issues reads words of 4 bytes in shared
// memory. async_read_begin() checks them; until async_read_end() no thread may write there.
// async_read_by() says that a unit has read there, whose clock this thread is going to learn.
void async_read_begin(Thread& thread, uint32_t address, uint32_t bytes, Site site);
void async_read_end(Block& block, uint32_t address, uint32_t bytes);
void async_read_by(Thread& thread, uint32_t address, uint32_t bytes, uint32_t stamp);

// mbarriers.cpp
uint32_t new_units(Block& block, uint32_t count, const char* op, Site site);  // the first one
Mbarrier& mbarrier_for_copy(Block& block, uint32_t at, Site site);
void complete_bytes(Block& block, const Transfer& transfer);
std::string describe_mbarriers(const Block& block);  // those that stand in a phase
void check_mbarriers_at_exit(const Block& block);

// bulk_copies.cpp
void start_transfer(Block& block, uint32_t to, std::vector<uint8_t> data,
                    std::vector<Source> sources, uint32_t barrier, Site site);
void end_drawn_transfer(Block& block);
inline void maybe_end_transfer(Block& block) {
  if (!block.transfers.empty() && machine.draw() % 64 < block.patience) end_drawn_transfer(block);
}
uint64_t sum_of(const uint8_t* data, size_t bytes);

// clusters.cpp
Block& block_of_rank(uint32_t rank, const char* what, Site site);  // fails if it has exited
bool known_of(const Block& other, uint32_t stamp);  // whether this thread knows of that access

// wgmma.cpp
void check_products_at_exit(const Thread& thread);

// registers.cpp
constexpr int kRegisters = 65536;   // for a block
constexpr int kMaxRegisters = 256;  // for a thread
void start_registers(Block& block);

// global_memory.cpp and shared_memory.cpp
void start_memory();              // for a launch
void start_shared(Block& block);  // for a block
void land(Thread& thread, int64_t before_group);
void start_landing(Thread& thread, uint32_t to, uint32_t bytes, Site site);  // a bulk copy begins
void start_landing_elsewhere(Block& other, uint32_t to, uint32_t bytes, Site site);
void end_landing(Block& block, uint32_t to, uint32_t bytes, uint32_t stamp);
void read_rows(Thread& thread, uint32_t address, void* to, Site site);  // 16 bytes, not counted
void mark_sector(uint64_t sector, bool store);  // for the count of unique sectors

}  // namespace simt
