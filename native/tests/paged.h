// Ragged batches over a pool of pages in no particular order.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "check.h"
#include "ops.h"

namespace bc::test {

// A sequence of the batch: positions in the cache before the call, and tokens of the call.
struct Sequence {
  int64_t past;
  int64_t tokens;
};

struct Batch {
  explicit Batch(const std::vector<Sequence>& sequences) : offsets{0} {
    for (const Sequence& s : sequences) {
      for (int64_t i = 0; i < s.tokens; ++i) positions.push_back(static_cast<int32_t>(s.past + i));
      offsets.push_back(static_cast<int32_t>(positions.size()));
      width = std::max(width, (s.past + s.tokens + kPageSize - 1) / kPageSize);
    }
    // A page more than there is use for, and the highest numbers first: neighbours are never in
    // order.
    pages = static_cast<int64_t>(sequences.size()) * width + 1;
    int32_t next = static_cast<int32_t>(pages) - 1;
    for (const Sequence& s : sequences) {
      const int64_t used = (s.past + s.tokens + kPageSize - 1) / kPageSize;
      for (int64_t i = 0; i < width; ++i) table.push_back(i < used ? next-- : -1);
    }
  }

  Ragged ragged() const {
    const int64_t B = static_cast<int64_t>(offsets.size()) - 1;
    return {positions.data(),
            offsets.data(),
            table.data(),
            static_cast<int64_t>(positions.size()),
            B,
            width,
            pages};
  }

  std::vector<int32_t> positions;
  std::vector<int32_t> offsets;
  std::vector<int32_t> table;
  int64_t width = 1;
  int64_t pages = 0;
};

// Pages [pages,2,G,64,D] whose every number is NaN (i8: whose every scale is).
struct Cache {
  Cache(Type type_, int64_t pages, int64_t G_, int64_t D_)
      : type(type_),
        G(G_),
        D(D_),
        bytes(static_cast<size_t>(pages * 2 * G * kPageSize * D * element_bytes(type_)), 0xff),
        scales(type_ == Type::i8 ? static_cast<size_t>(pages * 2 * G * kPageSize) : 0,
               std::numeric_limits<float>::quiet_NaN()) {}

  int64_t row(const Ragged& r, int64_t b, int64_t kv, int64_t g, int64_t position) const {
    return ((r.table[b * r.P + position / kPageSize] * 2 + kv) * G + g) * kPageSize +
           position % kPageSize;
  }
  float* scale_data() { return scales.empty() ? nullptr : scales.data(); }

  void put(int64_t index, float x) {
    if (type == Type::f32) reinterpret_cast<float*>(bytes.data())[index] = x;
    if (type == Type::f16) reinterpret_cast<f16*>(bytes.data())[index] = to_f16(x);
    if (type == Type::bf16) reinterpret_cast<bf16*>(bytes.data())[index] = to_bf16(x);
    if (type == Type::i8)
      reinterpret_cast<int8_t*>(bytes.data())[index] = static_cast<int8_t>(std::lround(x));
  }

  // Keys and values of every position that the batch sees; all other slots stay NaN.
  void fill(const Ragged& r, Random& random) {
    for (int64_t b = 0; b < r.B; ++b) {
      const int64_t n = r.positions[r.offsets[b + 1] - 1] + 1;
      for (int64_t i = 0; i < n * 2 * G; ++i) {
        const int64_t at = row(r, b, i % 2, i / 2 % G, i / 2 / G);
        if (type == Type::i8)
          scales[static_cast<size_t>(at)] = 0.002f + 0.02f * static_cast<float>(random.uniform());
        for (int64_t d = 0; d < D; ++d) {
          put(at * D + d,
              type == Type::i8 ? static_cast<float>(random.below(255) - 127) : random.outlier());
        }
      }
    }
  }

  // The value of one position and key-value head becomes NaN.
  void poison(const Ragged& r, int64_t b, int64_t g, int64_t position) {
    const int64_t at = row(r, b, 1, g, position);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    if (type == Type::i8) {
      scales[static_cast<size_t>(at)] = nan;
    } else {
      for (int64_t d = 0; d < D; ++d) put(at * D + d, nan);
    }
  }

  Type type;
  int64_t G, D;
  std::vector<uint8_t> bytes;
  std::vector<float> scales;
};

}  // namespace bc::test
