// Which accesses of a warp's lanes are one instruction, and what they cost.
//
// Between two places where the lanes meet, the k-th access of each lane from one source line is
// taken to be the k-th execution of one instruction.
#include <algorithm>
#include <map>

#include "machine.h"

namespace simt {
namespace {

struct Line {
  int64_t instructions, sectors, wavefronts, ideal;
};
std::map<uint16_t, Line> lines;

// Instructions without memory: lanes that stayed together executed the same ones.
void count_executed(Warp& warp) {
  std::array<uint32_t, 3> most{};
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    Thread& thread = warp.threads[lane];
    for (size_t pipe = 0; pipe < most.size(); ++pipe)
      most[pipe] = std::max(most[pipe], thread.executed[pipe]);
    thread.executed = {};
  }
  counters().issued += most[0] + most[1] + most[2];
  counters().alu += most[static_cast<size_t>(Pipe::alu)];
  counters().mufu += most[static_cast<size_t>(Pipe::mufu)];
}

// 32-byte sectors of up to 32 aligned accesses of at most 16 bytes: each lies in one.
void count_global(Block& block, const Access* const* access, size_t n) {
  uint64_t sectors[kLanes];
  bool sorted = true;
  for (size_t i = 0; i < n; ++i) {
    sectors[i] = access[i]->address / 32;
    sorted &= i == 0 || sectors[i - 1] <= sectors[i];
  }
  if (!sorted) std::sort(sectors, sectors + n);
  const auto distinct = static_cast<size_t>(std::unique(sectors, sectors + n) - sectors);
  const bool store = access[0]->kind == Kind::global_store;
  for (size_t i = 0; i < distinct; ++i) {
    mark_sector(sectors[i], store);
    if (!store && block.loaded.insert(sectors[i]).second) ++counters().block_load_sectors;
  }
  (store ? counters().store_sectors : counters().load_sectors) += static_cast<int64_t>(distinct);
  Line& line = lines[access[0]->site];
  ++line.instructions;
  line.sectors += static_cast<int64_t>(distinct);
}

// How many passes a set of words takes: a bank gives one word a pass, to every lane that asks for it.
int64_t passes(const uint32_t* words, size_t n) {
  uint32_t seen[kLanes][kLanes];
  uint8_t count[kLanes] = {};
  uint8_t worst = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bank = words[i] % kLanes;
    uint8_t j = 0;
    while (j < count[bank] && seen[bank][j] != words[i]) ++j;
    if (j < count[bank]) continue;
    seen[bank][j] = words[i];
    worst = std::max(worst, ++count[bank]);
  }
  return worst;
}

void add_wavefronts(uint16_t site, int64_t wavefronts, int64_t ideal) {
  counters().shared_wavefronts += wavefronts;
  counters().shared_ideal += ideal;
  Line& line = lines[site];
  ++line.instructions;
  line.wavefronts += wavefronts;
  line.ideal += ideal;
}

// With up to 4 bytes a lane the whole warp goes in one phase, with 8 bytes in two halves, with 16 in
// four quarters.
void count_shared(const Access* const* access, const uint8_t* lanes, size_t n) {
  const uint32_t bytes = access[0]->bytes;
  const uint32_t in_phase = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  int64_t wavefronts = 0;
  int64_t ideal = 0;
  for (size_t i = 0; i < n;) {
    const uint32_t phase = lanes[i] / in_phase;
    uint32_t words[kLanes];
    size_t count = 0;
    for (; i < n && lanes[i] / in_phase == phase; ++i) {
      for (uint32_t w = 0; w < (bytes + 3) / 4; ++w)
        words[count++] = static_cast<uint32_t>(access[i]->address / 4) + w;
    }
    wavefronts += passes(words, count);
    ++ideal;
  }
  add_wavefronts(access[0]->site, wavefronts, ideal);
}

void count_instruction(Warp& warp, const Access* const* access, const uint8_t* lanes, size_t n) {
  const Kind kind = access[0]->kind;
  if (kind != Kind::shared_copy) ++counters().issued;
  if (kind == Kind::global_load || kind == Kind::global_store) {
    count_global(*warp.block, access, n);
  } else {
    count_shared(access, lanes, n);
  }
}

// For lanes that took different ways, the k-th access from a line is found by counting.
void count_diverged(Warp& warp) {
  struct Entry {
    uint32_t key;  // site and kind
    uint32_t k;
    uint8_t lane;
    const Access* access;
  };
  std::vector<Entry> entries;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    std::map<uint32_t, uint32_t> executed;
    for (const Access& access : warp.threads[lane].accesses) {
      const uint32_t key = uint32_t{access.site} << 8 | static_cast<uint32_t>(access.kind);
      entries.push_back({key, executed[key]++, static_cast<uint8_t>(lane), &access});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.key != b.key) return a.key < b.key;
    if (a.k != b.k) return a.k < b.k;
    return a.lane < b.lane;
  });
  for (size_t i = 0; i < entries.size();) {
    const Access* access[kLanes] = {};
    uint8_t lanes[kLanes];
    size_t n = 0;
    const Entry& first = entries[i];
    for (; i < entries.size() && entries[i].key == first.key && entries[i].k == first.k; ++i) {
      access[n] = entries[i].access;
      lanes[n++] = entries[i].lane;
    }
    count_instruction(warp, access, lanes, n);
  }
}

}  // namespace

void count_accesses(Warp& warp) {
  warp.accessed = false;
  count_executed(warp);
  uint8_t lanes[kLanes];
  size_t active = 0;
  bool alike = true;
  size_t length = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const size_t n = warp.threads[lane].accesses.size();
    if (n == 0) continue;
    alike &= active == 0 || n == length;
    length = n;
    lanes[active++] = static_cast<uint8_t>(lane);
  }
  for (size_t i = 0; alike && i < length; ++i) {
    const Access& first = warp.threads[lanes[0]].accesses[i];
    for (size_t l = 1; l < active; ++l) {
      const Access& other = warp.threads[lanes[l]].accesses[i];
      alike &= other.site == first.site && other.kind == first.kind && other.bytes == first.bytes;
    }
  }
  if (!alike) {
    count_diverged(warp);
  } else {
    for (size_t i = 0; i < length; ++i) {
      const Access* access[kLanes];
      for (size_t l = 0; l < active; ++l) access[l] = &warp.threads[lanes[l]].accesses[i];
      count_instruction(warp, access, lanes, active);
    }
  }
  for (size_t l = 0; l < active; ++l) warp.threads[lanes[l]].accesses.clear();
}

void count_bulk(const void* from, size_t bytes, Site site) {
  const auto begin = reinterpret_cast<uint64_t>(from) / 32;
  const auto end = (reinterpret_cast<uint64_t>(from) + bytes + 31) / 32;
  for (uint64_t sector = begin; sector < end; ++sector) mark_sector(sector, false);
  counters().load_sectors += static_cast<int64_t>(end - begin);
  counters().block_load_sectors += static_cast<int64_t>(end - begin);  // bulk copies bypass L1
  lines[number_of(site)].sectors += static_cast<int64_t>(end - begin);
}

// The copy unit writes whole rows of banks.
void count_bulk_writes(size_t bytes, Site site) {
  const auto wavefronts = static_cast<int64_t>((bytes + 127) / 128);
  add_wavefronts(number_of(site), wavefronts, wavefronts);
}

// A row of 16 bytes takes four neighbouring banks, one of eight groups: rows of one group take
// turns.
void count_row_reads(const uint32_t* rows, Site site) {
  int64_t worst = 1;
  for (int i = 1; i < 8; ++i) {
    int64_t turn = 1;
    for (int j = 0; j < i; ++j) {
      if (rows[j] / 16 % 8 != rows[i] / 16 % 8) continue;
      if (rows[j] == rows[i]) {  // the same words: served together
        turn = 1;
        break;
      }
      ++turn;
    }
    worst = std::max(worst, turn);
  }
  add_wavefronts(number_of(site), worst, 1);
}

void executed(Pipe pipe) {
  Thread& self = *machine.self;
  ++self.executed[static_cast<size_t>(pipe)];
  self.warp->accessed = true;
}

Counters& counters() {
  static Counters all{};
  return all;
}

void reset_counters() {
  counters() = Counters{};
  lines.clear();
}

std::string traffic_by_line() {
  std::string text;
  char row[200];
  for (const auto& entry : lines) {
    const Line& line = entry.second;
    std::snprintf(row, sizeof row,
                  "%-28s %10lld instructions %12lld sectors %10lld wavefronts %+lld\n",
                  name_of(site_of(entry.first)).c_str(), static_cast<long long>(line.instructions),
                  static_cast<long long>(line.sectors), static_cast<long long>(line.wavefronts),
                  static_cast<long long>(line.wavefronts - line.ideal));
    text += row;
  }
  return text;
}

}  // namespace simt
