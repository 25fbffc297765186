#include "call.h"

#include <string>

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

const Tensor& Call::activation(const bc_tensor* handle, const char* name) {
  const Tensor& t = tensor(handle, name, 2);
  if (!on_gpu()) {
    same_type(t, name, Type::f32);
  } else if (t.type != Type::bf16 && t.type != Type::f16) {
    fail(BC_INVALID_ARGUMENT, "%s: %s has type %s, expected bf16 or f16 on a GPU", op_, name,
         name_of(t.type));
  } else {
    vectors(t, name);
  }
  return t;
}

const Tensor& Call::activation_output(const bc_tensor* handle, const char* name) {
  const Tensor& t = activation(handle, name);
  will_write(t, name);
  return t;
}

const Tensor& Call::int_input(const bc_tensor* handle, const char* name, int32_t rank) {
  const Tensor& t = tensor(handle, name, rank, BC_I32);
  if (on_gpu() && t.storage->use == Storage::Use::output) {
    fail(BC_INVALID_ARGUMENT, "%s: %s was written by an op on the GPU, expected bc_tensor_write",
         op_, name);
  }
  t.storage->use = Storage::Use::input;
  return t;
}

const Tensor& Call::int_output(const bc_tensor* handle, const char* name, int32_t rank) {
  const Tensor& t = output(handle, name, rank, BC_I32);
  if (on_gpu() && t.storage->use == Storage::Use::input) {
    fail(BC_INVALID_ARGUMENT,
         "%s: %s is an input of another op on the GPU, expected a tensor of its own", op_, name);
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
  if (!ok)
    fail(BC_INVALID_ARGUMENT, "%s: %s has value %g, expected %s", op_, name, value, expected);
}

void Call::same_type(const Tensor& t, const char* name, Type expected) const {
  if (t.type != expected) {
    fail(BC_INVALID_ARGUMENT, "%s: %s has type %s, expected %s", op_, name, name_of(t.type),
         name_of(expected));
  }
}

void Call::vectors(const Tensor& t, const char* name, int64_t elements) const {
  const int64_t width = t.shape[t.rank - 1];
  const bool rows = t.rank == 1 || t.ld * element_bytes(t.type) % 16 == 0;
  if (reinterpret_cast<uintptr_t>(t.data) % 16 != 0 || !rows || width % elements != 0) {
    fail(BC_INVALID_ARGUMENT,
         "%s: %s is %s with rows %lld apart, expected on a GPU rows at multiples of 16 bytes, of a "
         "width that is a multiple of %lld",
         op_, name, t.describe().c_str(), static_cast<long long>(t.ld),
         static_cast<long long>(elements));
  }
}

void* Call::gpu_scratch(int64_t bytes) {
  if (bytes == 0) return nullptr;
  std::shared_ptr<Storage>& scratch = context_->gpu_scratch;
  // What a plan was recorded with stays alive in the plan.
  if (scratch == nullptr || scratch->bytes() < bytes) {
    scratch.reset();
    scratch = context_->allocate(bytes, false);
  }
  scratch_.push_back(scratch);
  return scratch->data();
}

void Call::submit(std::function<void()> run) {
  if (context_->recording) {
    std::vector<std::shared_ptr<Storage>>& storages = context_->recording->storages;
    for (const std::shared_ptr<Tensor>& t : used_) storages.push_back(t->storage);
    storages.insert(storages.end(), scratch_.begin(), scratch_.end());
    context_->recording->ops.push_back(std::move(run));
  } else {
    run();
  }
  submitted_ = true;
}

void Call::finish(cuda::Device& gpu, const char* op) {
  try {
    gpu.synchronize();
  } catch (const Error& e) {
    fail(e.status(), "%s: %s", op, e.what());
  }
}

}  // namespace bc
