#include "api/call.h"

#include <string>

#include "require.h"

namespace bc {

Call::~Call() {
  if (!submitted_ && context_->recording) context_->recording->failed = true;
}

const Tensor& Call::tensor(const bc_tensor* handle, const char* name, int32_t rank, int32_t type) {
  const std::shared_ptr<Tensor> t = tensors.get(handle, op_, name);
  if (t->context != context_) {
    fail(BC_INVALID_ARGUMENT, "%s: %s belongs to another context, expected one of this context",
         op_, name);
  }
  if (t->rank != rank) {
    fail(BC_INVALID_ARGUMENT, "%s: %s has shape %s, expected rank %d", op_, name,
         shape_text(t->shape, t->rank).c_str(), rank);
  }
  if (type >= 0) same_type(*t, name, static_cast<Type>(type));
  used_.push_back(t);
  return *t;
}

const Tensor* Call::optional(const bc_tensor* handle, const char* name, int32_t rank,
                             int32_t type) {
  return handle == nullptr ? nullptr : &tensor(handle, name, rank, type);
}

const Tensor& Call::output(const bc_tensor* handle, const char* name, int32_t rank, int32_t type) {
  const Tensor& t = tensor(handle, name, rank, type);
  will_write(t, name);
  return t;
}

void Call::will_write(const Tensor& t, const char* name) const {
  if (t.read_only)
    fail(BC_INVALID_ARGUMENT, "%s: %s is mapped from a file, expected one that can be written", op_,
         name);
  t.storage->written_at = context_->waits;
}

const Tensor& Call::plain(const bc_tensor* handle, const char* name, int32_t rank) {
  const Tensor& t = tensor(handle, name, rank);
  if (t.type != Type::f32 && t.type != Type::f16 && t.type != Type::bf16) {
    fail(BC_INVALID_ARGUMENT, "%s: %s has type %s, expected f32, f16 or bf16", op_, name,
         name_of(t.type));
  }
  return t;
}

const Tensor& Call::plain_output(const bc_tensor* handle, const char* name, int32_t rank) {
  const Tensor& t = plain(handle, name, rank);
  will_write(t, name);
  return t;
}

const Tensor& Call::int_input(const bc_tensor* handle, const char* name, int32_t rank) {
  const Tensor& t = tensor(handle, name, rank, BC_I32);
  if (t.storage->use == Storage::Use::output)
    fail(BC_INVALID_ARGUMENT, "%s: %s was written by an op, expected bc_tensor_write", op_, name);
  t.storage->use = Storage::Use::input;
  return t;
}

const Tensor& Call::int_output(const bc_tensor* handle, const char* name, int32_t rank) {
  const Tensor& t = output(handle, name, rank, BC_I32);
  if (t.storage->use == Storage::Use::input) {
    fail(BC_INVALID_ARGUMENT, "%s: %s is an input of another op, expected a tensor of its own", op_,
         name);
  }
  t.storage->use = Storage::Use::output;
  return t;
}

void Call::shape(const Tensor& t, const char* name, std::initializer_list<int64_t> expected) const {
  bool same = t.rank == static_cast<int32_t>(expected.size());
  int32_t i = 0;
  for (const int64_t size : expected) same = same && t.shape[i++] == size;
  if (!same) {
    fail(BC_INVALID_ARGUMENT, "%s: %s has shape %s, expected %s", op_, name,
         shape_text(t.shape, t.rank).c_str(),
         shape_text(expected.begin(), static_cast<int32_t>(expected.size())).c_str());
  }
}

void Call::require(bool ok, const char* name, double value, const char* expected) const {
  bc::require(ok, op_, name, value, expected);
}

void Call::require_present(const void* pointer, const char* name, const char* expected) const {
  if (pointer == nullptr)
    fail(BC_INVALID_ARGUMENT, "%s: %s is null, expected %s", op_, name, expected);
}

void Call::same_type(const Tensor& t, const char* name, Type expected) const {
  require_type(op_, name, t.type, expected);
}

void* Call::scratch(int64_t bytes) {
  if (bytes == 0) return nullptr;
  std::shared_ptr<Storage>& scratch = context_->scratch;
  // A plan keeps alive what it was recorded with.
  if (scratch == nullptr || scratch->bytes() < bytes) {
    scratch.reset();
    scratch = context_->backend->allocate(bytes, false);
  }
  scratch_.push_back(scratch);
  return scratch->data();
}

namespace {

// Runs an op; with BC_SYNC=1 waits for it, so that a fault names it.
void run_op(const std::function<void(Backend&)>& run, Backend& backend, const char* op) {
  run(backend);
  if (!synchronizes_ops()) return;
  try {
    backend.synchronize();
  } catch (const Error& e) {
    fail(e.status(), "%s: %s", op, e.what());
  }
}

}  // namespace

void Call::require_at_once() const {
  if (context_->recording)
    fail(BC_INVALID_ARGUMENT, "%s: context is recording, expected it outside of a plan", op_);
}

void Call::run_or_record(std::function<void(Backend&)> run) {
  if (context_->recording) {
    Plan& plan = *context_->recording;
    plan.inputs.add(inputs_);
    for (const std::shared_ptr<Tensor>& t : used_) plan.storages.push_back(t->storage);
    plan.storages.insert(plan.storages.end(), scratch_.begin(), scratch_.end());
    Backend& backend = *context_->backend;
    plan.ops.push_back([run = std::move(run), &backend, op = op_] { run_op(run, backend, op); });
  } else {
    inputs_.check();
    run_op(run, *context_->backend, op_);
  }
  submitted_ = true;
}

}  // namespace bc
