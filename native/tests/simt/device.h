// The emulator's host side: memory, options and what a launch cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace simt {

// What a kernel did wrong: kernel, block, thread, source line, address and, for a race, the other
// access. The grid is abandoned where it stood.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  uint64_t seed = 1;         // draws the order of blocks, warps and lanes
  int resident_blocks = 64;  // how many blocks may wait for each other
};
Options& options();

// Memory that kernels can reach. It starts as 0xff bytes, a NaN in every float type, and reading
// what nobody wrote is an error. The name is what errors call it.
void* device_alloc(size_t bytes, const char* name);
void device_free(void* memory);
void copy_to_device(void* to, const void* from, size_t bytes);
void copy_from_device(void* to, const void* from, size_t bytes);  // waits, too
// The host has seen the kernels end: those to come may read before they have waited themselves.
void wait_for_kernels();
// From now on a kernel's write to the buffer is an error. It also makes reads cheaper.
void make_read_only(void* memory);

// Totals since the last reset.
struct Counters {
  // 32-byte sectors that warp instructions ask of global memory. `unique` counts a sector once per
  // launch: what must move when every cache is large enough.
  int64_t load_sectors, store_sectors;
  int64_t unique_load_sectors, unique_store_sectors;
  int64_t block_load_sectors;  // once per block: what L1 cannot serve from what the block has read
  int64_t atomics;
  // Passes through the 32 banks of shared memory, and how many there would be without conflicts.
  int64_t shared_wavefronts, shared_ideal;
  int64_t mma_bf16, mma_f16, mma_s8;  // warp instructions
  // Warp instructions: all that the emulator sees, which is no arithmetic of plain C++, and of them
  // those of two slower pipes (simt.h). Where lanes part ways, the longest way counts.
  int64_t issued, alu, mufu;
  // Products of warpgroups; clocks that they take of an H100 SM's tensor cores, n / 2 each (64 * 16 n
  // products, 2048 a clock); passes of 128 bytes that their operands take in shared memory, which is
  // the longer of the two when n is small and a in shared memory.
  int64_t wgmma, tensor_clocks, operand_wavefronts;
  int64_t barriers;                 // completed
  int64_t bulk_copies, bulk_bytes;  // of tensors too
  int64_t launches;
  int64_t early_launches;  // of these

  int64_t bank_conflicts() const { return shared_wavefronts - shared_ideal; }
  int64_t requested_bytes() const { return 32 * (load_sectors + store_sectors); }
  int64_t unique_bytes() const { return 32 * (unique_load_sectors + unique_store_sectors); }
};
Counters& counters();
// Sectors and bank conflicts by source line, for reading; since the last reset.
std::string traffic_by_line();
void reset_counters();

}  // namespace simt
