// Ops of baichuan.h of training that read rows or numbers one after the other. They run at once.
#include <cmath>

#include "api/call.h"

namespace bc {
namespace {

// The elements of a tensor whose rows have no gaps.
int64_t contiguous(const Call& call, const Tensor& x, const char* name) {
  call.require(x.contiguous(), name, static_cast<double>(x.ld), "rows without gaps");
  return x.elements();
}

AdamwStep checked_step(const Call& call, AdamwStep s, int64_t step) {
  const auto number = [&](const char* name, float value, bool ok, const char* expected) {
    call.require(ok && std::isfinite(value), name, static_cast<double>(value), expected);
  };
  number("rate", s.rate, s.rate >= 0.0f, "0 or more");
  number("beta1", s.beta1, s.beta1 >= 0.0f && s.beta1 < 1.0f, "0 to less than 1");
  number("beta2", s.beta2, s.beta2 >= 0.0f && s.beta2 < 1.0f, "0 to less than 1");
  number("eps", s.eps, s.eps > 0.0f, "more than 0");
  number("decay", s.decay, s.decay >= 0.0f, "0 or more");
  number("factor", s.gradient_scale, s.gradient_scale >= 0.0f, "0 or more");
  call.require(step >= 1, "step", static_cast<double>(step), "1 or more");
  const auto correction = [&](float beta) {
    return static_cast<float>(1.0 - std::pow(static_cast<double>(beta), static_cast<double>(step)));
  };
  s.correction1 = correction(s.beta1);
  s.correction2 = correction(s.beta2);
  return s;
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_rms_norm_backward(bc_context* context, bc_tensor* dx, bc_tensor* dweight,
                               bc_tensor* dy, bc_tensor* x, bc_tensor* weight, float eps) {
  return guard([&] {
    Call call(context, "rms_norm_backward");
    call.require_at_once();
    const Tensor& out = call.output(dx, "dx", 2, BC_F32);
    const Tensor* dw = dweight == nullptr ? nullptr : &call.output(dweight, "dweight", 1, BC_F32);
    const Tensor& d = call.tensor(dy, "dy", 2, BC_F32);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    const Tensor& w = call.plain(weight, "weight", 1);
    const int64_t T = in.shape[0];
    const int64_t C = in.shape[1];
    call.shape(out, "dx", {T, C});
    call.shape(d, "dy", {T, C});
    call.shape(w, "weight", {C});
    if (dw != nullptr) call.shape(*dw, "dweight", {C});
    call.require(out.storage != in.storage && out.storage != d.storage, "dx's storage", 0,
                 "another than that of x and dy");
    call.require(eps >= 0.0f && eps < 1.0f, "eps", static_cast<double>(eps), "0 to 1");
    call.run_or_record([&](Backend& backend) {
      backend.run(RmsNormBackwardParams{data<float>(out), out.ld, data<float>(dw), data<float>(d),
                                        d.ld, data<float>(in), in.ld, w.data, w.type, T, C, eps});
    });
  });
}

bc_status bc_swiglu_backward(bc_context* context, bc_tensor* dgate, bc_tensor* dup, bc_tensor* dy,
                             bc_tensor* gate, bc_tensor* up) {
  return guard([&] {
    Call call(context, "swiglu_backward");
    call.require_at_once();
    const Tensor& dg = call.output(dgate, "dgate", 2, BC_F32);
    const Tensor& du = call.output(dup, "dup", 2, BC_F32);
    const Tensor& d = call.tensor(dy, "dy", 2, BC_F32);
    const Tensor& g = call.tensor(gate, "gate", 2, BC_F32);
    const Tensor& u = call.tensor(up, "up", 2, BC_F32);
    const int64_t T = d.shape[0];
    const int64_t F = d.shape[1];
    call.shape(dg, "dgate", {T, F});
    call.shape(du, "dup", {T, F});
    call.shape(g, "gate", {T, F});
    call.shape(u, "up", {T, F});
    call.require(dg.data != du.data, "dup", 0, "another tensor than dgate");
    call.run_or_record([&](Backend& backend) {
      backend.run(SwigluBackwardParams{data<float>(dg), dg.ld, data<float>(du), du.ld,
                                       data<float>(d), d.ld, data<float>(g), g.ld, data<float>(u),
                                       u.ld, T, F});
    });
  });
}

bc_status bc_cross_entropy(bc_context* context, bc_tensor* x, bc_tensor* loss, bc_tensor* targets,
                           bc_tensor* scales) {
  return guard([&] {
    Call call(context, "cross_entropy");
    call.require_at_once();
    const Tensor& logits = call.output(x, "x", 2, BC_F32);
    const Tensor& losses = call.output(loss, "loss", 1, BC_F32);
    const Tensor& wanted = call.int_input(targets, "targets", 1);
    const int64_t T = logits.shape[0];
    const int64_t V = logits.shape[1];
    call.shape(losses, "loss", {T});
    call.shape(wanted, "targets", {T});
    const Tensor& by = call.tensor(scales, "scales", 1, BC_F32);
    call.shape(by, "scales", {T});
    call.needs(Ids{reinterpret_cast<const int32_t*>(wanted.host()), T, -1, V, "targets"});
    call.run_or_record([&](Backend& backend) {
      backend.run(CrossEntropyParams{data<float>(logits), logits.ld, data<float>(losses),
                                     data<int32_t>(wanted), data<float>(by), T, V});
    });
  });
}

bc_status bc_embed_backward(bc_context* context, bc_tensor* dtable, bc_tensor* dx, bc_tensor* ids) {
  return guard([&] {
    Call call(context, "embed_backward");
    call.require_at_once();
    const Tensor& table = call.output(dtable, "dtable", 2, BC_F32);
    const Tensor& d = call.tensor(dx, "dx", 2, BC_F32);
    const Tensor& rows = call.int_input(ids, "ids", 1);
    const int64_t T = d.shape[0];
    const int64_t V = table.shape[0];
    const int64_t C = table.shape[1];
    call.shape(d, "dx", {T, C});
    call.shape(rows, "ids", {T});
    call.require(table.storage != d.storage, "dtable's storage", 0, "another than that of dx");
    call.needs(Ids{reinterpret_cast<const int32_t*>(rows.host()), T, 0, V, "ids"});
    call.run_or_record([&](Backend& backend) {
      backend.run(EmbedBackwardParams{data<float>(table), table.ld, data<int32_t>(rows),
                                      data<float>(d), d.ld, T, C, V});
    });
  });
}

bc_status bc_row_norms_backward(bc_context* context, bc_tensor* dw, bc_tensor* w,
                                bc_tensor* norms) {
  return guard([&] {
    Call call(context, "row_norms_backward");
    call.require_at_once();
    const Tensor& d = call.output(dw, "dw", 2, BC_F32);
    const Tensor& weight = call.plain(w, "w", 2);
    const Tensor& r = call.tensor(norms, "norms", 1, BC_F32);
    const int64_t N = weight.shape[0];
    const int64_t K = weight.shape[1];
    call.shape(d, "dw", {N, K});
    call.shape(r, "norms", {N});
    call.require(d.storage != weight.storage, "dw's storage", 0, "another than that of w");
    call.run_or_record([&](Backend& backend) {
      backend.run(RowNormsBackwardParams{data<float>(d), d.ld, weight.data, weight.type, weight.ld,
                                         data<float>(r), N, K});
    });
  });
}

bc_status bc_zero(bc_context* context, bc_tensor* x) {
  return guard([&] {
    Call call(context, "zero");
    call.require_at_once();
    const Tensor& out = call.output(x, "x", tensors.get(x, "zero", "x")->rank, BC_F32);
    const int64_t n = contiguous(call, out, "row stride of x");
    call.run_or_record([&](Backend& backend) { backend.run(ZeroParams{data<float>(out), n}); });
  });
}

bc_status bc_sum_of_squares(bc_context* context, bc_tensor* x, double* sum) {
  return guard([&] {
    Call call(context, "sum_of_squares");
    call.require_at_once();
    const Tensor& in = call.tensor(x, "x", tensors.get(x, "sum_of_squares", "x")->rank, BC_F32);
    const int64_t n = contiguous(call, in, "row stride of x");
    call.require_present(sum, "sum", "where the sum goes");
    call.run_or_record([&](Backend& backend) {
      backend.run(SumOfSquaresParams{data<float>(in), n, sum});
    });
  });
}

bc_status bc_adamw(bc_context* context, bc_tensor* w, bc_tensor* copy, bc_tensor* m, bc_tensor* v,
                   bc_tensor* m_peaks, bc_tensor* v_peaks, bc_tensor* gradient, float rate,
                   float beta1, float beta2, float eps, float decay, float factor, int64_t step,
                   uint64_t seed) {
  return guard([&] {
    Call call(context, "adamw");
    call.require_at_once();
    const auto any = [&](bc_tensor* handle, const char* name) -> const Tensor& {
      return call.output(handle, name, tensors.get(handle, "adamw", name)->rank);
    };
    const Tensor& weights = any(w, "w");
    const int64_t n = contiguous(call, weights, "row stride of w");
    call.require(weights.type == Type::f32 || weights.type == Type::bf16, "w's type",
                 static_cast<double>(weights.type), "f32 (0) or bf16 (2)");
    const auto same = [&](const Tensor& t, const char* name) {
      call.require(contiguous(call, t, name) == n, name, static_cast<double>(t.elements()),
                   "as many elements as w has");
    };
    const Tensor* rounded = copy == nullptr ? nullptr : &any(copy, "copy");
    if (rounded != nullptr) {
      call.same_type(*rounded, "copy", Type::bf16);
      call.require(weights.type == Type::f32, "copy", 1.0, "none, since w is bf16 itself");
      same(*rounded, "copy");
    }
    const Tensor& first = any(m, "m");
    const Tensor& second = any(v, "v");
    call.require(first.type == Type::f32 || first.type == Type::i8, "m's type",
                 static_cast<double>(first.type), "f32 (0) or i8 (4)");
    call.same_type(second, "v", first.type);
    same(first, "m");
    same(second, "v");
    const bool small = first.type == Type::i8;
    const auto peaks = [&](bc_tensor* handle, const char* name) -> const Tensor* {
      call.require((handle != nullptr) == small, name, handle != nullptr,
                   "peaks for i8 states only");
      if (!small) return nullptr;
      const Tensor& t = call.output(handle, name, 1, BC_F32);
      call.shape(t, name, {(n + kStateBlock - 1) / kStateBlock});
      return &t;
    };
    const Tensor* of_m = peaks(m_peaks, "m_peaks");
    const Tensor* of_v = peaks(v_peaks, "v_peaks");
    const Tensor& g = any(gradient, "gradient");
    call.same_type(g, "gradient", Type::f32);
    same(g, "gradient");
    const AdamwStep numbers =
        checked_step(call, {rate, beta1, beta2, eps, decay, 0.0f, 0.0f, factor, seed}, step);
    call.run_or_record([&](Backend& backend) {
      backend.run(AdamwParams{weights.data, weights.type, data<uint16_t>(rounded), data<float>(g),
                              first.data, second.data, first.type, data<float>(of_m),
                              data<float>(of_v), n, numbers});
    });
  });
}

}  // extern "C"
