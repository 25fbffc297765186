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

inline uint32_t stamp_of(const Thread& thread) {
  return thread.warp->clock << 10 | thread.warp->index << 5 | thread.lane;
}

// Whether the access with this stamp, of this block, comes before what the thread does now.
inline bool before(uint32_t stamp, const Thread& thread) {
  const uint32_t self = thread.warp->index << 5 | thread.lane;
  return (stamp & 1023u) == self || stamp >> 10 <= thread.known[stamp >> 4 & 62u];
}

// Bits of the bytes that an access touches in each of its words.
inline uint8_t mask_of(size_t at, size_t bytes) {
  return bytes >= 4 ? uint8_t{15} : static_cast<uint8_t>(((1u << bytes) - 1) << at % 4);
}

std::string thread_of(uint32_t stamp, uint32_t block);  // as messages name it

// Global memory that has been checked for a load of that many bytes, which is counted.
const uint8_t* checked_load(const void* from, size_t bytes, Site site);

// The same for a part of a bulk copy, of any length, which is not counted.
Source checked_source(const void* from, size_t bytes, bool& may_change, Site site);

}  // namespace simt
