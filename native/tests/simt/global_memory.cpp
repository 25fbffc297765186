// Device buffers: every access is checked for bounds, alignment, initialisation and order.
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "memory.h"

namespace simt {
namespace {

// --- Buffers -------------------------------------------------------------------------------------

// Device addresses come from a reserved range without access: a slot per buffer, so that an address
// names its buffer even when it lies far outside of it.
constexpr int kSlotBits = 32;
constexpr size_t kSlots = 1024;
constexpr size_t kRange = kSlots << kSlotBits;
constexpr size_t kHeadroom = 1u << 20;  // addresses before the buffer that still belong to it

// Which thread wrote a word of global memory last, and which has read it: the block's number + 1 is in
// the upper half, a stamp as in SharedWord in the lower. If there are concurrent readers, the first is
// kept. From earlier launches only the number of the last one that wrote the word is kept.
struct GlobalWord {
  uint64_t write, read;
  uint32_t write_launch;
  uint16_t write_site, read_site;
  uint8_t write_bytes, read_bytes;
  bool atomic;
  bool constant;  // has been read by ld.global.nc
};
constexpr size_t kPageWords = 1024;  // stamps are forgotten page by page, on first use in a launch

struct Buffer {
  std::string name;
  uint8_t* address;  // on the device
  size_t bytes;
  bool read_only = false;
  bool computed = false;  // a kernel has written here since the host last waited
  bool complete = false;  // every byte holds something
  std::vector<uint8_t> data;
  std::vector<uint64_t> written;  // a bit per byte
  GlobalWord* words = nullptr;
  std::vector<uint32_t> page_launch;
  std::vector<uint64_t> loaded, stored;  // a bit per sector
  uint32_t sector_launch = 0;

  ~Buffer() { std::free(words); }
};

uint8_t* range = nullptr;
Buffer* slots[kSlots];
size_t next_slot = 0;
std::vector<size_t> computed_slots;

// The signal handlers that were there before: a JVM turns some faults into exceptions.
struct sigaction previous_segv, previous_bus;

void report_dereference(int signal, siginfo_t* info, void* context) {
  const auto at = static_cast<uint8_t*>(info->si_addr);
  if (machine.self != nullptr && range != nullptr && at >= range && at < range + kRange) {
    const Buffer* buffer = slots[static_cast<size_t>(at - range) >> kSlotBits];
    error({"", 0},
          "plain dereference of a device pointer (%s): use load() and store() of load.cuh or the "
          "functions of cuda/ptx",
          buffer == nullptr ? "no buffer" : buffer->name.c_str());
  }
  const struct sigaction& previous = signal == SIGSEGV ? previous_segv : previous_bus;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    std::signal(signal, SIG_DFL);  // nobody handles it: the fault comes again and ends the process
  }
}

void reserve_range() {
  if (range != nullptr) return;
  void* memory =
      mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  range = static_cast<uint8_t*>(memory);
  struct sigaction action = {};
  action.sa_sigaction = report_dereference;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;  // the handler leaves by switching fibers
  sigaction(SIGSEGV, &action, &previous_segv);
  sigaction(SIGBUS, &action, &previous_bus);
}

Buffer& buffer_of(const void* memory, const char* op) {
  const size_t offset = static_cast<size_t>(static_cast<const uint8_t*>(memory) - range);
  Buffer* buffer = range == nullptr || offset >= kRange ? nullptr : slots[offset >> kSlotBits];
  if (buffer == nullptr) error({"", 0}, "%s: %p is no device buffer", op, memory);
  return *buffer;
}

bool holds(const Buffer& buffer, size_t at, size_t bytes) {
  if (buffer.complete) return true;
  const uint64_t mask = (1ull << bytes) - 1;
  return ((buffer.written[at / 64] >> at % 64) & mask) == mask;
}

void mark_written(Buffer& buffer, size_t at, size_t bytes) {
  if (!buffer.complete) buffer.written[at / 64] |= ((1ull << bytes) - 1) << at % 64;
}

// Finds the buffer and the offset of an access, or says what is wrong with it.
Buffer& locate(const void* p, size_t bytes, size_t alignment, const char* what, bool writes,
               Site site, size_t& at) {
  const size_t offset = static_cast<size_t>(static_cast<const uint8_t*>(p) - range);
  Buffer* buffer = offset >= kRange ? nullptr : slots[offset >> kSlotBits];
  if (buffer == nullptr)
    error(site, "%s of %zu bytes at %p: no device buffer is there", what, bytes, p);
  at = (offset & ((size_t{1} << kSlotBits) - 1)) - kHeadroom;
  if (at + bytes > buffer->bytes || at > buffer->bytes) {
    error(site, "%s of %zu bytes at %s%+lld: out of bounds, the buffer has %zu bytes", what, bytes,
          buffer->name.c_str(), static_cast<long long>(at), buffer->bytes);
  }
  if (at % alignment != 0)
    error(site, "%s of %zu bytes at %s+%zu: misaligned", what, bytes, buffer->name.c_str(), at);
  // Until it has waited, a kernel may read only what no kernel has written, such as weights.
  if (writes && !buffer->computed) {
    buffer->computed = true;
    computed_slots.push_back(offset >> kSlotBits);
  }
  if (!machine.self->waited && buffer->computed) {
    error(site, "%s of %s+%zu before griddepcontrol_wait: the kernel before may not have ended",
          what, buffer->name.c_str(), at);
  }
  return *buffer;
}

// --- Order ---------------------------------------------------------------------------------------

bool before(uint64_t stamp, const Thread& thread) {
  const auto block = static_cast<uint32_t>(stamp >> 32) - 1;
  const auto in_block = static_cast<uint32_t>(stamp);
  if (block == thread.warp->block->number) return before(in_block, thread);
  const Clocks* known = thread.known->others.find(block);
  return known != nullptr && clock_of(in_block) <= known->of(in_block & kWho);
}

// A global word as one thread sees it.
struct Order {
  Thread& thread;
  Site site;
  uint16_t number;
  uint64_t stamp;
  Buffer& buffer;

  [[noreturn]] void race(const char* mine, const char* other, uint64_t stamp_, uint16_t site_,
                         size_t word) const {
    error(site, "race: %s of %s+%zu is concurrent with the %s by %s at %s", mine,
          buffer.name.c_str(), word * 4, other,
          thread_of(static_cast<uint32_t>(stamp_), static_cast<uint32_t>(stamp_ >> 32) - 1).c_str(),
          name_of(site_of(site_)).c_str());
  }

  void read(GlobalWord& word, uint8_t bytes, size_t index) const {
    if (word.write != 0 && (word.write_bytes & bytes) != 0 && !before(word.write, thread))
      race("load", "store", word.write, word.write_site, index);
    if (word.read == 0 || before(word.read, thread)) {
      word.read = stamp;
      word.read_site = number;
      word.read_bytes = bytes;
    } else {
      word.read_bytes |= bytes;
    }
  }

  // The compiler may move ld.global.nc to anywhere in the kernel, even before griddepcontrol.wait, and a
  // cache that learns of no writes may serve it. So nothing may write there while the kernel lives.
  void read_constant(GlobalWord& word, size_t index) const {
    const bool own = word.write != 0;
    if (own || word.write_launch >= machine.running) {
      error(
          site,
          "ld.global.nc of %s+%zu: %s wrote there, at %s; memory that is written while the kernel "
          "lives is read by plain loads",
          buffer.name.c_str(), index * 4,
          own ? "this kernel" : "a kernel that may not have ended when this one began",
          name_of(site_of(word.write_site)).c_str());
    }
    word.constant = true;
  }

  void write(GlobalWord& word, uint8_t bytes, bool atomic, size_t index) const {
    if (word.constant)
      error(site, "%s of %s+%zu: this kernel reads it by ld.global.nc at %s",
            atomic ? "atomic" : "store", buffer.name.c_str(), index * 4,
            name_of(site_of(word.read_site)).c_str());
    const bool after_write = word.write == 0 || before(word.write, thread);
    if (!after_write && (word.write_bytes & bytes) != 0 && !(atomic && word.atomic))
      race(atomic ? "atomic" : "store", word.atomic ? "atomic" : "store", word.write,
           word.write_site, index);
    if (word.read != 0 && (word.read_bytes & bytes) != 0 && !before(word.read, thread))
      race(atomic ? "atomic" : "store", "load", word.read, word.read_site, index);
    word.write_bytes = after_write ? bytes : static_cast<uint8_t>(word.write_bytes | bytes);
    word.write = stamp;
    word.write_launch = machine.launch;
    word.write_site = number;
    word.atomic = atomic;
  }
};

GlobalWord* words_at(Buffer& buffer, size_t word) {
  if (buffer.words == nullptr) {
    const size_t count = (buffer.bytes + 3) / 4;
    buffer.words = static_cast<GlobalWord*>(std::calloc(count, sizeof(GlobalWord)));
    if (buffer.words == nullptr) throw std::bad_alloc();
    buffer.page_launch.assign(count / kPageWords + 1, 0);
  }
  const size_t page = word / kPageWords;
  if (buffer.page_launch[page] != machine.launch) {
    buffer.page_launch[page] = machine.launch;
    const size_t count = (buffer.bytes + 3) / 4;
    const size_t end = std::min((page + 1) * kPageWords, count);
    for (size_t i = page * kPageWords; i < end; ++i) {
      GlobalWord fresh = {};
      fresh.write_launch = buffer.words[i].write_launch;
      fresh.write_site = buffer.words[i].write_site;
      buffer.words[i] = fresh;
    }
  }
  return buffer.words + word;
}

Order order_of(Buffer& buffer, Site site) {
  Thread& thread = *machine.self;
  const uint64_t block = uint64_t{thread.warp->block->number + 1} << 32;
  return {thread, site, number_of(site), block | stamp_of(thread), buffer};
}

}  // namespace

std::string thread_of(uint32_t stamp, uint32_t block) {
  const unsigned n = stamp & 1023u;
  const dim3 index(n % blockDim.x, n / blockDim.x % blockDim.y, n / blockDim.x / blockDim.y);
  const dim3 at(block % gridDim.x, block / gridDim.x % gridDim.y, block / gridDim.x / gridDim.y);
  return "block " + name_of(at) + " thread " + name_of(index);
}

const uint8_t* checked_load(const void* from, size_t bytes, Site site, bool constant) {
  size_t at;
  Buffer& buffer = locate(from, bytes, bytes, "load", false, site, at);
  if (!holds(buffer, at, bytes))
    error(site, "load of %zu bytes at %s+%zu: nothing was written there", bytes,
          buffer.name.c_str(), at);
  const Order order = order_of(buffer, site);
  if (!buffer.read_only) {
    GlobalWord* word = words_at(buffer, at / 4);
    for (size_t i = 0; i < (bytes + 3) / 4; ++i) {
      if (constant) order.read_constant(word[i], at / 4 + i);
      order.read(word[i], mask_of(at, bytes), at / 4 + i);
    }
  }
  remember(order.thread, Kind::global_load, reinterpret_cast<uint64_t>(from),
           static_cast<int>(bytes), order.number);
  return buffer.data.data() + at;
}

// The asynchronous proxy knows what earlier kernels wrote. fence_proxy_async() is about shared memory.
Source checked_source(const void* from, size_t bytes, bool& may_change, Site site) {
  size_t at;
  Buffer& buffer = locate(from, bytes, 1, "bulk copy", false, site, at);
  may_change = !buffer.read_only;
  if (may_change || !buffer.complete) {
    const Order order = order_of(buffer, site);
    for (size_t i = at, n; i < at + bytes; i += n) {
      n = std::min(4 - i % 4, at + bytes - i);
      if (!holds(buffer, i, n))
        error(site, "bulk copy from %s+%zu: nothing was written there", buffer.name.c_str(), i);
      if (!may_change) continue;
      const auto mask = static_cast<uint8_t>(((1u << n) - 1) << i % 4);
      GlobalWord& word = *words_at(buffer, i / 4);
      order.read(word, mask, i / 4);
      if (word.write != 0 && (word.write_bytes & mask) != 0) {
        error(site,
              "bulk copy from %s+%zu: the %s by %s at %s comes before it without a fence that "
              "covers global memory",
              buffer.name.c_str(), i, word.atomic ? "atomic" : "store",
              thread_of(static_cast<uint32_t>(word.write),
                        static_cast<uint32_t>(word.write >> 32) - 1)
                  .c_str(),
              name_of(site_of(word.write_site)).c_str());
      }
    }
  }
  const uint8_t* data = buffer.data.data() + at;
  return {data, bytes, may_change ? sum_of(data, bytes) : 0};
}

// --- The host's side -----------------------------------------------------------------------------

void* device_alloc(size_t bytes, const char* name) {
  reserve_range();
  size_t tries = 0;
  while (slots[next_slot] != nullptr) {
    next_slot = (next_slot + 1) % kSlots;
    if (++tries == kSlots) throw std::bad_alloc();
  }
  auto* buffer = new Buffer;
  buffer->name = name;
  buffer->address = range + (next_slot << kSlotBits) + kHeadroom;
  buffer->bytes = bytes;
  buffer->data.assign(bytes, 0xff);
  buffer->written.assign(bytes / 64 + 1, 0);
  slots[next_slot] = buffer;
  next_slot = (next_slot + 1) % kSlots;  // an address is not used again soon
  return buffer->address;
}

void device_free(void* memory) {
  if (memory == nullptr) return;
  Buffer& buffer = buffer_of(memory, "device_free");
  slots[static_cast<size_t>(buffer.address - range) >> kSlotBits] = nullptr;
  delete &buffer;
}

void copy_to_device(void* to, const void* from, size_t bytes) {
  Buffer& buffer = buffer_of(to, "copy_to_device");
  const size_t at = static_cast<size_t>(static_cast<uint8_t*>(to) - buffer.address);
  if (at + bytes > buffer.bytes || at > buffer.bytes)
    error({"", 0}, "copy_to_device: %s has %zu bytes, expected at least %zu", buffer.name.c_str(),
          buffer.bytes, at + bytes);
  if (bytes == 0) return;
  std::memcpy(buffer.data.data() + at, from, bytes);
  if (bytes == buffer.bytes) buffer.complete = true;
  for (size_t i = at; i < at + bytes; ++i) buffer.written[i / 64] |= 1ull << i % 64;
}

void copy_from_device(void* to, const void* from, size_t bytes) {
  const Buffer& buffer = buffer_of(from, "copy_from_device");
  const size_t at = static_cast<size_t>(static_cast<const uint8_t*>(from) - buffer.address);
  if (at + bytes > buffer.bytes || at > buffer.bytes)
    error({"", 0}, "copy_from_device: %s has %zu bytes, expected at least %zu", buffer.name.c_str(),
          buffer.bytes, at + bytes);
  if (bytes != 0) std::memcpy(to, buffer.data.data() + at, bytes);
  wait_for_kernels();
}

void wait_for_kernels() {
  for (const size_t slot : computed_slots) {
    if (slots[slot] != nullptr) slots[slot]->computed = false;
  }
  computed_slots.clear();
  machine.running = machine.launch + 1;
}

void make_read_only(void* memory) { buffer_of(memory, "make_read_only").read_only = true; }

// --- What kernels call ---------------------------------------------------------------------------

void start_memory() {
  reserve_range();
  machine.version = 1;
}

void global_load(void* to, const void* from, int bytes, Site site) {
  machine.self->polls = 0;
  copy(to, checked_load(from, static_cast<size_t>(bytes), site), static_cast<size_t>(bytes));
}

void global_load_constant(void* to, const void* from, int bytes, Site site) {
  machine.self->polls = 0;
  copy(to, checked_load(from, static_cast<size_t>(bytes), site, true), static_cast<size_t>(bytes));
}

void global_store(void* to, const void* from, int bytes, Site site) {
  machine.self->polls = 0;
  const auto n = static_cast<size_t>(bytes);
  size_t at;
  Buffer& buffer = locate(to, n, n, "store", true, site, at);
  if (buffer.read_only)
    error(site, "store of %zu bytes at %s+%zu: the buffer is an input", n, buffer.name.c_str(), at);
  const Order order = order_of(buffer, site);
  GlobalWord* word = words_at(buffer, at / 4);
  for (size_t i = 0; i < (n + 3) / 4; ++i) order.write(word[i], mask_of(at, n), false, at / 4 + i);
  copy(buffer.data.data() + at, from, n);
  mark_written(buffer, at, n);
  remember(order.thread, Kind::global_store, reinterpret_cast<uint64_t>(to), bytes, order.number);
  changed_global_memory();
}

uint32_t global_atomic(void* at, Change change, uint32_t operand, uint32_t expected,
                       bool acquire_release, Site site) {
  Thread& self = *machine.self;
  self.polls = 0;
  size_t offset;
  Buffer& buffer = locate(at, 4, 4, "atomic", true, site, offset);
  if (buffer.read_only)
    error(site, "atomic at %s+%zu: the buffer is an input", buffer.name.c_str(), offset);
  if (!holds(buffer, offset, 4))
    error(site, "atomic at %s+%zu: nothing was written there", buffer.name.c_str(), offset);
  uint32_t old;
  std::memcpy(&old, buffer.data.data() + offset, 4);
  const uint32_t changed = change(old, operand, expected);
  const Order order = order_of(buffer, site);
  order.write(*words_at(buffer, offset / 4), 15, true, offset / 4);
  ++counters().atomics;
  if (acquire_release) {
    OtherBlocks& released = machine.released[at];
    acquire(self, released);
    Clocks known;
    release(self, known);
    released.join(self.known->others);
    released.join(self.warp->block->number, known);
  }
  std::memcpy(buffer.data.data() + offset, &changed, 4);
  if (changed != old) changed_global_memory();
  return old;
}

void store_release(void* to, uint32_t value, Site site) {
  Thread& self = *machine.self;
  global_atomic(
      to, [](uint32_t, uint32_t operand, uint32_t) { return operand; }, value, 0, false, site);
  // No other thread runs before this function ends.
  Clocks known;
  release(self, known);
  OtherBlocks released = self.known->others;
  released.join(self.warp->block->number, known);
  machine.released[to] = std::move(released);
}

// --- Flags ---------------------------------------------------------------------------------------

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
  if (released != machine.released.end()) acquire(self, released->second);
  return value;
}

// --- Unique sectors ------------------------------------------------------------------------------

void mark_sector(uint64_t sector, bool store) {
  const uint64_t address = sector * 32;
  Buffer& buffer = buffer_of(reinterpret_cast<const void*>(address), "sector");
  if (buffer.sector_launch != machine.launch) {
    buffer.sector_launch = machine.launch;
    buffer.loaded.assign(buffer.bytes / 2048 + 1, 0);
    buffer.stored.assign(buffer.bytes / 2048 + 1, 0);
  }
  const uint64_t n = (address - reinterpret_cast<uint64_t>(buffer.address)) / 32;
  uint64_t& bits = (store ? buffer.stored : buffer.loaded)[n / 64];
  const uint64_t bit = 1ull << n % 64;
  if ((bits & bit) != 0) return;
  bits |= bit;
  ++(store ? counters().unique_store_sectors : counters().unique_load_sectors);
}

}  // namespace simt
