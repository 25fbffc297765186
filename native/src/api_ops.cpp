// Ops of baichuan.h on activations: shapes, types and ids are checked, then the op is run or
// recorded. Attention is in api_attention.cpp, what makes weights in api_weights.cpp.
#include "call.h"
#include "cuda/kernels.h"
#include "quant.h"

namespace bc {
namespace {

void norm(bc_context* context, const char* op, bc_tensor* out, bc_tensor* x, bc_tensor* delta,
          bc_tensor* weight, float eps) {
  Call call(context, op);
  const Tensor& o = call.activation_output(out, "out");
  const Tensor& in =
      delta == nullptr ? call.tensor(x, "x", 2, BC_F32) : call.output(x, "x", 2, BC_F32);
  const Tensor* d = delta == nullptr ? nullptr : &call.activation(delta, "delta");
  const Tensor& w = call.plain(weight, "weight", 1);
  const int64_t T = in.shape[0];
  const int64_t C = in.shape[1];
  call.shape(o, "out", {T, C});
  if (d != nullptr) call.shape(*d, "delta", {T, C});
  call.shape(w, "weight", {C});
  call.require(eps >= 0.0f && eps < 1.0f, "eps", static_cast<double>(eps), "0 to 1");
  if (call.on_gpu()) {
    call.vectors(in, "x");
    call.vectors(w, "weight");
    call.require(C <= cuda::kMaxNormWidth, "width of x", static_cast<double>(C),
                 "at most 16384 on a GPU");
    if (d != nullptr) call.same_type(*d, "delta", o.type);
    const cuda::RmsNormParams p{o.data,
                                o.ld,
                                in.data,
                                in.ld,
                                data<void>(d),
                                d == nullptr ? 0 : d->ld,
                                w.data,
                                o.type,
                                in.type,
                                w.type,
                                T,
                                C,
                                eps};
    call.submit_gpu([p](void* stream) { cuda::rms_norm(p, stream); });
  } else {
    const RmsNormParams p{data<float>(o),
                          o.ld,
                          data<float>(in),
                          in.ld,
                          data<float>(d),
                          d == nullptr ? 0 : d->ld,
                          w.data,
                          w.type,
                          T,
                          C,
                          eps};
    call.submit_cpu([p](ThreadPool& pool) { cpu::rms_norm(p, pool); });
  }
}

void product(bc_context* context, const char* op, bc_tensor* out, bc_tensor* x, bc_tensor* w,
             bc_tensor* row_scale, cuda::Epilogue epilogue) {
  Call call(context, op);
  const bool swiglu = epilogue == cuda::Epilogue::swiglu;
  const Tensor& o = call.output(out, "out", 2);
  const Tensor& in = call.activation(x, "x");
  const Tensor& weight = call.tensor(w, "w", 2);
  const Tensor* scale = call.optional(row_scale, "row_scale", 1, BC_F32);
  const int64_t M = in.shape[0];
  const int64_t N = weight.shape[0];
  const int64_t K = weight.shape[1];
  call.require(weight.type != Type::i32 && weight.type != Type::i8, "w's type",
               static_cast<double>(weight.type), "f32 (0), f16 (1), bf16 (2), q8 (5) or q4 (6)");
  call.require(!swiglu || N % 2 == 0, "rows of w", static_cast<double>(N), "an even number");
  call.shape(in, "x", {M, K});
  call.shape(o, "out", {M, swiglu ? N / 2 : N});
  if (scale != nullptr) call.shape(*scale, "row_scale", {N});
  if (call.on_gpu()) {
    if (!is_quantized(weight.type)) {
      call.same_type(weight, "w", in.type);
      call.vectors(weight, "w");
    }
    if (o.type != Type::f32) call.same_type(o, "out", in.type);
    const cuda::Facts& gpu = call.context().gpu->facts();
    cuda::MatmulParams p{o.data,
                         o.ld,
                         in.data,
                         in.ld,
                         weight.data,
                         weight.ld,
                         data<float>(scale),
                         in.type,
                         o.type,
                         weight.type,
                         M,
                         N,
                         K,
                         epilogue,
                         gpu.processors,
                         gpu.shared_memory,
                         weight.storage->written_at < call.context().waits,
                         nullptr,
                         gpu.hopper};
    p.scratch = call.gpu_scratch(cuda::matmul_scratch_bytes(p));
    call.submit_gpu([p](void* stream) { cuda::matmul(p, stream); });
  } else {
    call.same_type(o, "out", Type::f32);
    Context& c = call.context();
    const MatmulParams p{data<float>(o),
                         o.ld,
                         data<float>(in),
                         in.ld,
                         weight.data,
                         weight.type,
                         weight.ld,
                         data<float>(scale),
                         M,
                         N,
                         K,
                         c.exact,
                         &c.scratch};
    if (swiglu) {
      call.submit_cpu([p, &c](ThreadPool& pool) { cpu::matmul_swiglu(p, c.gate_up, pool); });
    } else {
      call.submit_cpu([p](ThreadPool& pool) { cpu::matmul(p, pool); });
    }
  }
}

// Kernels that search a row hold an index in 17 bits.
void check_search(const Call& call, const Tensor& x) {
  call.vectors(x, "x", 1);
  call.require(x.shape[1] <= cuda::kMaxSearchWidth, "width of x", static_cast<double>(x.shape[1]),
               "at most 131072 on a GPU");
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_embed(bc_context* context, bc_tensor* out, bc_tensor* ids, bc_tensor* table) {
  return guard([&] {
    Call call(context, "embed");
    const Tensor& o = call.output(out, "out", 2);
    const Tensor& i = call.int_input(ids, "ids", 1);
    const Tensor& t = call.plain(table, "table", 2);
    const int64_t T = i.shape[0];
    const int64_t C = t.shape[1];
    call.shape(o, "out", {T, C});
    call.needs(Ids{reinterpret_cast<const int32_t*>(i.host()), T, t.shape[0]});
    if (call.on_gpu()) {
      call.plain(out, "out", 2);
      call.vectors(o, "out");
      call.vectors(t, "table");
      const cuda::EmbedParams p{o.data, o.ld, data<int32_t>(i), t.data, t.ld, o.type, t.type, T, C};
      call.submit_gpu([p](void* stream) { cuda::embed(p, stream); });
    } else {
      call.same_type(o, "out", Type::f32);
      const EmbedParams p{data<float>(o), o.ld, data<int32_t>(i), t.data, t.type, t.ld, T, C,
                          t.shape[0]};
      call.submit_cpu([p](ThreadPool& pool) { cpu::embed(p, pool); });
    }
  });
}

bc_status bc_rms_norm(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* weight,
                      float eps) {
  return guard([&] { norm(context, "rms_norm", out, x, nullptr, weight, eps); });
}

bc_status bc_add_rms_norm(bc_context* context, bc_tensor* x, bc_tensor* out, bc_tensor* delta,
                          bc_tensor* weight, float eps) {
  return guard([&] {
    tensors.get(delta, "add_rms_norm", "delta");
    norm(context, "add_rms_norm", out, x, delta, weight, eps);
  });
}

bc_status bc_matmul(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* w,
                    bc_tensor* row_scale) {
  return guard([&] { product(context, "matmul", out, x, w, row_scale, cuda::Epilogue::none); });
}

bc_status bc_matmul_swiglu(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* w) {
  return guard(
      [&] { product(context, "matmul_swiglu", out, x, w, nullptr, cuda::Epilogue::swiglu); });
}

bc_status bc_swiglu(bc_context* context, bc_tensor* out, bc_tensor* gate, bc_tensor* up) {
  return guard([&] {
    Call call(context, "swiglu");
    const Tensor& o = call.activation_output(out, "out");
    const Tensor& g = call.activation(gate, "gate");
    const Tensor& u = call.activation(up, "up");
    const int64_t T = o.shape[0];
    const int64_t F = o.shape[1];
    call.shape(g, "gate", {T, F});
    call.shape(u, "up", {T, F});
    call.same_type(g, "gate", o.type);
    call.same_type(u, "up", o.type);
    if (call.on_gpu()) {
      const cuda::SwigluParams p{o.data, o.ld, g.data, g.ld, u.data, u.ld, o.type, T, F};
      call.submit_gpu([p](void* stream) { cuda::swiglu(p, stream); });
    } else {
      const SwigluParams p{data<float>(o), o.ld, data<float>(g), g.ld, data<float>(u), u.ld, T, F};
      call.submit_cpu([p](ThreadPool& pool) { cpu::swiglu(p, pool); });
    }
  });
}

bc_status bc_top_k(bc_context* context, bc_tensor* values, bc_tensor* ids, bc_tensor* x) {
  return guard([&] {
    Call call(context, "top_k");
    const Tensor& v = call.output(values, "values", 2, BC_F32);
    const Tensor& i = call.int_output(ids, "ids", 2);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    const int64_t T = in.shape[0];
    const int64_t V = in.shape[1];
    const int64_t k = v.shape[1];
    call.require(k <= V, "k", static_cast<double>(k), "at most the width of x");
    call.shape(v, "values", {T, k});
    call.shape(i, "ids", {T, k});
    call.require(v.contiguous() && i.contiguous(), "row stride", static_cast<double>(v.ld), "k");
    if (call.on_gpu()) {
      check_search(call, in);
      call.require(k <= cuda::kMaxTopK, "k", static_cast<double>(k), "at most 1024 on a GPU");
      const cuda::TopKParams p{data<float>(v),
                               data<int32_t>(i),
                               data<float>(in),
                               in.ld,
                               T,
                               V,
                               k,
                               call.gpu_scratch(cuda::top_k_scratch_bytes(T, V, k))};
      call.submit_gpu([p](void* stream) { cuda::top_k(p, stream); });
    } else {
      const TopKParams p{data<float>(v), data<int32_t>(i), data<float>(in), in.ld, T, V, k};
      call.submit_cpu([p](ThreadPool& pool) { cpu::top_k(p, pool); });
    }
  });
}

bc_status bc_argmax(bc_context* context, bc_tensor* ids, bc_tensor* x) {
  return guard([&] {
    Call call(context, "argmax");
    const Tensor& i = call.int_output(ids, "ids", 1);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    const int64_t T = in.shape[0];
    const int64_t V = in.shape[1];
    call.shape(i, "ids", {T});
    if (call.on_gpu()) {
      check_search(call, in);
      const cuda::ArgmaxParams p{data<int32_t>(i),
                                 data<float>(in),
                                 in.ld,
                                 T,
                                 V,
                                 call.gpu_scratch(cuda::argmax_scratch_bytes(T, V))};
      call.submit_gpu([p](void* stream) { cuda::argmax(p, stream); });
    } else {
      const ArgmaxParams p{data<int32_t>(i), data<float>(in), in.ld, T, V};
      call.submit_cpu([p](ThreadPool& pool) { cpu::argmax(p, pool); });
    }
  });
}

}  // extern "C"
