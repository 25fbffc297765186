// kv_copy: copies a page of the cache, shared out among the threads.
#include <cstring>

#include "cpu/kernels.h"

namespace bc::cpu {

void kv_copy(const KvCopyParams& p, ThreadPool& pool) {
  if (p.from == p.to) return;
  constexpr int64_t kPiece = 1024;  // bytes, of which a page is a multiple
  const auto copy = [&](void* base, int64_t bytes) {
    uint8_t* const out = static_cast<uint8_t*>(base) + p.to * bytes;
    const uint8_t* const in = static_cast<uint8_t*>(base) + p.from * bytes;
    pool.parallel_for(bytes / kPiece, 64, [&](int64_t begin, int64_t end, int) {
      std::memcpy(out + begin * kPiece, in + begin * kPiece,
                  static_cast<size_t>((end - begin) * kPiece));
    });
  };
  copy(p.pages, p.page_bytes);
  if (p.scales != nullptr) {
    const size_t bytes = static_cast<size_t>(p.page_scales) * sizeof(float);
    std::memcpy(p.scales + p.to * p.page_scales, p.scales + p.from * p.page_scales, bytes);
  }
}

}  // namespace bc::cpu
