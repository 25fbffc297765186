// Ops of baichuan.h that know positions: rope, and those of the paged cache.
#include "api/heads.h"

namespace bc {
namespace {

// The batch as kernels find it; its contents are checked on the host each time the op runs.
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
  int64_t G, D;
};

Pages checked_pages(Call& call, bc_tensor* pages, bc_tensor* scales, bool written) {
  const Tensor& p = written ? call.output(pages, "pages", 5) : call.tensor(pages, "pages", 5);
  const int64_t G = p.shape[2];
  const int64_t D = p.shape[4];
  call.shape(p, "pages", {p.shape[0], 2, G, kPageSize, D});
  call.require(
      p.type == Type::f32 || p.type == Type::f16 || p.type == Type::bf16 || p.type == Type::i8,
      "pages' type", static_cast<double>(p.type), "f32 (0), f16 (1), bf16 (2) or i8 (4)");
  const Tensor* s = call.optional(scales, "scales", 4, BC_F32);
  call.require((s != nullptr) == (p.type == Type::i8), "scales' presence", s != nullptr,
               "scales with i8 pages only");
  if (s != nullptr) call.shape(*s, "scales", {p.shape[0], 2, G, kPageSize});
  check_head_size(call, D);
  return Pages{p, s, G, D};
}

// The query heads of qkv [T,(H+2G)D].
int64_t checked_heads(Call& call, const Pages& kv, const Tensor& qkv) {
  const int64_t H = qkv.shape[1] / kv.D - 2 * kv.G;
  check_heads(call, H, kv.G);
  call.shape(qkv, "qkv", {qkv.shape[0], (H + 2 * kv.G) * kv.D});
  return H;
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_rope(bc_context* context, bc_tensor* qkv, bc_tensor* positions, int32_t heads,
                  int32_t head_size, const double* frequencies, float scale, bc_tensor* q_norm,
                  bc_tensor* k_norm, float eps) {
  return guard([&] {
    Call call(context, "rope");
    const Tensor& x = call.plain_output(qkv, "qkv", 2);
    RopeParams p =
        checked_rope(call, {positions, heads, head_size, frequencies, scale, q_norm, k_norm, eps},
                     x.shape[0], x.shape[1]);
    p.qkv = x.data;
    p.type = x.type;
    p.ld = x.ld;
    call.submit(p);
  });
}

bc_status bc_kv_append(bc_context* context, bc_tensor* pages, bc_tensor* scales, bc_tensor* qkv,
                       bc_tensor* positions, bc_tensor* offsets, bc_tensor* table) {
  return guard([&] {
    Call call(context, "kv_append");
    const Tensor& x = call.plain(qkv, "qkv", 2);
    const Pages kv = checked_pages(call, pages, scales, true);
    const int64_t H = checked_heads(call, kv, x);
    const Ragged batch = ragged(call, positions, offsets, table, x.shape[0], kv.pages.shape[0]);
    call.submit(KvAppendParams{kv.pages.data, kv.pages.type, data<float>(kv.scales), x.data, x.type,
                               x.ld, batch, H, kv.G, kv.D});
  });
}

bc_status bc_kv_copy(bc_context* context, bc_tensor* pages, bc_tensor* scales, int32_t from,
                     int32_t to) {
  return guard([&] {
    Call call(context, "kv_copy");
    const Pages kv = checked_pages(call, pages, scales, true);
    const int64_t count = kv.pages.shape[0];
    call.require(from >= 0 && from < count, "from", from, "a page of the cache");
    call.require(to >= 0 && to < count, "to", to, "a page of the cache");
    const int64_t rows = 2 * kv.G * kPageSize;
    call.submit(KvCopyParams{kv.pages.data, rows * kv.D * element_bytes(kv.pages.type),
                             data<float>(kv.scales), rows, from, to});
  });
}

bc_status bc_attention(bc_context* context, bc_tensor* out, bc_tensor* qkv, bc_tensor* pages,
                       bc_tensor* scales, bc_tensor* positions, bc_tensor* offsets,
                       bc_tensor* table, bc_tensor* slopes, int32_t window) {
  return guard([&] {
    Call call(context, "attention");
    const Tensor& o = call.plain_output(out, "out", 2);
    const Tensor& x = call.plain(qkv, "qkv", 2);
    const Pages kv = checked_pages(call, pages, scales, false);
    const int64_t H = checked_heads(call, kv, x);
    const int64_t T = x.shape[0];
    call.shape(o, "out", {T, H * kv.D});
    const Tensor* s = call.optional(slopes, "slopes", 1, BC_F32);
    if (s != nullptr) call.shape(*s, "slopes", {H});
    call.require(window >= 0, "window", window, "0 or more");
    const Ragged batch = ragged(call, positions, offsets, table, T, kv.pages.shape[0]);
    call.submit_with_scratch(AttentionParams{o.data, o.type, o.ld, x.data, x.type, x.ld,
                                             kv.pages.data, kv.pages.type, data<float>(kv.scales),
                                             batch, data<float>(s), H, kv.G, kv.D, window,
                                             call.context().exact, nullptr});
  });
}

}  // extern "C"
