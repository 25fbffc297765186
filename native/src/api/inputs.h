// int32 inputs that kernels rely on and do not check: ids in range, and batches whose positions,
// offsets and page tables fit together. They may change between the runs of a plan, so they are
// checked on the host before each.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "ops.h"

namespace bc {

struct Ids {
  const int32_t* ids;  // [n], each in [lowest, limit)
  int64_t n, lowest, limit;
  const char* name;  // of the tensor
};

// The adapters that tokens name: their matrices lie in the pool.
struct Adapters {
  const int32_t* table;       // [S,4]
  const int32_t* adapter_of;  // [T]
  int64_t S, T, N, K, pool_bytes;
};

// These throw BC_INVALID_ARGUMENT with the op's name. Their pointers are the host's.
void check(const Ids& ids, const char* op);
void check(const Ragged& batch, const char* op);
void check(const Adapters& adapters, const char* op);

// The inputs that a plan or an op checks. Those that many layers share are checked once.
class Inputs {
 public:
  void add(const Ids& ids, const char* op);
  void add(const Ragged& batch, const char* op);
  void add(const Adapters& adapters, const char* op);
  void add(const Inputs& others);
  void check() const;

 private:
  std::vector<std::pair<Ids, const char*>> ids_;
  std::vector<std::pair<Ragged, const char*>> batches_;
  std::vector<std::pair<Adapters, const char*>> adapters_;
};

}  // namespace bc
