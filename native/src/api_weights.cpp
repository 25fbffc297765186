// Ops of baichuan.h that make and read weights.
#include <algorithm>

#include "call.h"
#include "cuda/kernels.h"
#include "quant.h"

namespace bc {
namespace {

constexpr int64_t kErrorBytes = 2 * sizeof(double);

// Of a mapped matrix so much is worked on at a time: a tenth of a second of quantizing, so that
// threads wait for each other rarely and the disk has work meanwhile.
constexpr int64_t kBlockBytes = int64_t{64} << 20;

// Calls run(row, rows) for blocks of the rows of w that begin at panels. Of a mapped matrix the block
// after it is read ahead, the next matrix where the file goes on, and its own pages are dropped
// after it: a load holds what it makes and not what it reads.
template <class Run>
void in_blocks(const Tensor& w, Run&& run) {
  const int64_t row_bytes = w.ld * element_bytes(w.type);
  const int64_t block = w.storage->mapped()
                            ? std::max(kBlockBytes / row_bytes / kPanel, int64_t{1}) * kPanel
                            : w.shape[0];
  w.storage->read_ahead(w.data, block * row_bytes);
  for (int64_t row = 0; row < w.shape[0]; row += block) {
    const uint8_t* from = w.data + row * row_bytes;
    w.storage->read_ahead(from + block * row_bytes, block * row_bytes);
    run(row, std::min(block, w.shape[0] - row));
    w.storage->drop(from, block * row_bytes);
  }
}

void quantize(const Tensor& out, const Tensor& w, const float* row_scale, ThreadPool& pool,
              double* error) {
  const int64_t K = w.shape[1];
  in_blocks(w, [&](int64_t row, int64_t rows) {
    QuantizeParams p{out.data + packed_bytes(out.type, row, K),
                     out.type,
                     w.data + row * w.ld * element_bytes(w.type),
                     w.type,
                     w.ld,
                     row_scale == nullptr ? nullptr : row_scale + row,
                     rows,
                     K,
                     {}};
    cpu::quantize(p, pool);
    error[0] += p.error[0];
    error[1] += p.error[1];
  });
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
    const int64_t N = in.shape[0];
    const int64_t K = in.shape[1];
    double errors[2] = {};
    if (call.on_gpu()) {
      call.vectors(in, "w");
      auto* sums =
          static_cast<double*>(call.gpu_scratch(kErrorBytes + cuda::quantize_scratch_bytes(N, K)));
      const cuda::QuantizeParams p{o.data,
                                   o.type,
                                   in.data,
                                   in.ld,
                                   in.type,
                                   data<float>(s),
                                   N,
                                   K,
                                   sums,
                                   sums + 2,
                                   call.context().gpu->facts().hopper};
      call.submit_gpu([p](void* stream) { cuda::quantize(p, stream); });
      call.context().gpu->download(errors, sums, kErrorBytes);
      ++call.context().waits;
    } else {
      call.submit_cpu([&](ThreadPool& pool) { quantize(o, in, data<float>(s), pool, errors); });
    }
    if (error != nullptr) std::copy(errors, errors + 2, error);
  });
}

bc_status bc_dequantize(bc_context* context, bc_tensor* out, bc_tensor* w) {
  return guard([&] {
    Call call(context, "dequantize");
    const Tensor& o = call.output(out, "out", 2, BC_F32);
    const Tensor& in = call.tensor(w, "w", 2);
    call.require(in.type != Type::i32 && in.type != Type::i8, "w's type",
                 static_cast<double>(in.type), "a weight type");
    const int64_t N = in.shape[0];
    const int64_t K = in.shape[1];
    call.shape(o, "out", {N, K});
    if (call.on_gpu()) {
      call.vectors(o, "out");
      if (!is_quantized(in.type)) call.vectors(in, "w");
      const cuda::DequantizeParams p{
          data<float>(o), o.ld, in.data, in.ld, in.type, N, K, call.context().gpu->facts().hopper};
      call.submit_gpu([p](void* stream) { cuda::dequantize(p, stream); });
    } else {
      const DequantizeParams p{data<float>(o), o.ld, in.data, in.type, in.ld, N, K};
      call.submit_cpu([p](ThreadPool& pool) { cpu::dequantize(p, pool); });
    }
  });
}

bc_status bc_convert(bc_context* context, bc_tensor* out, bc_tensor* x) {
  return guard([&] {
    Call call(context, "convert");
    call.output(out, "out", 2);
    const Tensor& o = call.plain(out, "out", 2);
    const Tensor& in = call.plain(x, "x", 2);
    const int64_t M = in.shape[0];
    const int64_t N = in.shape[1];
    call.shape(o, "out", {M, N});
    call.require(o.storage != in.storage, "out's storage", 0, "another than that of x");
    if (call.on_gpu()) {
      if (!o.contiguous() || !in.contiguous()) {
        call.vectors(o, "out");
        call.vectors(in, "x");
      }
      const cuda::ConvertParams p{o.data, o.ld, in.data, in.ld, o.type, in.type, M, N};
      call.submit_gpu([p](void* stream) { cuda::convert(p, stream); });
    } else {
      const ConvertParams p{o.data, o.type, o.ld, in.data, in.type, in.ld, M, N};
      call.submit_cpu([p](ThreadPool& pool) { cpu::convert(p, pool); });
    }
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
      call.submit_cpu([o, in](ThreadPool& pool) {
        in_blocks(in, [&](int64_t row, int64_t rows) {
          cpu::row_norms({data<float>(o) + row, in.data + row * in.ld * element_bytes(in.type),
                          in.type, in.ld, rows, in.shape[1]},
                         pool);
        });
      });
    }
  });
}

}  // extern "C"
