// Layout of packed weights.
//
// A panel is 16 rows of w [N,K] (N is padded with zeros to a multiple of 16); its groups of 32
// columns follow each other, so that a kernel reads one stream. Lane n of every vector is row n of
// the panel, hence no kernel adds across lanes and the result of an output never depends on how
// many rows of x there are.
//
//   q8 group, 544 bytes: [8 quads][16 rows][4 columns] bytes q + 128, then 16 scales bf16
//   q4 group, 288 bytes: [4 quads][16 rows][4 bytes]: byte b of quad j holds q + 8 of column 4j + b
//   in its low half and
//                        of column 16 + 4j + b in its high half, then 16 scales bf16
#pragma once

#include <cstdint>

#include "types.h"

namespace bc {

constexpr int64_t kGroup = 32;  // columns of a scale
constexpr int64_t kPanel = 16;  // rows of a panel

constexpr int64_t kQ8Values = kGroup * kPanel;
constexpr int64_t kQ4Values = kGroup * kPanel / 2;
constexpr int64_t kScales = kPanel * 2;

inline int64_t group_bytes(Type type) {
  return (type == Type::q8 ? kQ8Values : kQ4Values) + kScales;
}

inline int64_t panels(int64_t n) { return (n + kPanel - 1) / kPanel; }

inline int64_t packed_bytes(Type type, int64_t n, int64_t k) {
  return panels(n) * (k / kGroup) * group_bytes(type);
}

}  // namespace bc
