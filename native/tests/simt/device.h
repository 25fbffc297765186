// The emulator's host side: memory, options and what a launch cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace simt {

// What a kernel did wrong. The message names kernel, block, thread, source line, address and, for a
// race, the other access. The grid is abandoned where it stood.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  uint64_t seed = 1;         // draws the order of blocks, warps and lanes
  int resident_blocks = 64;  // how many blocks may wait for each other
};
Options& options();

// Memory that kernels can reach. It starts as 0xff bytes, a NaN in every float type, and reading bytes
// that were never written is an error. Errors call the memory by `name`.
void* device_alloc(size_t bytes, const char* name);
void device_free(void* memory);
void copy_to_device(void* to, const void* from, size_t bytes);
void copy_from_device(void* to, const void* from, size_t bytes);  // waits, too
// Says that the host has seen all kernels end. Later kernels may then read what those wrote before they
// have waited themselves.
void wait_for_kernels();
// From now on a kernel's write to the buffer is an error. It also makes reads cheaper.
void make_read_only(void* memory);

// Totals since the last reset.
struct Counters {
  // 32-byte sectors that warp instructions ask of global memory. `unique` counts a sector once per
  // launch, which is what must move even if every cache is large enough.
  int64_t load_sectors, store_sectors;
  int64_t unique_load_sectors, unique_store_sectors;
  int64_t block_load_sectors;  // each once per block: L1 cannot serve a block's first read of it
  int64_t atomics;
  // Passes through the 32 banks of shared memory, and how many there would be without conflicts.
  int64_t shared_wavefronts, shared_ideal;
  int64_t mma_bf16, mma_f16, mma_s8;  // warp instructions
  // Warp instructions that the emulator sees, which excludes arithmetic in plain C++; alu and mufu are
  // those of two slower pipes (simt.h). If lanes part ways, the longest way counts.
  int64_t issued, alu, mufu;
  // Products of warpgroups; the clocks that they keep an H100 SM's tensor cores busy, n / 2 each (64 *
  // 16 n products, 2048 a clock); and the passes of 128 bytes that their operands take in shared memory,
  // which last longer than the products when n is small and a is in shared memory.
  int64_t wgmma, tensor_clocks, operand_wavefronts;
  int64_t barriers;                 // completed
  int64_t bulk_copies, bulk_bytes;  // copies of tensors included
  int64_t launches;
  int64_t early_launches;  // how many of these start early

  int64_t bank_conflicts() const { return shared_wavefronts - shared_ideal; }
  int64_t requested_bytes() const { return 32 * (load_sectors + store_sectors); }
  int64_t unique_bytes() const { return 32 * (unique_load_sectors + unique_store_sectors); }
};
Counters& counters();
// Sectors and bank conflicts by source line since the last reset, as a text for people.
std::string traffic_by_line();
void reset_counters();

}  // namespace simt
