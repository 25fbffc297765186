// Context, storage, mapped files and tensors.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "thread_pool.h"
#include "types.h"

namespace bc {

struct Plan;

// Bytes that live as long as anything refers to them.
class Storage {
 public:
  // Zeroed memory, aligned to 64 bytes, committed when first touched. Adds to *used while it lives.
  static std::shared_ptr<Storage> allocate(int64_t bytes,
                                           std::shared_ptr<std::atomic<int64_t>> used);
  // A whole file, mapped for reading.
  static std::shared_ptr<Storage> map(const std::string& path);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  uint8_t* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  Storage() = default;
  uint8_t* data_ = nullptr;
  int64_t bytes_ = 0;
  std::shared_ptr<std::atomic<int64_t>> used_;
};

struct Context {
  Context(int threads, bool exact_activations) : pool(threads), exact(exact_activations) {}
  ThreadPool pool;
  const bool exact;
  std::shared_ptr<std::atomic<int64_t>> used = std::make_shared<std::atomic<int64_t>>(0);
  std::vector<uint8_t> scratch;     // what matmul rounds its input to
  std::shared_ptr<Plan> recording;  // set between bc_plan_begin and bc_plan_end
};

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
  bool contiguous() const { return rank != 2 || ld == shape[1]; }
  std::string describe() const;  // "f32 [3, 4]"
};

// Bytes of RAM that can be had and that there are, the cgroup's limit included.
void memory_info(int64_t* available, int64_t* total);

// Physical cores that this process may use.
int cpu_cores();

}  // namespace bc
