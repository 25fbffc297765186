// Shared memory of a block, and the copies that bring global memory there: every access is checked
// for bounds, alignment, initialisation and order.
#include "memory.h"

namespace simt {
namespace {

struct SharedOrder {
  Thread& thread;
  Site site;
  uint16_t number;
  uint32_t stamp;
  const char* writes = "store";

  [[noreturn]] void race(const char* mine, const char* other, uint32_t stamp_, uint16_t site_,
                         uint32_t word) const {
    if ((stamp_ & kWho) >= thread.warp->block->threads.size()) {
      const bool copy = std::strcmp(other, "store") == 0;
      error(site, "race: %s of shared+%u is concurrent with the %s at %s: this thread %s", mine,
            word * 4, copy ? "bulk copy" : "wgmma", name_of(site_of(site_)).c_str(),
            copy ? "has not waited for its mbarrier"
                 : "does not come after the wgmma_wait_group of all four warps");
    }
    error(site, "race: %s of shared+%u is concurrent with the %s by %s at %s", mine, word * 4,
          other, thread_of(stamp_, thread.warp->block->number).c_str(),
          name_of(site_of(site_)).c_str());
  }

  std::string name_of_thread(uint32_t stamp_) const {
    return thread_of(stamp_, thread.warp->block->number);
  }

  [[noreturn]] void busy(const char* mine, const SharedWord& word, uint32_t index) const {
    if ((word.state & kMbarrier) != 0)
      error(site, "%s of shared+%u: an mbarrier is there", mine, index * 4);
    if ((word.state & kLanding) != 0) {
      error(site, "%s of shared+%u: the %s by %s at %s has not been waited for", mine, index * 4,
            (word.state & kBulk) != 0 ? "bulk copy" : "cp.async",
            name_of_thread(word.write).c_str(), name_of(site_of(word.write_site)).c_str());
    }
    error(site, "early overwrite of shared+%u by a %s: still being read by the wgmma of %s at %s",
          index * 4, mine, name_of_thread(word.readers).c_str(),
          name_of(site_of(word.reader_site)).c_str());
  }

  [[noreturn]] void unfenced(const char* mine, uint32_t stamp_, uint16_t site_,
                             uint32_t index) const {
    error(site, "%s of shared+%u: the store by %s at %s comes before it without fence_proxy_async",
          mine, index * 4, name_of_thread(stamp_).c_str(), name_of(site_of(site_)).c_str());
  }

  void read(SharedWord& word, uint8_t bytes, uint32_t index) const {
    if (word.read == stamp && word.read_bytes == bytes && word.read_site == number &&
        (word.state & (kLanding | kMbarrier)) == 0)
      return;
    check_read(word, bytes, index);
    note_read(word, bytes);
  }

  void check_read(const SharedWord& word, uint8_t bytes, uint32_t index) const {
    if ((word.state & (kLanding | kMbarrier)) != 0) busy("load", word, index);
    if ((word.written & bytes) != bytes)
      error(site, "load of shared+%u: nothing was written there", index * 4);
    if ((word.write_bytes & bytes) != 0 && !before(word.write, thread))
      race("load", "store", word.write, word.write_site, index);
  }

  void note_read(SharedWord& word, uint8_t bytes) const {
    if (word.read == 0 || before(word.read, thread)) {
      word.read_bytes = bytes;
      if (word.other_read != 0 && !before(word.other_read, thread)) word.read_bytes = 15;
      word.read = stamp;
      word.read_site = number;
      return;
    }
    word.read_bytes |= bytes;
    const uint32_t warp = stamp >> 5 & 31u;
    const bool first_is_mine = (word.read >> 5 & 31u) == warp;
    if (word.other_read == 0 || before(word.other_read, thread) ||
        (!first_is_mine && (word.read >> 5 & 31u) == (word.other_read >> 5 & 31u))) {
      word.other_read = stamp;
    }
  }

  void write(SharedWord& word, uint8_t bytes, bool atomic, uint32_t index) const {
    if ((word.state & (kLanding | kMbarrier)) != 0 || word.readers != 0) busy(writes, word, index);
    const bool after_write = word.write == 0 || before(word.write, thread);
    const bool both_atomic = atomic && (word.state & kAtomic) != 0;
    if (!after_write && (word.write_bytes & bytes) != 0 && !both_atomic)
      race(writes, "store", word.write, word.write_site, index);
    if ((word.read_bytes & bytes) != 0) {
      if (word.read != 0 && !before(word.read, thread))
        race(writes, "load", word.read, word.read_site, index);
      if (word.other_read != 0 && !before(word.other_read, thread))
        race(writes, "load", word.other_read, word.read_site, index);
      word.read = word.other_read = 0;
      word.read_bytes = 0;
    }
    word.write_bytes = after_write ? bytes : static_cast<uint8_t>(word.write_bytes | bytes);
    word.write = stamp;
    word.write_site = number;
    word.written |= bytes;
    word.state = atomic ? kAtomic : 0;
  }
};

SharedOrder shared_order(Site site) {
  Thread& thread = *machine.self;
  return {thread, site, number_of(site), stamp_of(thread)};
}

void check_shared(uint32_t at, size_t bytes, const char* what, Site site) {
  if (at + bytes > machine.shared_bytes || at > machine.shared_bytes) {
    error(site, "%s of %zu bytes at shared%+d: out of bounds, the block has %zu bytes", what, bytes,
          static_cast<int32_t>(at), machine.shared_bytes);
  }
  if (at % bytes != 0) error(site, "%s of %zu bytes at shared+%u: misaligned", what, bytes, at);
}

void read_shared(const SharedOrder& order, uint32_t at, size_t bytes, void* to) {
  order.thread.polls = 0;
  check_shared(at, bytes, "load", order.site);
  Block& block = *order.thread.warp->block;
  for (uint32_t i = 0; i < (bytes + 3) / 4; ++i)
    order.read(block.words[at / 4 + i], mask_of(at, bytes), at / 4 + i);
  copy(to, block.shared.data() + at, bytes);
}

void write_shared(const SharedOrder& order, uint32_t at, size_t bytes, const void* from) {
  order.thread.polls = 0;
  check_shared(at, bytes, "store", order.site);
  Block& block = *order.thread.warp->block;
  for (uint32_t i = 0; i < (bytes + 3) / 4; ++i)
    order.write(block.words[at / 4 + i], mask_of(at, bytes), false, at / 4 + i);
  copy(block.shared.data() + at, from, bytes);
}

}  // namespace

void start_shared(Block& block) {
  const size_t words = (machine.shared_bytes + 3) / 4;
  block.shared.assign(words * 4, 0xff);
  block.words.assign(words, SharedWord{});
}

void shared_load(void* to, uint32_t from, int bytes, Site site) {
  const SharedOrder order = shared_order(site);
  read_shared(order, from, static_cast<size_t>(bytes), to);
  remember(order.thread, Kind::shared_load, from, bytes, order.number);
}

void shared_store(uint32_t to, const void* from, int bytes, Site site) {
  const SharedOrder order = shared_order(site);
  write_shared(order, to, static_cast<size_t>(bytes), from);
  remember(order.thread, Kind::shared_store, to, bytes, order.number);
}

uint32_t shared_atomic(uint32_t at, Change change, uint32_t operand, uint32_t expected, Site site) {
  const SharedOrder order = shared_order(site);
  check_shared(at, 4, "atomic", site);
  Block& block = *order.thread.warp->block;
  SharedWord& word = block.words[at / 4];
  if (word.written != 15) error(site, "atomic of shared+%u: nothing was written there", at);
  order.write(word, 15, true, at / 4);
  uint32_t old;
  std::memcpy(&old, block.shared.data() + at, 4);
  const uint32_t changed = change(old, operand, expected);
  std::memcpy(block.shared.data() + at, &changed, 4);
  remember(order.thread, Kind::shared_store, at, 4, order.number);
  return old;
}

void read_rows(Thread& thread, uint32_t address, void* to, Site site) {
  read_shared({thread, site, number_of(site), stamp_of(thread)}, address, 16, to);
}

// --- The asynchronous proxy ----------------------------------------------------------------------

static void check_bulk(uint32_t at, uint32_t bytes, const char* what, Site site) {
  if (at % 4 != 0) error(site, "%s of shared+%u: misaligned", what, at);
  if (uint64_t{at} + bytes > machine.shared_bytes) {
    error(site, "%s of %u bytes at shared%+d: out of bounds, the block has %zu bytes", what, bytes,
          static_cast<int32_t>(at), machine.shared_bytes);
  }
}

void start_landing(Thread& thread, uint32_t to, uint32_t bytes, Site site) {
  check_bulk(to, bytes, "bulk copy", site);
  const SharedOrder order{thread, site, number_of(site), stamp_of(thread), "bulk copy"};
  Block& block = *thread.warp->block;
  for (uint32_t i = to / 4; i < (to + bytes) / 4; ++i) {
    SharedWord& word = block.words[i];
    const SharedWord old = word;
    order.write(word, 15, false, i);
    if (old.write != 0 && (old.state & kBulk) == 0 && !fenced(old.write, thread))
      order.unfenced("bulk copy", old.write, old.write_site, i);
    word.state = kLanding | kBulk;
  }
  std::memset(block.shared.data() + to, 0xff, bytes);
}

// A bulk copy to another block of the cluster.
void start_landing_elsewhere(Block& other, uint32_t to, uint32_t bytes, Site site) {
  check_bulk(to, bytes, "bulk copy", site);
  const SharedOrder order{*machine.self, site, number_of(site), 0, "bulk copy"};
  for (uint32_t i = to / 4; i < (to + bytes) / 4; ++i) {
    SharedWord& word = other.words[i];
    if ((word.state & (kLanding | kMbarrier)) != 0 || word.readers != 0)
      order.busy("bulk copy", word, i);
    for (const uint32_t stamp : {word.write, word.read, word.other_read}) {
      if (known_of(other, stamp)) continue;
      const uint16_t at = stamp == word.write ? word.write_site : word.read_site;
      error(site,
            "race: bulk copy to shared+%u of block %s: this thread knows nothing of the access "
            "by %s at %s",
            i * 4, name_of(other.index).c_str(), thread_of(stamp, other.number).c_str(),
            name_of(site_of(at)).c_str());
    }
    word = SharedWord{};
    word.write_site = order.number;
    word.written = word.write_bytes = 15;
    word.state = kLanding | kBulk;
  }
  std::memset(other.shared.data() + to, 0xff, bytes);
}

void end_landing(Block& block, uint32_t to, uint32_t bytes, uint32_t stamp) {
  for (uint32_t i = to / 4; i < (to + bytes) / 4; ++i) {
    SharedWord& word = block.words[i];
    word.state = kBulk;
    word.write = stamp;
  }
}

constexpr uint32_t kOneReader = 1u << 10;

void async_read_begin(Thread& thread, uint32_t address, uint32_t bytes, Site site) {
  check_bulk(address, bytes, "asynchronous read", site);
  const SharedOrder order{thread, site, number_of(site), stamp_of(thread)};
  Block& block = *thread.warp->block;
  uint32_t known_fenced = 0;
  for (uint32_t i = address / 4; i < (address + bytes + 3) / 4; ++i) {
    SharedWord& word = block.words[i];
    order.check_read(word, 15, i);
    if ((word.state & kBulk) == 0 && word.write != known_fenced) {
      if (!fenced(word.write, thread))
        order.unfenced("asynchronous read", word.write, word.write_site, i);
      known_fenced = word.write;
    }
    const uint32_t readers = (word.readers & ~(kOneReader - 1)) + kOneReader;
    if (readers > 0xffff)
      error(site, "shared+%u: the emulator counts at most 63 asynchronous reads at a time", i * 4);
    word.readers = static_cast<uint16_t>(readers | (order.stamp & (kOneReader - 1)));
    word.reader_site = order.number;
  }
}

void async_read_end(Block& block, uint32_t address, uint32_t bytes) {
  for (uint32_t i = address / 4; i < (address + bytes + 3) / 4; ++i) {
    SharedWord& word = block.words[i];
    const uint32_t readers = word.readers - kOneReader;
    word.readers = static_cast<uint16_t>(readers < kOneReader ? 0 : readers);
  }
}

void async_read_by(Thread& thread, uint32_t address, uint32_t bytes, uint32_t stamp) {
  Block& block = *thread.warp->block;
  for (uint32_t i = address / 4; i < (address + bytes + 3) / 4; ++i) {
    SharedWord& word = block.words[i];
    SharedOrder{thread, {}, word.reader_site, stamp}.note_read(word, 15);
  }
}

// --- cp.async ------------------------------------------------------------------------------------

void copy_async(uint32_t to, const void* from, int bytes, int source_bytes, Site site) {
  SharedOrder order = shared_order(site);
  order.writes = "cp.async";
  const auto n = static_cast<size_t>(bytes);
  check_shared(to, n, "cp.async", site);
  Copy copy{to, bytes, order.thread.group, order.number, {}};
  if (source_bytes < 0 || source_bytes > bytes)
    error(site, "cp.async: source bytes have value %d, expected 0 to %d", source_bytes, bytes);
  if (reinterpret_cast<uintptr_t>(from) % n != 0)
    error(site, "cp.async of %d bytes from %p: misaligned", bytes, from);
  for (int i = 0; i < source_bytes;) {
    // Pieces are of a size that divides the end of a part.
    int piece = bytes;
    while (source_bytes - i < piece || i % piece != 0) piece /= 2;
    std::memcpy(
        copy.data + i,
        checked_load(static_cast<const uint8_t*>(from) + i, static_cast<size_t>(piece), site),
        static_cast<size_t>(piece));
    i += piece;
  }
  Block& block = *order.thread.warp->block;
  for (uint32_t i = 0; i < n / 4; ++i) {
    SharedWord& word = block.words[to / 4 + i];
    order.write(word, 15, false, to / 4 + i);
    word.state = kLanding;
  }
  std::memset(block.shared.data() + to, 0xff, n);
  remember(order.thread, Kind::shared_copy, to, bytes, order.number);
  order.thread.copies.push_back(copy);
}

void copy_async_commit(Site site) {
  if (!taken_out("cp.async.commit_group", site)) ++machine.self->group;
}

void land(Thread& thread, int64_t before_group) {
  Block& block = *thread.warp->block;
  const uint32_t stamp = stamp_of(thread);
  size_t landed = 0;
  while (landed < thread.copies.size() && thread.copies[landed].group < before_group) {
    const Copy& copy = thread.copies[landed++];
    std::memcpy(block.shared.data() + copy.to, copy.data, static_cast<size_t>(copy.bytes));
    for (uint32_t i = 0; i < static_cast<uint32_t>(copy.bytes) / 4; ++i) {
      SharedWord& word = block.words[copy.to / 4 + i];
      word.state = 0;
      word.write = stamp;
      word.write_bytes = 15;
    }
  }
  thread.copies.erase(thread.copies.begin(),
                      thread.copies.begin() + static_cast<std::ptrdiff_t>(landed));
}

void copy_async_wait(int groups_left, Site site) {
  if (taken_out("cp.async.wait_group", site)) return;
  Thread& thread = *machine.self;
  if (groups_left < -1)
    error(site, "cp.async.wait_group: has value %d, expected at least 0", groups_left);
  land(thread, groups_left < 0 ? thread.group + 1 : thread.group - groups_left);
}

}  // namespace simt
