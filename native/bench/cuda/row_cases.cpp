// The ops that take rows one by one: rms_norm, add_rms_norm, rope, kv_append, swiglu, embed, and
// kv_copy. As in the forward pass, activations are bf16 and the residual stream is f32.
#include <memory>

#include "case.h"
#include "copies.h"
#include "cuda/kernels.h"
#include "paged.h"
#include "reference.h"

namespace bc::bench {
namespace {

constexpr int64_t kD = 128;
constexpr int64_t kPast = 511;  // positions in the cache before a step of one token a sequence

Pattern outliers(Type type, int64_t T, int64_t cols, uint64_t seed) {
  return {type, std::min(kPeriod, T), cols,
          [random = test::Random(seed)]() mutable { return random.outlier(); }};
}

// One prompt of T tokens if there are many, otherwise T sequences of one token each.
std::vector<test::Sequence> sequences_of(int64_t T) {
  if (T > 64) return {{0, T}};
  return std::vector<test::Sequence>(static_cast<size_t>(T), {kPast, 1});
}

struct RmsNorm {
  RmsNorm(const Model& m, int64_t T_, bool add_, int copies)
      : T(T_),
        C(m.C),
        add(add_),
        xs(outliers(Type::f32, T, C, 21)),
        deltas(outliers(Type::bf16, T, C, 22)),
        weights(outliers(Type::bf16, 1, C, 23)),
        x(in_out("x", copies, 4 * T * C, xs.bytes)),
        delta(input("delta", copies, add ? 2 * T * C : 0, deltas.bytes)),
        weight(input("weight", copies, 2 * C, weights.bytes)),
        out(output("out", copies, 2 * T * C)) {}

  void launch(int copy, void* stream) const {
    RmsNormParams p{};
    p.out = out.at(copy);
    p.x = x.at(copy);
    p.delta = add ? delta.at(copy) : nullptr;
    p.weight = weight.at(copy);
    p.out_ld = p.x_ld = p.delta_ld = C;
    p.out_type = p.weight_type = Type::bf16;
    p.x_type = Type::f32;
    p.T = T;
    p.C = C;
    p.eps = 1e-6f;
    p.weight_at_rest = true;
    cuda::rms_norm(p, stream);
  }

  void check(test::Check& check, int copy) const {
    check_written(check, out, copy, Type::bf16);
    const std::vector<int64_t> rows = sample(T, 8, 24);
    test::Matrix some = gather(xs, rows);
    const test::Matrix some_delta = gather(deltas, rows);
    RmsNormParams p{};
    p.x = some.row(0);
    p.x_ld = some.ld;
    p.delta = add ? some_delta.row(0) : nullptr;
    p.delta_ld = some_delta.ld;
    p.weight = weights.row(0);
    p.weight_type = Type::f32;
    p.T = some.rows;
    p.C = C;
    p.eps = 1e-6f;
    std::vector<test::Expected> want = reference::rms_norm(p);
    test::round_output(Type::bf16, want);
    check.compare("out", read_rows(out, copy, Type::bf16, C, rows), want);
    if (!add) return;
    const test::Matrix sums = read_rows(x, copy, Type::f32, C, rows);
    bool same = true;
    for (size_t i = 0; i < some.data.size(); ++i)
      same &= sums.data[i] == some.data[i] + some_delta.data[i];
    check.that(same, "x is not the sum");
  }

  int64_t T, C;
  bool add;
  Pattern xs, deltas, weights;
  Copies x, delta, weight, out;
};

struct Rope {
  Rope(const Model& m, int64_t T_, int copies)
      : T(T_),
        H(m.H),
        batch(sequences_of(T)),
        rows(outliers(Type::bf16, T, 3 * H * kD, 25)),
        qkv(in_out("qkv", copies, 2 * T * 3 * H * kD, rows.bytes)),
        positions(input("positions", 1, batch.positions)) {}

  static RopeParams params(void* qkv, Type type, int64_t ld, const int32_t* positions, int64_t T,
                           int64_t H) {
    RopeParams p{};
    p.qkv = qkv;
    p.type = type;
    p.ld = ld;
    p.positions = positions;
    p.T = T;
    p.H = p.G = H;
    p.D = kD;
    p.scale = 1.0f;
    for (int64_t k = 0; k < kD / 2; ++k) p.frequencies[k] = std::pow(1e4, -2.0 * number(k) / kD);
    return p;
  }

  void launch(int copy, void* stream) const {
    cuda::rope(params(qkv.at(copy), Type::bf16, 3 * H * kD, positions.as<int32_t>(0), T, H),
               stream);
  }

  void check(test::Check& check, int copy) const {
    const std::vector<int64_t> tokens = sample(T, 8, 26);
    test::Matrix some = gather(rows, tokens);
    std::vector<int32_t> at;
    for (const int64_t t : tokens) at.push_back(batch.positions[static_cast<size_t>(t)]);
    std::vector<test::Expected> want =
        reference::rope(params(some.row(0), Type::f32, some.ld, at.data(), some.rows, H));
    for (test::Expected& e : want) {  // values are copied
      if (e.tolerance > 0.0) e.tolerance += std::fabs(e.value) * test::rounding_of(Type::bf16);
    }
    check.compare("qkv", read_rows(qkv, copy, Type::bf16, 3 * H * kD, tokens), want);
  }

  int64_t T, H;
  test::Batch batch;
  Pattern rows;
  Copies qkv, positions;
};

struct KvAppend {
  KvAppend(const Model& m, int64_t T, Type type_, int copies)
      : H(m.H),
        type(type_),
        batch(sequences_of(T)),
        r(batch.ragged()),
        rows(outliers(Type::bf16, T, 3 * H * kD, 27)),
        qkv(input("qkv", copies, 2 * T * 3 * H * kD, rows.bytes)),
        positions(input("positions", 1, batch.positions)),
        offsets(input("offsets", 1, batch.offsets)),
        table(input("table", 1, batch.table)),
        pages(output("pages", copies, slots() * kD * element_bytes(type))),
        scales(output("scales", copies, type == Type::i8 ? 4 * slots() : 0)) {}

  int64_t slots() const { return r.pages * 2 * H * kPageSize; }

  void launch(int copy, void* stream) const {
    KvAppendParams p{};
    p.pages = pages.at(copy);
    p.pages_type = type;
    p.scales = type == Type::i8 ? scales.as<float>(copy) : nullptr;
    p.qkv = qkv.at(copy);
    p.ld = 3 * H * kD;
    p.qkv_type = Type::bf16;
    p.batch = r;
    p.batch.positions = positions.as<int32_t>(0);
    p.batch.offsets = offsets.as<int32_t>(0);
    p.batch.table = table.as<int32_t>(0);
    p.H = p.G = H;
    p.D = kD;
    cuda::kv_append(p, stream);
  }

  void check(test::Check& check, int copy) const {
    for (const int64_t t : sample(r.T, 4, 28)) {
      int64_t b = 0;
      while (r.offsets[b + 1] <= t) ++b;
      KvAppendParams p{};
      p.pages_type = type;
      p.qkv = rows.row(t);
      p.ld = 3 * H * kD;
      p.batch.T = 1;
      p.H = p.G = H;
      p.D = kD;
      test::Matrix got(2 * H, kD, 0);
      for (int64_t i = 0; i < 2 * H; ++i) {
        const int64_t page = r.table[b * r.P + r.positions[t] / kPageSize];
        const int64_t slot = (page * 2 * H + i) * kPageSize + r.positions[t] % kPageSize;
        const std::vector<uint8_t> bytes =
            pages.read(copy, slot * kD * element_bytes(type), kD * element_bytes(type));
        float scale = 1.0f;
        if (type == Type::i8) std::memcpy(&scale, scales.read(copy, 4 * slot, 4).data(), 4);
        for (int64_t d = 0; d < kD; ++d) {
          const double x = reference::element(bytes.data(), type, d);
          got.row(i)[d] = static_cast<float>(static_cast<double>(scale) * x);
        }
      }
      check.compare(("token " + std::to_string(t)).c_str(), got, reference::kv_append(p));
    }
  }

  int64_t H;
  Type type;
  test::Batch batch;
  Ragged r;
  Pattern rows;
  Copies qkv, positions, offsets, table, pages, scales;
};

// The first of two pages to the second. Bytes repeat with a period that no page is a multiple of.
struct KvCopy {
  KvCopy(const Model& m, Type type, int copies)
      : page(2 * m.H * kPageSize * kD * element_bytes(type)),
        page_scales(type == Type::i8 ? 2 * m.H * kPageSize : 0),
        pages(in_out("pages", copies, 2 * page, pattern())),
        scales(in_out("scales", copies, 2 * 4 * page_scales, pattern())) {}

  static std::vector<uint8_t> pattern() {
    std::vector<uint8_t> bytes(251);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
    return bytes;
  }

  void launch(int copy, void* stream) const {
    float* const of_page = page_scales > 0 ? scales.as<float>(copy) : nullptr;
    cuda::kv_copy({pages.as<uint8_t>(copy), page, of_page, page_scales, 0, 1}, stream);
  }

  void check(test::Check& check, int copy) const {
    check.that(pages.read(copy, 0, page) == pages.read(copy, page, page),
               "the page is not the one that it is copied from");
    check.that(scales.read(copy, 0, 4 * page_scales) ==
                   scales.read(copy, 4 * page_scales, 4 * page_scales),
               "the scales are not those of the page that is copied");
  }

  int64_t page, page_scales;  // bytes, floats
  Copies pages, scales;
};

struct Swiglu {
  Swiglu(const Model& m, int64_t T_, int copies)
      : T(T_),
        F(m.F),
        gates(outliers(Type::bf16, T, F, 29)),
        ups(outliers(Type::bf16, T, F, 30)),
        gate(input("gate", copies, 2 * T * F, gates.bytes)),
        up(input("up", copies, 2 * T * F, ups.bytes)),
        out(output("out", copies, 2 * T * F)) {}

  void launch(int copy, void* stream) const {
    cuda::swiglu({out.at(copy), F, gate.at(copy), F, up.at(copy), F, Type::bf16, T, F}, stream);
  }

  // Roundings as in ../../tests/cuda_swiglu_test.cpp.
  void check(test::Check& check, int copy) const {
    check_written(check, out, copy, Type::bf16);
    const std::vector<int64_t> rows = sample(T, 8, 31);
    const test::Matrix g = gather(gates, rows);
    const test::Matrix u = gather(ups, rows);
    std::vector<test::Expected> want =
        reference::swiglu({nullptr, 0, g.row(0), g.ld, u.row(0), u.ld, Type::f32, g.rows, F});
    for (size_t i = 0; i < want.size(); ++i) {
      const double size = std::fmin(std::fabs(static_cast<double>(g.data[i])), 128.0);
      want[i].tolerance += std::fabs(want[i].value) * (2.0 * size + 6.0) * test::kRounding;
    }
    test::round_output(Type::bf16, want);
    check.compare("out", read_rows(out, copy, Type::bf16, F, rows), want);
  }

  int64_t T, F;
  Pattern gates, ups;
  Copies gate, up, out;
};

std::vector<int32_t> random_ids(int64_t T, int64_t V) {
  test::Random random(33);
  std::vector<int32_t> ids;
  for (int64_t t = 0; t < T; ++t) ids.push_back(static_cast<int32_t>(random.below(V)));
  return ids;
}

struct Embed {
  Embed(const Model& m, int64_t T_, int copies)
      : T(T_),
        C(m.C),
        V(m.V),
        rows(outliers(Type::bf16, m.V, C, 32)),
        which(random_ids(T, m.V)),
        ids(input("ids", 1, which)),
        table(input("table", copies, 2 * m.V * C, rows.bytes)),
        out(output("out", copies, 4 * T * C)) {}

  void launch(int copy, void* stream) const {
    cuda::embed(
        {out.at(copy), Type::f32, C, ids.as<int32_t>(0), table.at(copy), Type::bf16, C, T, C, V},
        stream);
  }

  void check(test::Check& check, int copy) const {
    check_written(check, out, copy, Type::f32);
    const std::vector<int64_t> tokens = sample(T, 8, 34);
    const test::Matrix got = read_rows(out, copy, Type::f32, C, tokens);
    bool same = true;
    for (int64_t i = 0; i < got.rows; ++i) {
      const float* want = rows.row(which[static_cast<size_t>(tokens[static_cast<size_t>(i)])]);
      same &= std::equal(got.row(i), got.row(i) + C, want);
    }
    check.that(same, "rows are not those of the table");
  }

  int64_t T, C, V;
  Pattern rows;
  std::vector<int32_t> which;
  Copies ids, table, out;
};

// make(copies) gives a shared Run.
template <class Make>
void add(Cases& cases, const Model& model, Case c, double bytes, int64_t copy_bytes,
         const Make& make) {
  c.model = model.name;
  c.bytes = bytes;
  c.flops = 0.0;
  c.copy_bytes = copy_bytes;
  c.prepare = [make](int copies, const cuda::Facts&) {
    const auto run = make(copies);
    return Prepared{[run](int copy, void* stream) { run->launch(copy, stream); },
                    [run](test::Check& check, int copy) { run->check(check, copy); }};
  };
  cases.push_back(std::move(c));
}

void add_rows(Cases& cases, const Model& m, int64_t T) {
  const int64_t TC = T * m.C;
  const auto all_in_bytes = [](double bytes) { return static_cast<int64_t>(bytes); };
  Case c;
  c.part = T > 64 ? "prompt" : "decode";

  c.op = "rms_norm";
  c.types = "f32 to bf16";
  c.sizes = {{"T", T}, {"C", m.C}};
  double bytes = 6.0 * number(TC) + 2.0 * number(m.C);
  add(cases, m, c, bytes, all_in_bytes(bytes),
      [=](int copies) { return std::make_shared<RmsNorm>(m, T, false, copies); });
  c.op = "add_rms_norm";
  bytes = 12.0 * number(TC) + 2.0 * number(m.C);
  add(cases, m, c, bytes, 8 * TC + 2 * m.C,
      [=](int copies) { return std::make_shared<RmsNorm>(m, T, true, copies); });

  if (!m.alibi) {
    c.op = "rope";
    c.types = "bf16";
    c.sizes = {{"T", T}, {"H", m.H}};
    add(cases, m, c, 8.0 * number(TC) + 4.0 * number(T), 6 * TC,
        [=](int copies) { return std::make_shared<Rope>(m, T, copies); });
  }

  for (const Type type : {Type::bf16, Type::i8}) {
    c.op = "kv_append";
    c.types = std::string(name_of(type)) + " pages";
    c.sizes = {{"T", T}, {"H", m.H}};
    bytes = 2.0 * number(TC) * number(2 + element_bytes(type)) + 12.0 * number(T);
    // Scales of a head lie 256 bytes apart from the next head's: of one token a sector each.
    const bool apart = T <= 64;
    if (type == Type::i8) bytes += 2.0 * number(T * m.H) * (apart ? 32.0 : 4.0);
    const test::Batch batch(sequences_of(T));
    add(cases, m, c, bytes,
        6 * TC + batch.pages * 2 * m.H * kPageSize *
                     (kD * element_bytes(type) + (type == Type::i8 ? 4 : 0)),
        [=](int copies) { return std::make_shared<KvAppend>(m, T, type, copies); });
  }

  c.op = "swiglu";
  c.types = "bf16";
  c.sizes = {{"T", T}, {"F", m.F}};
  bytes = 6.0 * number(T * m.F);
  add(cases, m, c, bytes, all_in_bytes(bytes),
      [=](int copies) { return std::make_shared<Swiglu>(m, T, copies); });

  c.op = "embed";
  c.types = "bf16 to f32";
  c.sizes = {{"T", T}, {"C", m.C}};
  add(cases, m, c, 6.0 * number(TC) + 4.0 * number(T), 2 * m.V * m.C + 4 * TC,
      [=](int copies) { return std::make_shared<Embed>(m, T, copies); });
}

}  // namespace

void add_row_cases(Cases& cases, const Model& model, const Sizes& sizes) {
  for (const Type type : {Type::bf16, Type::i8}) {
    Case c;
    c.op = "kv_copy";
    c.part = "cache";
    c.types = std::string(name_of(type)) + " pages";
    c.sizes = {{"H", model.H}};
    const int64_t slots = 2 * model.H * kPageSize;
    const int64_t bytes = 2 * slots * (kD * element_bytes(type) + (type == Type::i8 ? 4 : 0));
    add(cases, model, c, number(bytes), bytes,
        [=](int copies) { return std::make_shared<KvCopy>(model, type, copies); });
  }
  for (const int64_t T : sizes.rows) add_rows(cases, model, T);
}

}  // namespace bc::bench
