// Large buffers, and as many copies of one as leave the caches cold.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "random.h"
#include "thread_pool.h"

namespace bc::bench {

// The size of the last-level cache in bytes; 32 MiB if the system does not tell.
inline int64_t cache_bytes() {
  std::ifstream in("/sys/devices/system/cpu/cpu0/cache/index3/size");
  int64_t kib = 0;
  return in >> kib && kib > 0 ? kib * 1024 : int64_t{32} << 20;
}

class Memory {
 public:
  explicit Memory(int64_t bytes) : bytes_(bytes) {
    void* data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);  // a wish: without it more TLB misses
#endif
    data_ = static_cast<uint8_t*>(data);
  }
  ~Memory() { munmap(data_, static_cast<size_t>(bytes_)); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  uint8_t* bytes() const { return data_; }
  int64_t size() const { return bytes_; }

  void fill(uint64_t seed, ThreadPool& pool) {
    pool.parallel_for(bytes_ / 8, 1 << 17, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const uint64_t word = mix(seed + static_cast<uint64_t>(i));
        std::memcpy(data_ + 8 * i, &word, 8);
      }
    });
  }

 private:
  uint8_t* data_;
  int64_t bytes_;
};

// Copies of a buffer that are together four times the last-level cache. Each call takes the next one, as
// the layers of a model do.
class Copies {
 public:
  Copies(int64_t bytes, int64_t cache)
      : size_((bytes + 63) / 64 * 64),
        count_(std::max<int64_t>(1, (4 * cache + size_ - 1) / size_)),
        memory_(count_ * size_) {}

  uint8_t* first() const { return memory_.bytes(); }
  // Makes all alike.
  void spread() {
    for (int64_t i = 1; i < count_; ++i)
      std::memcpy(first() + i * size_, first(), static_cast<size_t>(size_));
  }
  uint8_t* next() {
    at_ = (at_ + 1) % count_;
    return first() + at_ * size_;
  }

 private:
  int64_t size_;
  int64_t count_;
  Memory memory_;
  int64_t at_ = 0;
};

}  // namespace bc::bench
