// Handles are ids, not addresses: they are looked up and never dereferenced, and no id is used
// twice. A stale or made-up handle is therefore an error and never a crash.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "api/plan.h"
#include "context.h"
#include "error.h"
#include "tensor.h"

namespace bc {

uint64_t next_handle_id();

// Checks that the caller has given a place for the result.
template <class T>
T* output(T* pointer, const char* op, const char* argument) {
  if (pointer == nullptr)
    fail(BC_INVALID_ARGUMENT, "%s: %s is null, expected a place for the result", op, argument);
  return pointer;
}

template <class Opaque, class Object>
class Handles {
 public:
  explicit Handles(const char* kind) : kind_(kind) {}

  Opaque* add(std::shared_ptr<Object> object) {
    const uint64_t id = next_handle_id();
    std::lock_guard<std::mutex> lock(mutex_);
    objects_.emplace(id, std::move(object));
    return reinterpret_cast<Opaque*>(static_cast<uintptr_t>(id));
  }

  std::shared_ptr<Object> get(const Opaque* handle, const char* op, const char* argument) const {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = objects_.find(reinterpret_cast<uintptr_t>(handle));
    if (found == objects_.end()) {
      fail(BC_INVALID_ARGUMENT, "%s: %s is %s, expected a live %s handle", op, argument,
           handle == nullptr ? "null" : "freed or foreign", kind_);
    }
    return found->second;
  }

  std::shared_ptr<Object> remove(const Opaque* handle, const char* op) {
    std::shared_ptr<Object> object = get(handle, op, kind_);
    std::lock_guard<std::mutex> lock(mutex_);
    objects_.erase(reinterpret_cast<uintptr_t>(handle));
    return object;
  }

  template <class Predicate>
  void remove_if(Predicate&& predicate) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = objects_.begin(); it != objects_.end();)
      it = predicate(*it->second) ? objects_.erase(it) : ++it;
  }

 private:
  const char* kind_;
  mutable std::mutex mutex_;
  std::unordered_map<uintptr_t, std::shared_ptr<Object>> objects_;
};

struct File {
  std::shared_ptr<Storage> storage;
};

extern Handles<bc_context, Context> contexts;
extern Handles<bc_tensor, Tensor> tensors;
extern Handles<bc_file, File> files;
extern Handles<bc_plan, Plan> plans;

}  // namespace bc
