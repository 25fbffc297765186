// Ops of baichuan.h that know positions: rope, and those of the paged cache.
#include "api/call.h"

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

// Checks the numbers of heads and their size, which the kernels of all backends rely on.
void check_head_size(Call& call, int64_t D) {
  call.require(D > 0 && D % 8 == 0 && D <= kMaxHeadSize, "head size", static_cast<double>(D),
               "a multiple of 8 up to 256");
}
void check_heads(Call& call, int64_t H, int64_t G) {
  call.require(H > 0 && G > 0 && H % G == 0 && H / G <= kMaxGroup, "heads", static_cast<double>(H),
               "1 to 64 times as many as there are key-value heads");
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
    const Tensor& pos = call.int_input(positions, "positions", 1);
    const int64_t T = x.shape[0];
    call.shape(pos, "positions", {T});
    const int64_t D = head_size;
    check_head_size(call, D);
    call.require(heads > 0, "heads", heads, "1 or more");
    call.require(x.shape[1] % (2 * D) == heads * D % (2 * D), "width of qkv",
                 static_cast<double>(x.shape[1]), "that of the heads and an even number more");
    const int64_t G = (x.shape[1] / D - heads) / 2;
    check_heads(call, heads, G);
    if (frequencies == nullptr)
      fail(BC_INVALID_ARGUMENT, "rope: frequencies is null, expected half a head size of numbers");
    call.require(scale > 0.0f && scale < 1e30f, "scale", static_cast<double>(scale), "more than 0");
    call.require((q_norm == nullptr) == (k_norm == nullptr), "norms", 1.0, "two or none");
    RopeParams p{};
    p.qkv = x.data;
    p.type = x.type;
    p.ld = x.ld;
    p.positions = data<int32_t>(pos);
    p.T = T;
    p.H = heads;
    p.G = G;
    p.D = D;
    p.scale = scale;
    if (q_norm != nullptr) {
      const Tensor& q = call.plain(q_norm, "q_norm", 1);
      const Tensor& k = call.plain(k_norm, "k_norm", 1);
      call.shape(q, "q_norm", {D});
      call.shape(k, "k_norm", {D});
      call.same_type(k, "k_norm", q.type);
      call.require(eps >= 0.0f && eps < 1.0f, "eps", static_cast<double>(eps), "0 to 1");
      p.q_norm = q.data;
      p.k_norm = k.data;
      p.norm_type = q.type;
      p.eps = eps;
    }
    for (int64_t k = 0; k < D / 2; ++k) {
      const double f = frequencies[k];
      call.require(f >= 0.0 && f <= 1e6, "frequency", f, "0 to 1e6");
      p.frequencies[k] = f;
    }
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
