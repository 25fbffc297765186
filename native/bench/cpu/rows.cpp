// rms_norm, rope, swiglu, lora, top_k and kv_copy. Their inputs are in the caches, as the output of a matmul is that has
// just ended.
#include "bench.h"
#include "cpu/vector_kernels.h"
#include "lora_cases.h"
#include "reference.h"

namespace bc::bench {
namespace {

constexpr int64_t kD = 128;
constexpr int64_t kTop = 128;  // what the engine asks for

struct Rows {
  Rows(const Bench& bench_, int64_t T_)
      : bench(bench_), kernels(cpu::vector_kernels(bench.isa)), T(T_), random(7) {}

  test::Matrix matrix(int64_t columns) {
    test::Matrix m(T, columns, 0);
    m.fill([&] { return random.outlier(); });
    return m;
  }
  void begin(const char* op, int64_t columns) {
    name = std::string(op) + " T=" + std::to_string(T) + " of " + std::to_string(columns);
    bench.check.begin(bench.isa, name, 7);
  }
  template <class F>
  void time(F&& call, int64_t bytes) {
    if (bench.timed())
      bench.line(name, measure(call, bench.seconds), static_cast<double>(bytes), 0.0, 0.0);
  }

  void rms_norm(int64_t C) {
    begin("rms_norm", C);
    test::Matrix x = matrix(C);
    test::Matrix out(T, C, 0);
    const std::vector<float> weight(static_cast<size_t>(C), 0.5f);
    const RmsNormParams p{out.row(0), Type::f32,     out.ld,    x.row(0), Type::f32, x.ld, nullptr,
                          0,          weight.data(), Type::f32, T,        C,         1e-6f};
    cpu::rms_norm(p, bench.pool, kernels);
    bench.check.compare("out", out, reference::rms_norm(p));
    time([&] { cpu::rms_norm(p, bench.pool, kernels); }, 8 * T * C);
  }

  void rope(int64_t C) {
    begin("rope", C);
    test::Matrix qkv = matrix(3 * C);
    std::vector<int32_t> positions;
    for (int64_t t = 0; t < T; ++t) positions.push_back(static_cast<int32_t>(1000 + t));
    cpu::RopeAngles angles;
    RopeParams p{};
    p.qkv = qkv.row(0);
    p.type = Type::f32;
    p.ld = qkv.ld;
    p.positions = positions.data();
    p.T = T;
    p.H = p.G = C / kD;
    p.D = kD;
    p.scale = 1.0f;
    for (int64_t k = 0; k < kD / 2; ++k)
      p.frequencies[k] = std::pow(1e4, -2.0 * static_cast<double>(k) / static_cast<double>(kD));
    const std::vector<test::Expected> want = reference::rope(p);
    cpu::rope(p, angles, bench.pool, kernels);
    bench.check.compare("qkv", qkv, want);
    time([&] { cpu::rope(p, angles, bench.pool, kernels); }, 16 * T * C);
  }

  void swiglu(int64_t F) {
    begin("swiglu", F);
    test::Matrix gate = matrix(F);
    test::Matrix up = matrix(F);
    test::Matrix out(T, F, 0);
    const SwigluParams p{out.row(0), out.ld,    gate.row(0), gate.ld, up.row(0),
                         up.ld,      Type::f32, T,           F};
    cpu::swiglu(p, bench.pool, kernels);
    bench.check.compare("out", out, reference::swiglu(p));
    time([&] { cpu::swiglu(p, bench.pool, kernels); }, 12 * T * F);
  }

  // Tokens that take eight adapters of rank 16 in turn, added to queries, keys and values.
  void lora(int64_t C) {
    begin("lora, 8 adapters of rank 16", C);
    const std::vector<test::AdapterKind> kinds(8, {16, Type::bf16});
    const test::AdapterPool pool(kinds, 3 * C, C, random);
    std::vector<int32_t> of;
    for (int64_t t = 0; t < T; ++t) of.push_back(static_cast<int32_t>(t % 8));
    test::Matrix x = matrix(C);
    test::Matrix out = matrix(3 * C);
    const LoraParams p{out.row(0),
                       Type::f32,
                       out.ld,
                       x.row(0),
                       Type::f32,
                       x.ld,
                       pool.bytes.data(),
                       pool.table.data(),
                       pool.scales.data(),
                       of.data(),
                       T,
                       3 * C,
                       C,
                       nullptr};
    const std::vector<test::Expected> want = reference::lora(p);
    cpu::LoraScratch scratch;
    cpu::lora(p, scratch, bench.pool, kernels);
    bench.check.compare("out", out, want);
    time([&] { cpu::lora(p, scratch, bench.pool, kernels); },
         std::min<int64_t>(T, 8) * 16 * 4 * C * 2 + T * 28 * C);
  }

  // Of the whole row, or of one index of `every` chosen at random; 0 for no mask.
  void top_k(int64_t V, int64_t every) {
    begin("top_k", V);
    test::Matrix x = matrix(V);
    const int64_t K = std::min(kTop, V);
    test::Matrix values(T, K, 0);
    std::vector<int32_t> ids(static_cast<size_t>(T * K), -1);
    TopKParams p{values.row(0), ids.data(), x.row(0), x.ld, T, V, K, nullptr};
    int64_t bytes = 4 * T * V;
    const std::vector<int32_t> mask_of(static_cast<size_t>(T), 0);
    std::vector<uint32_t> mask;
    if (every > 0) {
      name += ", 1 of " + std::to_string(every) + " allowed";
      mask.assign(static_cast<size_t>((V + 31) / 32), 0);
      for (int64_t v = 0; v < V; ++v) {
        if (random.below(every) == 0) mask[static_cast<size_t>(v / 32)] |= 1u << (v % 32);
      }
      p.masks = mask.data();
      p.masks_ld = static_cast<int64_t>(mask.size());
      p.mask_of = mask_of.data();
      const int64_t empty = std::count(mask.begin(), mask.end(), 0u);
      bytes = T * (V / 8 + 128 * (p.masks_ld - empty));
    }
    cpu::top_k(p, bench.pool, kernels);
    for (const int64_t t : {int64_t{0}, T - 1}) {
      const std::vector<int32_t> order = reference::order(x.row(t), V, p.masks);
      const int64_t count = std::min(K, static_cast<int64_t>(order.size()));
      bench.check.that(std::equal(order.begin(), order.begin() + count, ids.begin() + t * K),
                       "ids are not those of the best logits");
    }
    time([&] { cpu::top_k(p, bench.pool, kernels); }, bytes);
  }

  // A page of a layer's keys and values in bf16.
  void kv_copy(int64_t C) {
    begin("kv_copy, bf16", C);
    const int64_t page = 2 * kPageSize * C * 2;
    std::vector<uint8_t> pages(static_cast<size_t>(2 * page));
    for (size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<uint8_t>(i % 251);
    const KvCopyParams p{pages.data(), page, nullptr, 0, 0, 1};
    cpu::kv_copy(p, bench.pool);
    bench.check.that(std::equal(pages.begin(), pages.begin() + page, pages.begin() + page),
                     "the page is not the one that it is copied from");
    time([&] { cpu::kv_copy(p, bench.pool); }, 2 * page);
  }

  const Bench& bench;
  const cpu::VectorKernels& kernels;
  int64_t T;
  test::Random random;
  std::string name;
};

}  // namespace

void bench_rows(const Bench& bench, const RowShapes& shapes) {
  bench.head("rows");
  for (const int64_t T : shapes.tokens) {
    Rows rows(bench, T);
    rows.rms_norm(shapes.C);
    rows.rope(shapes.C);
    rows.swiglu(shapes.F);
    rows.lora(shapes.C);
    rows.top_k(shapes.V, 0);
    for (const int64_t every : {1, 10, 1000}) rows.top_k(shapes.V, every);
  }
  Rows(bench, 1).kv_copy(shapes.C);
}

}  // namespace bc::bench
