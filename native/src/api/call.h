// One call of an op of baichuan.h: looks handles up, checks that types and shapes fit together, has the
// backend check what it needs besides, and runs the op or records it.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "api/handles.h"
#include "api/inputs.h"
#include "baichuan.h"

namespace bc {

class Call {
 public:
  Call(bc_context* context, const char* op)
      : op_(op), context_(contexts.get(context, op, "context")) {}
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Context& context() const { return *context_; }

  // A tensor of this context, kept alive by the recorded op. type -1 accepts any.
  const Tensor& tensor(const bc_tensor* handle, const char* name, int32_t rank, int32_t type = -1);
  const Tensor* optional(const bc_tensor* handle, const char* name, int32_t rank, int32_t type);
  const Tensor& output(const bc_tensor* handle, const char* name, int32_t rank, int32_t type = -1);
  // f32, f16 or bf16: weights, tables and activations.
  const Tensor& plain(const bc_tensor* handle, const char* name, int32_t rank);
  const Tensor& plain_output(const bc_tensor* handle, const char* name, int32_t rank);
  // int32 inputs, and int32 outputs.
  const Tensor& int_input(const bc_tensor* handle, const char* name, int32_t rank);
  const Tensor& int_output(const bc_tensor* handle, const char* name, int32_t rank);

  void shape(const Tensor& t, const char* name, std::initializer_list<int64_t> expected) const;
  void require(bool ok, const char* name, double value, const char* expected) const;
  void require_present(const void* pointer, const char* name, const char* expected) const;
  void same_type(const Tensor& t, const char* name, Type expected) const;

  // For an op that is not part of plans.
  void require_at_once() const;

  // The contents of the op's int32 inputs are checked each time it runs. The pointers are the host's.
  template <class In>
  void needs(const In& in) {
    inputs_.add(in, op_);
  }

  // Runs the op now, or records it with everything it refers to.
  template <class Params>
  void submit(const Params& p) {
    check(p);
    run_or_record([p](Backend& backend) { backend.run(p); });
  }
  // The same for an op that needs scratch.
  template <class Params>
  void submit_with_scratch(Params p) {
    check(p);
    p.scratch = scratch(context_->backend->scratch_bytes(p));
    run_or_record([p](Backend& backend) { backend.run(p); });
  }
  template <class Params>
  void check(const Params& p) const {
    context_->backend->check(op_, p);
  }
  void run_or_record(std::function<void(Backend&)> run);

  // Zeroed once, shared by all ops of the context, which run one after the other; null for no bytes.
  void* scratch(int64_t bytes);

 private:
  void will_write(const Tensor& t, const char* name) const;

  const char* op_;
  std::shared_ptr<Context> context_;
  std::vector<std::shared_ptr<Tensor>> used_;
  std::vector<std::shared_ptr<Storage>> scratch_;
  Inputs inputs_;
  bool submitted_ = false;
};

template <class T>
T* data(const Tensor& t) {
  return reinterpret_cast<T*>(t.data);
}

template <class T>
T* data(const Tensor* t) {
  return t == nullptr ? nullptr : data<T>(*t);
}

}  // namespace bc
