// Bulk copies under way. Their bytes are read when a copy starts, and arrive when the seed says so.
#include <algorithm>

#include "memory.h"

namespace simt {

uint64_t sum_of(const uint8_t* data, size_t bytes) {  // FNV-1a over words of 8 bytes
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data + i, std::min<size_t>(8, bytes - i));
    sum = (sum ^ word) * 0x100000001b3u;
  }
  return sum;
}

void start_transfer(Block& block, uint32_t to, std::vector<uint8_t> data,
                    std::vector<Source> sources, uint32_t barrier, Site site) {
  check_sm_90a("a bulk copy", site);
  Thread& self = *machine.self;
  mbarrier_for_copy(block, barrier, site);
  const auto size = static_cast<uint32_t>(data.size());
  if (&block == self.warp->block) {
    start_landing(self, to, size, site);
  } else {
    start_landing_elsewhere(block, to, size, site);
  }
  count_bulk_writes(data.size(), site);
  ++counters().bulk_copies;
  counters().bulk_bytes += static_cast<int64_t>(data.size());
  // How eagerly copies end is drawn: soon (32), later, or (0) not before all threads wait.
  if (block.transfers.empty()) {
    constexpr uint32_t kPatience[] = {32, 8, 1, 0};
    block.patience = kPatience[machine.draw() % 4];
  }
  Transfer transfer;
  transfer.to = to;
  transfer.barrier = barrier;
  transfer.thread = &self;
  transfer.site = site;
  transfer.data = std::move(data);
  transfer.sources = std::move(sources);
  block.transfers.push_back(std::move(transfer));
}

void end_drawn_transfer(Block& block) {
  const size_t drawn = machine.draw() % block.transfers.size();
  const Transfer transfer = std::move(block.transfers[drawn]);
  block.transfers.erase(block.transfers.begin() + static_cast<std::ptrdiff_t>(drawn));
  Thread* const running = machine.self;
  machine.self = transfer.thread;  // errors are about this thread
  for (const Source& source : transfer.sources) {
    if (sum_of(source.data, source.bytes) != source.sum)
      error(transfer.site, "race: the bulk copy's source was written to while it was under way");
  }
  std::memcpy(block.shared.data() + transfer.to, transfer.data.data(), transfer.data.size());
  complete_bytes(block, transfer);
  machine.self = running;
}

void copy_bulk(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, Site site) {
  if (bytes == 0 || bytes % 16 != 0)
    error(site, "bulk copy: bytes have value %u, expected a multiple of 16", bytes);
  if (to % 16 != 0) error(site, "bulk copy of %u bytes to shared+%u: misaligned", bytes, to);
  if (reinterpret_cast<uintptr_t>(from) % 16 != 0)
    error(site, "bulk copy of %u bytes from %p: misaligned", bytes, from);
  bool may_change;
  const Source source = checked_source(from, bytes, may_change, site);
  count_bulk(from, bytes, site);
  std::vector<Source> sources;
  if (may_change) sources.push_back(source);
  start_transfer(*machine.self->warp->block, to, {source.data, source.data + bytes},
                 std::move(sources), barrier, site);
}

}  // namespace simt
