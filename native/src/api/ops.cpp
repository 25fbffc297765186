// Ops of baichuan.h on activations: shapes, types and ids are checked, then the op is run or
// recorded. Attention is in attention.cpp, and the ops that make weights are in weights.cpp.
#include "api/call.h"

namespace bc {
namespace {

// Whether no op that may still run writes the tensor: the host has waited since the last that did.
bool at_rest(Call& call, const Tensor& weight) {
  return weight.storage->written_at < call.context().waits;
}

void norm(bc_context* context, const char* op, bc_tensor* out, bc_tensor* x, bc_tensor* delta,
          bc_tensor* weight, float eps) {
  Call call(context, op);
  const Tensor& o = call.plain_output(out, "out", 2);
  const Tensor& in =
      delta == nullptr ? call.tensor(x, "x", 2, BC_F32) : call.output(x, "x", 2, BC_F32);
  const Tensor* d = delta == nullptr ? nullptr : &call.plain(delta, "delta", 2);
  const Tensor& w = call.plain(weight, "weight", 1);
  const int64_t T = in.shape[0];
  const int64_t C = in.shape[1];
  call.shape(o, "out", {T, C});
  if (d != nullptr) {
    call.shape(*d, "delta", {T, C});
    call.same_type(*d, "delta", o.type);
  }
  call.shape(w, "weight", {C});
  call.require(eps >= 0.0f && eps < 1.0f, "eps", static_cast<double>(eps), "0 to 1");
  call.submit(RmsNormParams{o.data, o.type, o.ld, in.data, in.type, in.ld, data<void>(d),
                            d == nullptr ? 0 : d->ld, w.data, w.type, T, C, eps, at_rest(call, w)});
}

void product(bc_context* context, const char* op, bc_tensor* out, bc_tensor* x, bc_tensor* w,
             bc_tensor* row_scale, bc_tensor* bias, Epilogue epilogue) {
  Call call(context, op);
  const bool swiglu = epilogue == Epilogue::swiglu;
  const Tensor& o = call.plain_output(out, "out", 2);
  const Tensor& in = call.plain(x, "x", 2);
  const Tensor& weight = call.tensor(w, "w", 2);
  const Tensor* scale = call.optional(row_scale, "row_scale", 1, BC_F32);
  const Tensor* added = call.optional(bias, "bias", 1, BC_F32);
  const int64_t M = in.shape[0];
  const int64_t N = weight.shape[0];
  const int64_t K = weight.shape[1];
  call.require(weight.type != Type::i32 && weight.type != Type::i8, "w's type",
               static_cast<double>(weight.type), BC_WEIGHT_TYPES);
  call.require(!swiglu || N % 2 == 0, "rows of w", static_cast<double>(N), "an even number");
  call.shape(in, "x", {M, K});
  call.shape(o, "out", {M, swiglu ? N / 2 : N});
  if (scale != nullptr) call.shape(*scale, "row_scale", {N});
  if (added != nullptr) call.shape(*added, "bias", {N});
  call.submit_with_scratch(MatmulParams{o.data, o.type, o.ld, in.data, in.type, in.ld, weight.data,
                                        weight.type, weight.ld, data<float>(scale),
                                        data<float>(added), M, N, K, epilogue, call.context().exact,
                                        at_rest(call, weight), nullptr});
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_embed(bc_context* context, bc_tensor* out, bc_tensor* ids, bc_tensor* table) {
  return guard([&] {
    Call call(context, "embed");
    const Tensor& o = call.plain_output(out, "out", 2);
    const Tensor& i = call.int_input(ids, "ids", 1);
    const Tensor& t = call.plain(table, "table", 2);
    const int64_t T = i.shape[0];
    const int64_t V = t.shape[0];
    const int64_t C = t.shape[1];
    call.shape(o, "out", {T, C});
    call.needs(Ids{reinterpret_cast<const int32_t*>(i.host()), T, 0, V, "ids"});
    call.submit(EmbedParams{o.data, o.type, o.ld, data<int32_t>(i), t.data, t.type, t.ld, T, C, V});
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
                    bc_tensor* row_scale, bc_tensor* bias) {
  return guard([&] { product(context, "matmul", out, x, w, row_scale, bias, Epilogue::none); });
}

bc_status bc_matmul_swiglu(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* w) {
  return guard(
      [&] { product(context, "matmul_swiglu", out, x, w, nullptr, nullptr, Epilogue::swiglu); });
}

bc_status bc_swiglu(bc_context* context, bc_tensor* out, bc_tensor* gate, bc_tensor* up) {
  return guard([&] {
    Call call(context, "swiglu");
    const Tensor& o = call.plain_output(out, "out", 2);
    const Tensor& g = call.plain(gate, "gate", 2);
    const Tensor& u = call.plain(up, "up", 2);
    const int64_t T = o.shape[0];
    const int64_t F = o.shape[1];
    call.shape(g, "gate", {T, F});
    call.shape(u, "up", {T, F});
    call.same_type(g, "gate", o.type);
    call.same_type(u, "up", o.type);
    call.submit(SwigluParams{o.data, o.ld, g.data, g.ld, u.data, u.ld, o.type, T, F});
  });
}

bc_status bc_lora(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* pool,
                  bc_tensor* table, bc_tensor* scales, bc_tensor* adapter_of) {
  return guard([&] {
    Call call(context, "lora");
    const Tensor& o = call.plain_output(out, "out", 2);
    const Tensor& in = call.plain(x, "x", 2);
    const Tensor& matrices = call.tensor(pool, "pool", 1, BC_I8);
    const Tensor& rows = call.int_input(table, "table", 2);
    const Tensor& factors = call.tensor(scales, "scales", 1, BC_F32);
    const Tensor& of = call.int_input(adapter_of, "adapter_of", 1);
    const int64_t T = in.shape[0];
    const int64_t N = o.shape[1];
    const int64_t K = in.shape[1];
    const int64_t S = rows.shape[0];
    call.shape(o, "out", {T, N});
    call.shape(rows, "table", {S, kAdapterFields});
    call.require(rows.contiguous(), "row stride of table", static_cast<double>(rows.ld), "4");
    call.shape(factors, "scales", {S});
    call.shape(of, "adapter_of", {T});
    call.needs(Adapters{reinterpret_cast<const int32_t*>(rows.host()),
                        reinterpret_cast<const int32_t*>(of.host()), S, T, N, K,
                        matrices.shape[0]});
    call.submit_with_scratch(LoraParams{o.data, o.type, o.ld, in.data, in.type, in.ld,
                                        matrices.data, data<int32_t>(rows), data<float>(factors),
                                        data<int32_t>(of), T, N, K, nullptr});
  });
}

bc_status bc_top_k(bc_context* context, bc_tensor* values, bc_tensor* ids, bc_tensor* x,
                   bc_tensor* masks, bc_tensor* mask_of) {
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
    TopKParams p{data<float>(v), data<int32_t>(i), data<float>(in), in.ld, T, V, k, nullptr};
    call.require((masks == nullptr) == (mask_of == nullptr), "masks and mask_of", 1.0,
                 "two or none");
    if (masks != nullptr) {
      const Tensor& m = call.int_input(masks, "masks", 2);
      const Tensor& of = call.int_input(mask_of, "mask_of", 1);
      call.require(m.shape[1] >= (V + 31) / 32, "width of masks", static_cast<double>(m.shape[1]),
                   "at least one word for 32 columns of x");
      call.shape(of, "mask_of", {T});
      call.needs(Ids{reinterpret_cast<const int32_t*>(of.host()), T, -1, m.shape[0], "mask_of"});
      p.masks = data<uint32_t>(m);
      p.masks_ld = m.ld;
      p.mask_of = data<int32_t>(of);
    }
    call.submit_with_scratch(p);
  });
}

}  // extern "C"
