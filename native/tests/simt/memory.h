// What global_memory.cpp and shared_memory.cpp have in common.
#pragma once

#include <cstring>

#include "machine.h"

namespace simt {

// memcpy of a size that is not known to the compiler is a call.
inline void copy(void* to, const void* from, size_t bytes) {
  switch (bytes) {
    case 1:
      std::memcpy(to, from, 1);
      return;
    case 2:
      std::memcpy(to, from, 2);
      return;
    case 4:
      std::memcpy(to, from, 4);
      return;
    case 8:
      std::memcpy(to, from, 8);
      return;
    default:
      std::memcpy(to, from, 16);
  }
}

constexpr uint32_t kWho = 1023;  // the bits of a stamp that name a thread or unit
inline Clock clock_of(uint32_t stamp) { return stamp >> 10; }
inline uint32_t stamp_of(Clock clock, uint32_t who) { return clock << 10 | who; }

// The stamp of an access that the thread makes now.
inline uint32_t stamp_of(Thread& thread) {
  thread.accessed = thread.warp->clock;
  return stamp_of(thread.accessed, number_of(thread));
}

// Whether the access of this block with this stamp comes before what the thread does now.
inline bool before(uint32_t stamp, const Thread& thread) {
  const uint32_t who = stamp & kWho;
  return who == number_of(thread) || clock_of(stamp) <= thread.known->block.of(who);
}

// Bits of the bytes that an access touches in each of its words.
inline uint8_t mask_of(size_t at, size_t bytes) {
  return bytes >= 4 ? uint8_t{15} : static_cast<uint8_t>(((1u << bytes) - 1) << at % 4);
}

std::string thread_of(uint32_t stamp, uint32_t block);  // as messages name it

// Checks and counts a load of that many bytes, and returns where they lie. constant: the load is
// ld.global.nc.
const uint8_t* checked_load(const void* from, size_t bytes, Site site, bool constant = false);

// The same for a part of a bulk copy. It has any length and is not counted.
Source checked_source(const void* from, size_t bytes, bool& may_change, Site site);

}  // namespace simt
