// Ops of baichuan.h: shapes, types and ids are checked, then the op is run or recorded.
#include <functional>
#include <utility>

#include "baichuan.h"
#include "handles.h"
#include "ops.h"
#include "quant.h"

namespace bc {
namespace {

using Long = long long;

// One call of an op: looks handles up, checks what belongs together and submits.
class Call {
 public:
  Call(bc_context* context, const char* op)
      : op_(op), context_(contexts.get(context, op, "context")) {}
  ~Call() {
    if (!submitted_ && context_->recording) context_->recording->failed = true;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Context& context() const { return *context_; }

  // A tensor of this context, kept alive by the recorded op. type -1 accepts any.
  const Tensor& tensor(const bc_tensor* handle, const char* name, int32_t rank, int32_t type = -1) {
    const std::shared_ptr<Tensor> t = tensors.get(handle, op_, name);
    if (t->context != context_) {
      fail(BC_INVALID_ARGUMENT, "%s: %s belongs to another context, expected one of this context",
           op_, name);
    }
    if (t->rank != rank) {
      fail(BC_INVALID_ARGUMENT, "%s: %s has shape %s, expected rank %d", op_, name,
           shape_text(t->shape, t->rank).c_str(), rank);
    }
    if (type >= 0 && static_cast<int32_t>(t->type) != type) {
      fail(BC_INVALID_ARGUMENT, "%s: %s has type %s, expected %s", op_, name, name_of(t->type),
           name_of(static_cast<Type>(type)));
    }
    used_.push_back(t);
    return *t;
  }

  const Tensor* optional(const bc_tensor* handle, const char* name, int32_t rank, int32_t type) {
    return handle == nullptr ? nullptr : &tensor(handle, name, rank, type);
  }

  const Tensor& output(const bc_tensor* handle, const char* name, int32_t rank, int32_t type) {
    const Tensor& t = tensor(handle, name, rank, type);
    if (t.read_only)
      fail(BC_INVALID_ARGUMENT, "%s: %s is mapped from a file, expected one that can be written",
           op_, name);
    return t;
  }

  // A weight or table: f32, f16 or bf16.
  const Tensor& plain(const bc_tensor* handle, const char* name, int32_t rank) {
    const Tensor& t = tensor(handle, name, rank);
    if (t.type != Type::f32 && t.type != Type::f16 && t.type != Type::bf16) {
      fail(BC_INVALID_ARGUMENT, "%s: %s has type %s, expected f32, f16 or bf16", op_, name,
           name_of(t.type));
    }
    return t;
  }

  void shape(const Tensor& t, const char* name, std::initializer_list<int64_t> expected) const {
    bool same = t.rank == static_cast<int32_t>(expected.size());
    int32_t i = 0;
    for (const int64_t size : expected) same = same && t.shape[i++] == size;
    if (!same) {
      fail(BC_INVALID_ARGUMENT, "%s: %s has shape %s, expected %s", op_, name,
           shape_text(t.shape, t.rank).c_str(),
           shape_text(expected.begin(), static_cast<int32_t>(expected.size())).c_str());
    }
  }

  void require(bool ok, const char* name, double value, const char* expected) const {
    if (!ok)
      fail(BC_INVALID_ARGUMENT, "%s: %s has value %g, expected %s", op_, name, value, expected);
  }

  // Runs the op now, or records it with everything it refers to.
  void submit(std::function<void()> run) {
    if (context_->recording) {
      for (const std::shared_ptr<Tensor>& t : used_)
        context_->recording->storages.push_back(t->storage);
      context_->recording->ops.push_back(std::move(run));
    } else {
      run();
    }
    submitted_ = true;
  }

 private:
  const char* op_;
  std::shared_ptr<Context> context_;
  std::vector<std::shared_ptr<Tensor>> used_;
  bool submitted_ = false;
};

template <class T>
T* data(const Tensor& t) {
  return reinterpret_cast<T*>(t.data);
}

template <class T>
T* data(const Tensor* t) {
  return t == nullptr ? nullptr : data<T>(*t);
}

// Reads the ragged batch's tensors; what they hold is checked each time the op runs (check below).
Ragged ragged(Call& call, bc_tensor* positions, bc_tensor* offsets, bc_tensor* table, int64_t T,
              int64_t pages) {
  const Tensor& pos = call.tensor(positions, "positions", 1, BC_I32);
  const Tensor& off = call.tensor(offsets, "offsets", 1, BC_I32);
  const Tensor& tab = call.tensor(table, "table", 2, BC_I32);
  call.shape(pos, "positions", {T});
  call.shape(off, "offsets", {tab.shape[0] + 1});
  call.require(tab.contiguous(), "table's row stride", static_cast<double>(tab.ld), "its width");
  return Ragged{data<int32_t>(pos),
                data<int32_t>(off),
                data<int32_t>(tab),
                T,
                tab.shape[0],
                tab.shape[1],
                pages};
}

// The facts that the kernels rely on.
void check(const Ragged& r, const char* op) {
  if (r.offsets[0] != 0 || r.offsets[r.B] != r.T) {
    fail(BC_INVALID_ARGUMENT, "%s: offsets run from %d to %d, expected 0 to %lld", op, r.offsets[0],
         r.offsets[r.B], static_cast<Long>(r.T));
  }
  for (int64_t b = 0; b < r.B; ++b) {
    const int32_t begin = r.offsets[b];
    const int32_t end = r.offsets[b + 1];
    if (begin >= end || end > r.T) {
      fail(BC_INVALID_ARGUMENT,
           "%s: sequence %lld has tokens %d to %d, expected at least one, inside %lld", op,
           static_cast<Long>(b), begin, end, static_cast<Long>(r.T));
    }
    const int64_t first = r.positions[begin];
    const int64_t last = first + (end - begin - 1);
    if (first < 0 || last >= r.P * kPageSize) {
      fail(BC_INVALID_ARGUMENT, "%s: sequence %lld has positions %lld to %lld, expected 0 to %lld",
           op, static_cast<Long>(b), static_cast<Long>(first), static_cast<Long>(last),
           static_cast<Long>(r.P * kPageSize - 1));
    }
    for (int32_t t = begin; t < end; ++t) {
      if (r.positions[t] != first + (t - begin)) {
        fail(BC_INVALID_ARGUMENT, "%s: token %d has position %d, expected %lld", op, t,
             r.positions[t], static_cast<Long>(first + (t - begin)));
      }
    }
    for (int64_t p = 0; p <= last / kPageSize; ++p) {
      const int32_t page = r.table[b * r.P + p];
      if (page < 0 || page >= r.pages) {
        fail(BC_INVALID_ARGUMENT, "%s: table[%lld][%lld] has page %d, expected 0 to %lld", op,
             static_cast<Long>(b), static_cast<Long>(p), page, static_cast<Long>(r.pages - 1));
      }
    }
  }
}

struct Pages {
  const Tensor& pages;
  const Tensor* scales;
  int64_t H, D;
};

Pages checked_pages(Call& call, bc_tensor* pages, bc_tensor* scales, bool written) {
  const Tensor& p = written ? call.output(pages, "pages", 5, -1) : call.tensor(pages, "pages", 5);
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

void norm(bc_context* context, const char* op, bc_tensor* out, bc_tensor* x, bc_tensor* delta,
          bc_tensor* weight, float eps) {
  Call call(context, op);
  const Tensor& o = call.output(out, "out", 2, BC_F32);
  const Tensor& in =
      delta == nullptr ? call.tensor(x, "x", 2, BC_F32) : call.output(x, "x", 2, BC_F32);
  const Tensor* d = call.optional(delta, "delta", 2, BC_F32);
  const Tensor& w = call.plain(weight, "weight", 1);
  call.shape(o, "out", {in.shape[0], in.shape[1]});
  if (d != nullptr) call.shape(*d, "delta", {in.shape[0], in.shape[1]});
  call.shape(w, "weight", {in.shape[1]});
  call.require(eps >= 0.0f && eps < 1.0f, "eps", static_cast<double>(eps), "0 to 1");
  const RmsNormParams p{data<float>(o),
                        o.ld,
                        data<float>(in),
                        in.ld,
                        data<float>(d),
                        d == nullptr ? 0 : d->ld,
                        w.data,
                        w.type,
                        in.shape[0],
                        in.shape[1],
                        eps};
  Context& c = call.context();
  call.submit([p, &c] { cpu::rms_norm(p, c.pool); });
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_embed(bc_context* context, bc_tensor* out, bc_tensor* ids, bc_tensor* table) {
  return guard([&] {
    Call call(context, "embed");
    const Tensor& o = call.output(out, "out", 2, BC_F32);
    const Tensor& i = call.tensor(ids, "ids", 1, BC_I32);
    const Tensor& t = call.plain(table, "table", 2);
    call.shape(o, "out", {i.shape[0], t.shape[1]});
    const EmbedParams p{data<float>(o), o.ld,       data<int32_t>(i), t.data,    t.type,
                        t.ld,           i.shape[0], t.shape[1],       t.shape[0]};
    Context& c = call.context();
    call.submit([p, &c] {
      for (int64_t n = 0; n < p.T; ++n) {
        if (p.ids[n] < 0 || p.ids[n] >= p.V) {
          fail(BC_INVALID_ARGUMENT, "embed: ids[%lld] has value %d, expected 0 to %lld",
               static_cast<Long>(n), p.ids[n], static_cast<Long>(p.V - 1));
        }
      }
      cpu::embed(p, c.pool);
    });
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
  return guard([&] {
    Call call(context, "matmul");
    const Tensor& o = call.output(out, "out", 2, BC_F32);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    const Tensor& weight = call.tensor(w, "w", 2);
    const Tensor* scale = call.optional(row_scale, "row_scale", 1, BC_F32);
    const int64_t M = in.shape[0];
    const int64_t N = weight.shape[0];
    const int64_t K = weight.shape[1];
    call.require(weight.type != Type::i32 && weight.type != Type::i8, "w's type",
                 static_cast<double>(weight.type), "f32 (0), f16 (1), bf16 (2), q8 (5) or q4 (6)");
    call.shape(in, "x", {M, K});
    call.shape(o, "out", {M, N});
    if (scale != nullptr) call.shape(*scale, "row_scale", {N});
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
    call.submit([p, &c] { cpu::matmul(p, c.pool); });
  });
}

bc_status bc_rope(bc_context* context, bc_tensor* qkv, bc_tensor* positions, int32_t heads,
                  float base) {
  return guard([&] {
    Call call(context, "rope");
    const Tensor& x = call.output(qkv, "qkv", 2, BC_F32);
    const Tensor& pos = call.tensor(positions, "positions", 1, BC_I32);
    call.shape(pos, "positions", {x.shape[0]});
    call.require(heads > 0 && x.shape[1] % (3 * int64_t{heads}) == 0, "heads", heads,
                 "a divisor of a third of qkv's width");
    const int64_t D = x.shape[1] / (3 * int64_t{heads});
    call.require(D % 16 == 0 && D <= 256, "head size", static_cast<double>(D),
                 "a multiple of 16 up to 256");
    call.require(base > 1.0f && base < 1e30f, "base", static_cast<double>(base), "more than 1");
    const RopeParams p{data<float>(x), x.ld, data<int32_t>(pos), x.shape[0], heads, D, base};
    Context& c = call.context();
    call.submit([p, &c] { cpu::rope(p, c.pool); });
  });
}

bc_status bc_kv_append(bc_context* context, bc_tensor* pages, bc_tensor* scales, bc_tensor* qkv,
                       bc_tensor* positions, bc_tensor* offsets, bc_tensor* table) {
  return guard([&] {
    Call call(context, "kv_append");
    const Pages kv = checked_pages(call, pages, scales, true);
    const Tensor& x = call.tensor(qkv, "qkv", 2, BC_F32);
    call.shape(x, "qkv", {x.shape[0], 3 * kv.H * kv.D});
    const Ragged batch = ragged(call, positions, offsets, table, x.shape[0], kv.pages.shape[0]);
    const KvAppendParams p{kv.pages.data,  kv.pages.type, data<float>(kv.scales),
                           data<float>(x), x.ld,          batch,
                           kv.H,           kv.D};
    Context& c = call.context();
    call.submit([p, &c] {
      check(p.batch, "kv_append");
      cpu::kv_append(p, c.pool);
    });
  });
}

bc_status bc_attention(bc_context* context, bc_tensor* out, bc_tensor* qkv, bc_tensor* pages,
                       bc_tensor* scales, bc_tensor* positions, bc_tensor* offsets,
                       bc_tensor* table, bc_tensor* slopes) {
  return guard([&] {
    Call call(context, "attention");
    const Tensor& o = call.output(out, "out", 2, BC_F32);
    const Tensor& x = call.tensor(qkv, "qkv", 2, BC_F32);
    const Pages kv = checked_pages(call, pages, scales, false);
    call.shape(x, "qkv", {x.shape[0], 3 * kv.H * kv.D});
    call.shape(o, "out", {x.shape[0], kv.H * kv.D});
    const Tensor* s = call.optional(slopes, "slopes", 1, BC_F32);
    if (s != nullptr) call.shape(*s, "slopes", {kv.H});
    const Ragged batch = ragged(call, positions, offsets, table, x.shape[0], kv.pages.shape[0]);
    const AttentionParams p{
        data<float>(o),         o.ld,  data<float>(x), x.ld, kv.pages.data, kv.pages.type,
        data<float>(kv.scales), batch, data<float>(s), kv.H, kv.D};
    Context& c = call.context();
    call.submit([p, &c] {
      check(p.batch, "attention");
      cpu::attention(p, c.pool);
    });
  });
}

bc_status bc_swiglu(bc_context* context, bc_tensor* out, bc_tensor* gate, bc_tensor* up) {
  return guard([&] {
    Call call(context, "swiglu");
    const Tensor& o = call.output(out, "out", 2, BC_F32);
    const Tensor& g = call.tensor(gate, "gate", 2, BC_F32);
    const Tensor& u = call.tensor(up, "up", 2, BC_F32);
    call.shape(g, "gate", {o.shape[0], o.shape[1]});
    call.shape(u, "up", {o.shape[0], o.shape[1]});
    const SwigluParams p{data<float>(o), o.ld, data<float>(g), g.ld,
                         data<float>(u), u.ld, o.shape[0],     o.shape[1]};
    Context& c = call.context();
    call.submit([p, &c] { cpu::swiglu(p, c.pool); });
  });
}

bc_status bc_top_k(bc_context* context, bc_tensor* values, bc_tensor* ids, bc_tensor* x) {
  return guard([&] {
    Call call(context, "top_k");
    const Tensor& v = call.output(values, "values", 2, BC_F32);
    const Tensor& i = call.output(ids, "ids", 2, BC_I32);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    const int64_t k = v.shape[1];
    call.require(k <= in.shape[1], "k", static_cast<double>(k), "at most the width of x");
    call.shape(v, "values", {in.shape[0], k});
    call.shape(i, "ids", {in.shape[0], k});
    call.require(v.contiguous() && i.contiguous(), "row stride", static_cast<double>(v.ld), "k");
    const TopKParams p{
        data<float>(v), data<int32_t>(i), data<float>(in), in.ld, in.shape[0], in.shape[1], k};
    Context& c = call.context();
    call.submit([p, &c] { cpu::top_k(p, c.pool); });
  });
}

bc_status bc_argmax(bc_context* context, bc_tensor* ids, bc_tensor* x) {
  return guard([&] {
    Call call(context, "argmax");
    const Tensor& i = call.output(ids, "ids", 1, BC_I32);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    call.shape(i, "ids", {in.shape[0]});
    const ArgmaxParams p{data<int32_t>(i), data<float>(in), in.ld, in.shape[0], in.shape[1]};
    Context& c = call.context();
    call.submit([p, &c] { cpu::argmax(p, c.pool); });
  });
}

bc_status bc_quantize(bc_context* context, bc_tensor* out, bc_tensor* w, bc_tensor* row_scale,
                      double* error) {
  return guard([&] {
    Call call(context, "quantize");
    if (call.context().recording)
      fail(BC_INVALID_ARGUMENT, "quantize: context is recording, expected it outside of a plan");
    const Tensor& o = call.output(out, "out", 2, -1);
    const Tensor& in = call.plain(w, "w", 2);
    const Tensor* s = call.optional(row_scale, "row_scale", 1, BC_F32);
    call.require(is_quantized(o.type), "out's type", static_cast<double>(o.type),
                 "q8 (5) or q4 (6)");
    call.shape(o, "out", {in.shape[0], in.shape[1]});
    if (s != nullptr) call.shape(*s, "row_scale", {in.shape[0]});
    QuantizeParams p{o.data,         o.type,      in.data,     in.type, in.ld,
                     data<float>(s), in.shape[0], in.shape[1], {}};
    Context& c = call.context();
    call.submit([&p, &c] { cpu::quantize(p, c.pool); });
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
    Context& c = call.context();
    call.submit([p, &c] { cpu::dequantize(p, c.pool); });
  });
}

bc_status bc_row_norms(bc_context* context, bc_tensor* out, bc_tensor* w) {
  return guard([&] {
    Call call(context, "row_norms");
    const Tensor& o = call.output(out, "out", 1, BC_F32);
    const Tensor& in = call.plain(w, "w", 2);
    call.shape(o, "out", {in.shape[0]});
    const RowNormsParams p{data<float>(o), in.data, in.type, in.ld, in.shape[0], in.shape[1]};
    Context& c = call.context();
    call.submit([p, &c] { cpu::row_norms(p, c.pool); });
  });
}

}  // extern "C"
