// Ops of baichuan.h that make and read weights.
#include <algorithm>

#include "api/call.h"
#include "quant.h"

namespace bc {
namespace {

static_assert(BC_PAGE_SIZE == kPageSize && BC_PANEL_ROWS == kPanel &&
                  BC_PACKED_ALIGNMENT == kPackedAlignment,
              "baichuan.h states the layouts that the library has");

// A mapped matrix is worked on in blocks of this size, each a tenth of a second of quantizing, so that
// threads wait for each other rarely and the disk has work meanwhile.
constexpr int64_t kBlockBytes = int64_t{64} << 20;

// Calls run(row, rows) for blocks of rows of w that begin at a panel. While a block of a mapped matrix is
// worked on, the bytes behind it in the file are read ahead; its own pages are dropped afterwards, so that
// a load holds the weights that it makes and not the file that it reads.
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
                 "q8 (5), q4 (6) or codes");
    call.shape(o, "out", {in.shape[0], in.shape[1]});
    if (s != nullptr) call.shape(*s, "row_scale", {in.shape[0]});
    const int64_t K = in.shape[1];
    double errors[2] = {};
    in_blocks(in, [&](int64_t row, int64_t rows) {
      double of_block[2] = {};
      call.submit_with_scratch(QuantizeParams{
          o.data + packed_bytes(o.type, row, K), o.type,
          in.data + row * in.ld * element_bytes(in.type), in.type, in.ld,
          s == nullptr ? nullptr : data<float>(s) + row, rows, K, of_block, nullptr});
      errors[0] += of_block[0];
      errors[1] += of_block[1];
    });
    ++call.context().waits;
    if (error != nullptr) std::copy(errors, errors + 2, error);
  });
}

bc_status bc_pack_codes(bc_context* context, bc_tensor* out, int64_t row, bc_tensor* codes,
                        bc_tensor* scales, bc_tensor* zeros) {
  return guard([&] {
    Call call(context, "pack_codes");
    if (call.context().recording)
      fail(BC_INVALID_ARGUMENT, "pack_codes: context is recording, expected it outside of a plan");
    const Tensor& o = call.output(out, "out", 2);
    const Tensor& c = call.tensor(codes, "codes", 2, BC_I8);
    const Tensor& s = call.plain(scales, "scales", 2);
    const Tensor* z = zeros == nullptr ? nullptr : &call.plain(zeros, "zeros", 2);
    call.require(is_codes(o.type) || o.type == Type::q4, "out's type", static_cast<double>(o.type),
                 "codes or q4 (6)");
    const bool symmetric = is_codes(o.type) && format_of(o.type).form == CodeForm::symmetric;
    call.require((z == nullptr) == symmetric, "zeros", z == nullptr ? 0.0 : 1.0,
                 symmetric ? "none (0) for the symmetric form" : "some (1)");
    const int64_t N = o.shape[0];
    const int64_t K = o.shape[1];
    const int64_t rows = c.shape[0];
    call.require(row >= 0 && row % kPanel == 0 && row < N, "row", number(row),
                 "a multiple of 16 inside out");
    call.require(rows <= N - row && (rows % kPanel == 0 || row + rows == N), "rows of codes",
                 number(rows), "a multiple of 16, or all that are left of out");
    const int64_t groups = K / group_columns(o.type);
    call.shape(c, "codes", {rows, K});
    call.shape(s, "scales", {rows, groups});
    if (z != nullptr) call.shape(*z, "zeros", {rows, groups});
    call.submit(PackCodesParams{o.data + packed_bytes(o.type, row, K), o.type, data<uint8_t>(c),
                                c.ld, s.data, s.type, s.ld, z == nullptr ? nullptr : z->data,
                                z == nullptr ? Type::f32 : z->type, z == nullptr ? 0 : z->ld, rows,
                                K});
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
    call.submit(DequantizeParams{data<float>(o), o.ld, in.data, in.type, in.ld, N, K});
  });
}

bc_status bc_convert(bc_context* context, bc_tensor* out, bc_tensor* x) {
  return guard([&] {
    Call call(context, "convert");
    const Tensor& o = call.plain_output(out, "out", 2);
    const Tensor& in = call.plain(x, "x", 2);
    const int64_t M = in.shape[0];
    const int64_t N = in.shape[1];
    call.shape(o, "out", {M, N});
    call.require(o.storage != in.storage, "out's storage", 0, "another than that of x");
    call.submit(ConvertParams{o.data, o.type, o.ld, in.data, in.type, in.ld, M, N});
  });
}

bc_status bc_row_norms(bc_context* context, bc_tensor* out, bc_tensor* w) {
  return guard([&] {
    Call call(context, "row_norms");
    const Tensor& o = call.output(out, "out", 1, BC_F32);
    const Tensor& in = call.plain(w, "w", 2);
    call.shape(o, "out", {in.shape[0]});
    const auto of_rows = [o, in](int64_t row, int64_t rows) {
      return RowNormsParams{data<float>(o) + row,
                            in.data + row * in.ld * element_bytes(in.type),
                            in.type,
                            in.ld,
                            rows,
                            in.shape[1]};
    };
    call.check(of_rows(0, in.shape[0]));
    call.run_or_record([in, of_rows](Backend& backend) {
      in_blocks(in, [&](int64_t row, int64_t rows) { backend.run(of_rows(row, rows)); });
    });
  });
}

}  // extern "C"
