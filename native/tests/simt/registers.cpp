// Registers that the warpgroups of a block hand to each other (setmaxnreg).
#include <algorithm>

#include "machine.h"

namespace simt {
namespace {

// Warpgroups that wait get registers in the order in which they came.
void serve(Block& block) {
  while (!block.wait_for_registers.empty()) {
    Warpgroup& group = *block.wait_for_registers.front();
    const int needed = (static_cast<int>(group.detail) - group.registers) * kWarpgroup;
    if (needed > block.free_registers) return;
    block.free_registers -= needed;
    group.registers = static_cast<int>(group.detail);
    block.wait_for_registers.erase(block.wait_for_registers.begin());
    set_ready(group, true);
  }
}

void less(Warpgroup& group) {
  const auto count = static_cast<int>(group.detail);
  if (count > group.registers)
    error(group.site, "setmaxnreg.dec: has value %d, the warpgroup has %d", count, group.registers);
  Block& block = *group.threads->warp->block;
  block.free_registers += (group.registers - count) * kWarpgroup;
  group.registers = count;
  serve(block);
}

void more(Warpgroup& group) {
  const auto count = static_cast<int>(group.detail);
  if (count < group.registers)
    error(group.site, "setmaxnreg.inc: has value %d, the warpgroup has %d", count, group.registers);
  for (int i = 0; i < kWarpgroup; ++i) group.threads[i].wait = Wait::registers;
  set_ready(group, false);
  Block& block = *group.threads->warp->block;
  block.wait_for_registers.push_back(&group);
  serve(block);
}

}  // namespace

// A launch gives each thread the largest multiple of 8 that all of them can have. The block cannot use
// what is left of the 65536.
void start_registers(Block& block) {
  const auto threads = static_cast<int>(block.threads.size());
  const int each = std::min(kMaxRegisters, kRegisters / threads / 8 * 8);
  block.free_registers = 0;
  block.wait_for_registers.clear();
  for (Warpgroup& group : block.warpgroups) group.registers = each;
}

void set_max_registers(int count, bool up, Site site) {
  if (count % 8 != 0 || count < 24 || count > kMaxRegisters)
    error(site, "setmaxnreg: has value %d, expected a multiple of 8 from 24 to 256", count);
  meet_warpgroup(up ? "setmaxnreg.inc" : "setmaxnreg.dec", count, nullptr, up ? more : less, site);
}

}  // namespace simt
