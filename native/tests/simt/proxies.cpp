// Fences between the generic proxy, through which loads and stores go, and the asynchronous one.
#include <algorithm>

#include "memory.h"

namespace simt {

// The fence may be by a thread that knew of the access, or by the one that made it if this thread knows
// of that fence.
bool fenced(uint32_t stamp, const Thread& thread) {
  const Clock clock = clock_of(stamp);
  const uint32_t who = stamp & kWho;
  const Clocks& known = thread.known->block;
  if (clock <= known.fenced_of(who)) return true;
  const Thread& writer = thread.warp->block->threads[who];
  const auto fence = std::lower_bound(writer.fences.begin(), writer.fences.end(), clock);
  return fence != writer.fences.end() && (&writer == &thread || *fence <= known.of(who));
}

static void fence_initialised(const Thread& self) {
  for (auto& entry : self.warp->block->mbarriers)
    entry.second.fenced |= entry.second.initializer == &self;
}

void fence_mbarrier_init(Site site) {
  if (!taken_out("fence.mbarrier_init", site)) fence_initialised(*machine.self);
}

void fence_proxy_async(Site site) {
  if (taken_out("fence.proxy.async", site)) return;
  fence_initialised(*machine.self);
  Thread& self = *machine.self;
  own_knowledge(self).block.fence();
  self.accessed = self.warp->clock;
  self.fences.push_back(self.accessed);
  tick(*self.warp);  // what comes now is not fenced
}

}  // namespace simt
