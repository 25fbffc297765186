// Ops of baichuan.h that make and read weights.
#include "call.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "quant.h"

namespace bc {
namespace {

void quantize_on_host(QuantizeParams& p, cuda::Device& gpu, ThreadPool& pool) {
  std::vector<uint8_t> w(static_cast<size_t>(((p.N - 1) * p.w_ld + p.K) * element_bytes(p.w_type)));
  gpu.download(w.data(), p.w, static_cast<int64_t>(w.size()));
  std::vector<float> scale(static_cast<size_t>(p.N));
  if (p.row_scale != nullptr) gpu.download(scale.data(), p.row_scale, p.N * 4);
  const auto size = static_cast<size_t>(packed_bytes(p.out_type, p.N, p.K));
  std::vector<uint8_t> packed(size);
  std::vector<uint8_t> out(size);
  void* target = p.out;
  p.w = w.data();
  p.out = packed.data();
  if (p.row_scale != nullptr) p.row_scale = scale.data();
  cpu::quantize(p, pool);
  cuda::repack(p.out_type, out.data(), packed.data(), p.N, p.K);
  gpu.upload(target, out.data(), static_cast<int64_t>(size));
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_quantize(bc_context* context, bc_tensor* out, bc_tensor* w, bc_tensor* row_scale,
                      double* error) {
  return guard([&] {
    Call call(context, "quantize");
    if (call.context().recording)
      fail(BC_INVALID_ARGUMENT, "quantize: context is recording, expected it outside of a plan");
    const Tensor& o = call.output(out, "out", 2);
    const Tensor& in = call.plain(w, "w", 2);
    const Tensor* s = call.optional(row_scale, "row_scale", 1, BC_F32);
    call.require(is_quantized(o.type), "out's type", static_cast<double>(o.type),
                 "q8 (5) or q4 (6)");
    call.shape(o, "out", {in.shape[0], in.shape[1]});
    if (s != nullptr) call.shape(*s, "row_scale", {in.shape[0]});
    QuantizeParams p{o.data,         o.type,      in.data,     in.type, in.ld,
                     data<float>(s), in.shape[0], in.shape[1], {}};
    if (call.on_gpu()) {
      quantize_on_host(p, *call.context().gpu, call.context().pool);
      call.submit_gpu([](void*) {});
    } else {
      call.submit_cpu([&p](ThreadPool& pool) { cpu::quantize(p, pool); });
    }
    if (error != nullptr) {
      error[0] = p.error[0];
      error[1] = p.error[1];
    }
  });
}

bc_status bc_dequantize(bc_context* context, bc_tensor* out, bc_tensor* w) {
  return guard([&] {
    Call call(context, "dequantize");
    const Tensor& o = call.output(out, "out", 2, BC_F32);
    const Tensor& in = call.tensor(w, "w", 2);
    call.require(in.type != Type::i32 && in.type != Type::i8, "w's type",
                 static_cast<double>(in.type), "a weight type");
    call.shape(o, "out", {in.shape[0], in.shape[1]});
    const DequantizeParams p{data<float>(o), o.ld,        in.data,    in.type,
                             in.ld,          in.shape[0], in.shape[1]};
    call.submit_cpu([p](ThreadPool& pool) { cpu::dequantize(p, pool); });
  });
}

bc_status bc_row_norms(bc_context* context, bc_tensor* out, bc_tensor* w) {
  return guard([&] {
    Call call(context, "row_norms");
    const Tensor& o = call.output(out, "out", 1, BC_F32);
    const Tensor& in = call.plain(w, "w", 2);
    call.shape(o, "out", {in.shape[0]});
    if (call.on_gpu()) {
      call.vectors(in, "w");
      const cuda::RowNormsParams p{data<float>(o), in.data,     in.ld,
                                   in.type,        in.shape[0], in.shape[1]};
      call.submit_gpu([p](void* stream) { cuda::row_norms(p, stream); });
    } else {
      const RowNormsParams p{data<float>(o), in.data, in.type, in.ld, in.shape[0], in.shape[1]};
      call.submit_cpu([p](ThreadPool& pool) { cpu::row_norms(p, pool); });
    }
  });
}

}  // extern "C"
