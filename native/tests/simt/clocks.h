// What happens before what, down to the single thread: vector clocks, kept sparse (docs/emulator.md).
//
// A warp's clock ticks whenever one of its threads publishes something (__syncwarp, a barrier, a
// release). An access is stamped with its warp's clock and with the thread that made it. A thread that
// knows of a warp up to a clock comes after the accesses of all its lanes up to then. A lane that
// released alone, such as the one that arrives at an mbarrier for its warp, is tracked apart: what it
// released covers its own accesses and what it knew, and of the other lanes only what they had told it.
//
// Beside each clock stands the point up to which accesses through the generic proxy are also known to
// the asynchronous one, because a thread that knew of them has fenced.
//
// A bulk copy is the access of no thread. Each mbarrier that copies complete on has a number after
// those of the block's threads, a unit, and a thread that waits for a phase learns the unit's clock.
// Each warp's share of the products of its warpgroup has a unit too (wgmma.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace simt {

using Clock = uint32_t;

struct Known {
  Clock clock = 0;
  Clock fenced = 0;
};

class Clocks {
 public:
  // The clock up to which a thread or a unit is known.
  Clock of(uint32_t who) const;
  Clock fenced_of(uint32_t who) const;

  void learn_warp(uint32_t warp, Clock clock);
  void learn_unit(uint32_t unit, Clock clock);
  void learn_thread(uint32_t thread, Clock clock);
  void join(const Clocks& other);
  bool covers(const Clocks& other) const;
  void keep_common(const Clocks& other);  // what both know
  void fence();                           // fences all that is known here

 private:
  struct Lane {
    uint32_t thread;
    Known known;
  };
  Known at(uint32_t who) const;
  Known& place(size_t index);
  void drop_known_lanes();  // those whose warp's entry says as much

  std::vector<Known> warps_;  // units follow the warps
  std::vector<Lane> lanes_;   // sorted by thread
};

// What is known of other blocks. They are few, so this is a list.
class OtherBlocks {
 public:
  const Clocks* find(uint32_t block) const;
  void join(uint32_t block, const Clocks& clocks);
  void join(const OtherBlocks& others);
  const std::vector<std::pair<uint32_t, Clocks>>& all() const { return all_; }

 private:
  std::vector<std::pair<uint32_t, Clocks>> all_;
};

struct Knowledge {
  Clocks block;  // its own block
  OtherBlocks others;

  void join(const Knowledge& other) {
    block.join(other.block);
    others.join(other.others);
  }
};

}  // namespace simt
