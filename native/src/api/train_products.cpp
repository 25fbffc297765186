// Ops of baichuan.h that training multiplies with. They run at once.
#include "api/heads.h"

namespace bc {
namespace {

// The offsets of samples that lie end to end in T tokens; their number.
int64_t checked_offsets(Call& call, const Tensor& offsets, int64_t T) {
  const int64_t B = offsets.shape[0] - 1;
  const auto* at = reinterpret_cast<const int32_t*>(offsets.host());
  call.require(at[0] == 0, "offsets[0]", at[0], "0");
  for (int64_t b = 0; b < B; ++b)
    call.require(at[b + 1] >= at[b], "an offset", at[b + 1],
                 "one that is not below the one before");
  call.require(at[B] == T, "the last offset", at[B], "the number of tokens");
  return B;
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_matmul_backward_input(bc_context* context, bc_tensor* dx, bc_tensor* dy, bc_tensor* w,
                                   bc_tensor* row_scale, int32_t accumulate) {
  return guard([&] {
    Call call(context, "matmul_backward_input");
    call.require_at_once();
    const Tensor& out = call.output(dx, "dx", 2, BC_F32);
    const Tensor& in = call.tensor(dy, "dy", 2, BC_F32);
    const Tensor& weight = call.tensor(w, "w", 2);
    const Tensor* scale = call.optional(row_scale, "row_scale", 1, BC_F32);
    call.require(weight.type != Type::i32 && weight.type != Type::i8, "w's type",
                 static_cast<double>(weight.type), BC_WEIGHT_TYPES);
    const int64_t M = in.shape[0];
    const int64_t N = weight.shape[0];
    const int64_t K = weight.shape[1];
    call.shape(in, "dy", {M, N});
    call.shape(out, "dx", {M, K});
    if (scale != nullptr) call.shape(*scale, "row_scale", {N});
    call.require(out.storage != in.storage, "dx's storage", 0, "another than that of dy");
    call.run_or_record([&](Backend& backend) {
      backend.run(MatmulBackwardInputParams{data<float>(out), out.ld, data<float>(in), in.ld,
                                            weight.data, weight.type, weight.ld, data<float>(scale),
                                            M, N, K, accumulate != 0, call.context().exact});
    });
  });
}

bc_status bc_matmul_backward_weight(bc_context* context, bc_tensor* dw, bc_tensor* dy,
                                    bc_tensor* x) {
  return guard([&] {
    Call call(context, "matmul_backward_weight");
    call.require_at_once();
    const Tensor& out = call.output(dw, "dw", 2, BC_F32);
    const Tensor& d = call.tensor(dy, "dy", 2, BC_F32);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    const int64_t M = in.shape[0];
    const int64_t N = d.shape[1];
    const int64_t K = in.shape[1];
    call.shape(d, "dy", {M, N});
    call.shape(out, "dw", {N, K});
    call.require(out.storage != d.storage && out.storage != in.storage, "dw's storage", 0,
                 "another than that of dy and x");
    call.run_or_record([&](Backend& backend) {
      backend.run(MatmulBackwardWeightParams{data<float>(out), out.ld, data<float>(d), d.ld,
                                             data<float>(in), in.ld, M, N, K,
                                             call.context().exact});
    });
  });
}

bc_status bc_rope_backward(bc_context* context, bc_tensor* dqkv, bc_tensor* dq_norm,
                           bc_tensor* dk_norm, bc_tensor* qkv, bc_tensor* positions, int32_t heads,
                           int32_t head_size, const double* frequencies, float scale,
                           bc_tensor* q_norm, bc_tensor* k_norm, float eps) {
  return guard([&] {
    Call call(context, "rope_backward");
    call.require_at_once();
    const Tensor& d = call.output(dqkv, "dqkv", 2, BC_F32);
    const RopeParams forward =
        checked_rope(call, {positions, heads, head_size, frequencies, scale, q_norm, k_norm, eps},
                     d.shape[0], d.shape[1]);
    RopeBackwardParams p{};
    p.dqkv = data<float>(d);
    p.dqkv_ld = d.ld;
    p.forward = forward;
    if (q_norm != nullptr) {
      call.require_present(qkv, "qkv", "what rope was given, for the norms");
      const Tensor& x = call.tensor(qkv, "qkv", 2, BC_F32);
      call.shape(x, "qkv", {d.shape[0], d.shape[1]});
      call.require(x.storage != d.storage, "qkv's storage", 0, "another than that of dqkv");
      p.qkv = data<float>(x);
      p.qkv_ld = x.ld;
    }
    call.require((dq_norm == nullptr) == (dk_norm == nullptr), "gradients of norms", 1.0,
                 "two or none");
    if (dq_norm != nullptr) {
      call.require(q_norm != nullptr, "norms", 0.0, "norms where their gradients are asked for");
      const Tensor& q = call.output(dq_norm, "dq_norm", 1, BC_F32);
      const Tensor& k = call.output(dk_norm, "dk_norm", 1, BC_F32);
      call.shape(q, "dq_norm", {forward.D});
      call.shape(k, "dk_norm", {forward.D});
      p.dq_norm = data<float>(q);
      p.dk_norm = data<float>(k);
    }
    call.run_or_record([&](Backend& backend) { backend.run(p); });
  });
}

bc_status bc_attention_backward(bc_context* context, bc_tensor* dqkv, bc_tensor* dout,
                                bc_tensor* out, bc_tensor* qkv, bc_tensor* offsets,
                                bc_tensor* slopes, int32_t head_size, int32_t window) {
  return guard([&] {
    Call call(context, "attention_backward");
    call.require_at_once();
    const Tensor& d = call.output(dqkv, "dqkv", 2, BC_F32);
    const Tensor& gradient = call.tensor(dout, "dout", 2, BC_F32);
    const Tensor& o = call.tensor(out, "out", 2, BC_F32);
    const Tensor& x = call.tensor(qkv, "qkv", 2, BC_F32);
    const Tensor& at = call.int_input(offsets, "offsets", 1);
    const Tensor* s = call.optional(slopes, "slopes", 1, BC_F32);
    const int64_t T = x.shape[0];
    const int64_t D = head_size;
    check_head_size(call, D);
    const int64_t H = o.shape[1] / D;
    const int64_t G = (x.shape[1] / D - H) / 2;
    check_heads(call, H, G);
    call.shape(o, "out", {T, H * D});
    call.shape(gradient, "dout", {T, H * D});
    call.shape(x, "qkv", {T, (H + 2 * G) * D});
    call.shape(d, "dqkv", {T, (H + 2 * G) * D});
    if (s != nullptr) call.shape(*s, "slopes", {H});
    call.require(window >= 0, "window", window, "0 or more");
    for (const Tensor* in : {&gradient, &o, &x})
      call.require(d.storage != in->storage, "dqkv's storage", 0, "another than that of an input");
    const int64_t B = checked_offsets(call, at, T);
    call.run_or_record([&](Backend& backend) {
      backend.run(AttentionBackwardParams{
          data<float>(d), d.ld, data<float>(gradient), gradient.ld, data<float>(o), o.ld,
          data<float>(x), x.ld, data<int32_t>(at), T, B, data<float>(s), H, G, D, window});
    });
  });
}

}  // extern "C"
