// What happens before what, to the thread: vector clocks, kept sparse.
//
// A warp's clock ticks whenever one of its threads publishes something (__syncwarp, a barrier, a
// release). An access is stamped with its warp's clock and with who made it. Somebody who knows of a
// warp up to a clock comes after the accesses of all its lanes up to then. A lane that released
// alone, such as the one that arrives at an mbarrier for its warp, is known apart: what it released
// covers its own accesses and what it knew, and of the other lanes only what they had told it.
//
// Beside each clock stands up to where accesses through the generic proxy are also known to the
// asynchronous one, because somebody knew of them and fenced.
//
// A bulk copy is the access of nobody's thread: each mbarrier that copies complete on has a number
// after those of the block's threads, a unit, and who waits for a phase learns its clock. So has each
// warp's share of the products of its warpgroup (wgmma.cpp).
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
  // Of a thread or a unit.
  Clock of(uint32_t who) const;
  Clock fenced_of(uint32_t who) const;

  void learn_warp(uint32_t warp, Clock clock);
  void learn_unit(uint32_t unit, Clock clock);
  void learn_thread(uint32_t thread, Clock clock);
  void join(const Clocks& other);
  bool covers(const Clocks& other) const;
  void keep_common(const Clocks& other);  // what both know
  void fence();                           // all that is known here

 private:
  struct Lane {
    uint32_t thread;
    Known known;
  };
  Known at(uint32_t who) const;
  Known& place(size_t index);
  void drop_known_lanes();  // of which their warps say as much

  std::vector<Known> warps_;  // and units after them
  std::vector<Lane> lanes_;   // by thread
};

// What is known of other blocks. Few, so a list.
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
  Clocks block;  // of its own
  OtherBlocks others;

  void join(const Knowledge& other) {
    block.join(other.block);
    others.join(other.others);
  }
};

}  // namespace simt
