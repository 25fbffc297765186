// One call of an op of baichuan.h: looks handles up, checks types and shapes, and runs the op or
// records it.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "baichuan.h"
#include "handles.h"
#include "inputs.h"

namespace bc {

class Call {
 public:
  Call(bc_context* context, const char* op)
      : op_(op), context_(contexts.get(context, op, "context")) {}
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const char* op() const { return op_; }
  Context& context() const { return *context_; }
  bool on_gpu() const { return context_->gpu != nullptr; }

  // A tensor of this context, kept alive by the recorded op. type -1 accepts any.
  const Tensor& tensor(const bc_tensor* handle, const char* name, int32_t rank, int32_t type = -1);
  const Tensor* optional(const bc_tensor* handle, const char* name, int32_t rank, int32_t type);
  const Tensor& output(const bc_tensor* handle, const char* name, int32_t rank, int32_t type = -1);
  // A weight or table: f32, f16 or bf16.
  const Tensor& plain(const bc_tensor* handle, const char* name, int32_t rank);
  // Activations [rows, columns]: f32 on the CPU, bf16 or f16 on a GPU.
  const Tensor& activation(const bc_tensor* handle, const char* name);
  const Tensor& activation_output(const bc_tensor* handle, const char* name);
  // int32 inputs, and int32 outputs.
  const Tensor& int_input(const bc_tensor* handle, const char* name, int32_t rank);
  const Tensor& int_output(const bc_tensor* handle, const char* name, int32_t rank);

  void shape(const Tensor& t, const char* name, std::initializer_list<int64_t> expected) const;
  void require(bool ok, const char* name, double value, const char* expected) const;
  void same_type(const Tensor& t, const char* name, Type expected) const;
  // What 16-byte accesses of GPU kernels need: rows that begin at multiples of 16 bytes and, unless
  // elements is 1, a width in elements that is a multiple of it.
  void vectors(const Tensor& t, const char* name, int64_t elements = 8) const;

  // What the op's int32 inputs hold is checked each time it runs. Pointers are the host's.
  template <class In>
  void needs(const In& in) {
    inputs_.add(in, op_);
  }

  // Zeroed once, shared by all ops of the context, which run one after the other.
  void* gpu_scratch(int64_t bytes);

  // Runs the op now, or records it with everything it refers to: run(ThreadPool&) on the CPU,
  // run(stream) on a GPU.
  template <class Run>
  void submit_cpu(Run run) {
    ThreadPool& pool = context_->pool;
    submit([inputs = inputs_, run = std::move(run), &pool] {
      inputs.check();
      run(pool);
    });
  }
  template <class Run>
  void submit_gpu(Run run) {
    cuda::Device& gpu = *context_->gpu;
    if (context_->recording) {
      context_->recording->inputs.add(inputs_);
    } else {
      inputs_.check();
    }
    submit([run = std::move(run), &gpu, op = op_] {
      run(gpu.stream());
      if (synchronizes_ops()) finish(gpu, op);
    });
  }

 private:
  void will_write(const Tensor& t, const char* name) const;
  static void finish(cuda::Device& gpu, const char* op);
  void submit(std::function<void()> run);

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
