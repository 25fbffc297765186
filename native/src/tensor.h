// A tensor: type, shape and where its elements lie.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage.h"
#include "types.h"

namespace bc {

struct Context;

constexpr int32_t kMaxRank = 5;

struct Tensor {
  std::shared_ptr<Context> context;
  std::shared_ptr<Storage> storage;
  Type type = Type::f32;
  int32_t rank = 0;
  int64_t shape[kMaxRank] = {};
  int64_t ld = 0;  // elements between rows of a rank-2 tensor
  uint8_t* data = nullptr;
  bool read_only = false;

  int64_t elements() const;
  int64_t bytes() const;
  // The elements on the host, see Storage::host.
  uint8_t* host() const { return storage->host() + (data - storage->data()); }
  bool contiguous() const { return rank != 2 || ld == shape[1]; }
  std::string describe() const;  // "f32 [3, 4]"
};

}  // namespace bc
