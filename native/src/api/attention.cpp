// Ops of baichuan.h that know positions: rope, and those of the paged cache.
#include "api/call.h"

namespace bc {
namespace {

// The batch as kernels find it; what it holds on the host is checked each time the op runs.
Ragged ragged(Call& call, bc_tensor* positions, bc_tensor* offsets, bc_tensor* table, int64_t T,
              int64_t pages) {
  const Tensor& pos = call.int_input(positions, "positions", 1);
  const Tensor& off = call.int_input(offsets, "offsets", 1);
  const Tensor& tab = call.int_input(table, "table", 2);
  call.shape(pos, "positions", {T});
  call.shape(off, "offsets", {tab.shape[0] + 1});
  call.require(tab.contiguous(), "table's row stride", static_cast<double>(tab.ld), "its width");
  const auto batch = [&](const uint8_t* p, const uint8_t* o, const uint8_t* t) {
    const auto ints = [](const uint8_t* bytes) { return reinterpret_cast<const int32_t*>(bytes); };
    return Ragged{ints(p), ints(o), ints(t), T, tab.shape[0], tab.shape[1], pages};
  };
  call.needs(batch(pos.host(), off.host(), tab.host()));
  return batch(pos.data, off.data, tab.data);
}

struct Pages {
  const Tensor& pages;
  const Tensor* scales;
  int64_t H, D;
};

Pages checked_pages(Call& call, bc_tensor* pages, bc_tensor* scales, bool written) {
  const Tensor& p = written ? call.output(pages, "pages", 5) : call.tensor(pages, "pages", 5);
  const int64_t H = p.shape[2];
  const int64_t D = p.shape[4];
  call.shape(p, "pages", {p.shape[0], 2, H, kPageSize, D});
  call.require(D % 16 == 0 && D <= 256, "head size", static_cast<double>(D),
               "a multiple of 16 up to 256");
  call.require(
      p.type == Type::f32 || p.type == Type::f16 || p.type == Type::bf16 || p.type == Type::i8,
      "pages' type", static_cast<double>(p.type), "f32 (0), f16 (1), bf16 (2) or i8 (4)");
  const Tensor* s = call.optional(scales, "scales", 4, BC_F32);
  call.require((s != nullptr) == (p.type == Type::i8), "scales' presence", s != nullptr,
               "scales with i8 pages only");
  if (s != nullptr) call.shape(*s, "scales", {p.shape[0], 2, H, kPageSize});
  return Pages{p, s, H, D};
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_rope(bc_context* context, bc_tensor* qkv, bc_tensor* positions, int32_t heads,
                  float base) {
  return guard([&] {
    Call call(context, "rope");
    const Tensor& x = call.plain_output(qkv, "qkv", 2);
    const Tensor& pos = call.int_input(positions, "positions", 1);
    const int64_t T = x.shape[0];
    call.shape(pos, "positions", {T});
    call.require(heads > 0 && x.shape[1] % (3 * int64_t{heads}) == 0, "heads", heads,
                 "a divisor of a third of qkv's width");
    const int64_t D = x.shape[1] / (3 * int64_t{heads});
    call.require(D % 16 == 0 && D <= 256, "head size", static_cast<double>(D),
                 "a multiple of 16 up to 256");
    call.require(base > 1.0f && base < 1e30f, "base", static_cast<double>(base), "more than 1");
    call.submit(RopeParams{x.data, x.type, x.ld, data<int32_t>(pos), T, heads, D, base});
  });
}

bc_status bc_kv_append(bc_context* context, bc_tensor* pages, bc_tensor* scales, bc_tensor* qkv,
                       bc_tensor* positions, bc_tensor* offsets, bc_tensor* table) {
  return guard([&] {
    Call call(context, "kv_append");
    const Pages kv = checked_pages(call, pages, scales, true);
    const Tensor& x = call.plain(qkv, "qkv", 2);
    call.shape(x, "qkv", {x.shape[0], 3 * kv.H * kv.D});
    const Ragged batch = ragged(call, positions, offsets, table, x.shape[0], kv.pages.shape[0]);
    call.submit(KvAppendParams{kv.pages.data, kv.pages.type, data<float>(kv.scales), x.data, x.type,
                               x.ld, batch, kv.H, kv.D});
  });
}

bc_status bc_attention(bc_context* context, bc_tensor* out, bc_tensor* qkv, bc_tensor* pages,
                       bc_tensor* scales, bc_tensor* positions, bc_tensor* offsets,
                       bc_tensor* table, bc_tensor* slopes) {
  return guard([&] {
    Call call(context, "attention");
    const Tensor& o = call.plain_output(out, "out", 2);
    const Tensor& x = call.plain(qkv, "qkv", 2);
    const Pages kv = checked_pages(call, pages, scales, false);
    const int64_t T = x.shape[0];
    call.shape(x, "qkv", {T, 3 * kv.H * kv.D});
    call.shape(o, "out", {T, kv.H * kv.D});
    const Tensor* s = call.optional(slopes, "slopes", 1, BC_F32);
    if (s != nullptr) call.shape(*s, "slopes", {kv.H});
    const Ragged batch = ragged(call, positions, offsets, table, T, kv.pages.shape[0]);
    call.submit_with_scratch(AttentionParams{
        o.data, o.type, o.ld, x.data, x.type, x.ld, kv.pages.data, kv.pages.type,
        data<float>(kv.scales), batch, data<float>(s), kv.H, kv.D, call.context().exact, nullptr});
  });
}

}  // extern "C"
