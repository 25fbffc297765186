// Fences between the generic proxy, through which loads and stores go, and the asynchronous one.
#include <algorithm>

#include "memory.h"

namespace simt {

// By a thread that knew of the access, or by the one that made it, in a fence that this one knows.
bool fenced(uint32_t stamp, const Thread& thread) {
  const Clock clock = stamp >> 10;
  const uint32_t warp = stamp >> 5 & 31u;
  if (clock <= thread.known[2 * warp + 1]) return true;
  const Thread& writer = thread.warp->block->warps[warp].threads[stamp & 31u];
  const auto fence = std::lower_bound(writer.fences.begin(), writer.fences.end(), clock);
  return fence != writer.fences.end() && (&writer == &thread || *fence <= thread.known[2 * warp]);
}

void fence_mbarrier_init(Site) {
  const Thread& self = *machine.self;
  for (auto& entry : self.warp->block->mbarriers)
    entry.second.fenced |= entry.second.initializer == &self;
}

void fence_proxy_async(Site site) {
  fence_mbarrier_init(site);
  Thread& self = *machine.self;
  Clocks& clocks = own_clocks(self);
  for (size_t i = 0; i < clocks.size(); i += 2) clocks[i + 1] = std::max(clocks[i], clocks[i + 1]);
  self.fences.push_back(self.warp->clock);
  tick(*self.warp);  // what comes now is not fenced
}

}  // namespace simt
