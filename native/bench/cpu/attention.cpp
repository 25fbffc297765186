// attention: the heads of 7B (RoPE) and of 13B (ALiBi) over pages of each type, and heads that share
// keys and values in groups of 7 (28 of 4) and of 4 (32 of 8).
#include "bench.h"
#include "cpu/vector_kernels.h"
#include "memory.h"
#include "paged.h"
#include "reference.h"

namespace bc::bench {
namespace {

constexpr int64_t kD = 128;

struct Case {
  int64_t H, G;
  bool alibi;
  Type type;
  int64_t queries, positions;
};

// The first, a middle and the last query against the reference, each as a batch of its own.
void check_outputs(const Bench& bench, const AttentionParams& p, const test::Matrix& out) {
  // Where the arithmetic is that of bf16 (attention_kernel.h).
  const bool in_bf16 = bench.isa == cpu::Isa::avx512_bf16 &&
                       (p.pages_type == Type::bf16 || p.pages_type == Type::i8);
  for (const int64_t t : {int64_t{0}, p.batch.T / 2, p.batch.T - 1}) {
    const int32_t offsets[] = {0, 1};
    AttentionParams one = p;
    one.qkv = static_cast<const float*>(p.qkv) + t * p.ld;
    one.batch.positions = p.batch.positions + t;
    one.batch.offsets = offsets;
    one.batch.T = 1;
    test::Matrix got(1, out.cols);
    std::copy_n(out.row(t), out.cols, got.row(0));
    bench.check.compare("out", got, reference::attention(one, in_bf16));
  }
}

void run(const Bench& bench, const Case& c) {
  const test::Batch batch({{c.positions - c.queries, c.queries}});
  const Ragged r = batch.ragged();
  test::Random random(static_cast<uint64_t>(c.positions));
  test::Cache cache(c.type, r.pages, c.G, kD);
  cache.fill(r, random);
  std::vector<float> slopes;
  for (int64_t h = 0; h < c.H; ++h)
    slopes.push_back(std::exp2(-8.0f * static_cast<float>(h + 1) / static_cast<float>(c.H)));
  test::Matrix qkv(r.T, (c.H + 2 * c.G) * kD, 0);
  qkv.fill([&] { return random.outlier(); });
  test::Matrix out(r.T, c.H * kD, 0);

  const auto page_bytes = static_cast<int64_t>(cache.bytes.size());
  Copies pages(page_bytes, bench.cache_bytes);
  std::memcpy(pages.first(), cache.bytes.data(), cache.bytes.size());
  pages.spread();
  cpu::Scratch scratch;
  AttentionParams p{out.row(0),
                    Type::f32,
                    out.ld,
                    qkv.row(0),
                    Type::f32,
                    qkv.ld,
                    pages.first(),
                    c.type,
                    cache.scale_data(),
                    r,
                    c.alibi ? slopes.data() : nullptr,
                    c.H,
                    c.G,
                    kD,
                    0,
                    false,
                    nullptr};
  const cpu::VectorKernels& kernels = cpu::vector_kernels(bench.isa);
  const std::string what = std::string(name_of(c.type)) + " H=" + std::to_string(c.H) +
                           (c.G == c.H ? "" : "/" + std::to_string(c.G)) +
                           (c.alibi ? " ALiBi" : "") + " queries=" + std::to_string(c.queries) +
                           " positions=" + std::to_string(c.positions);
  bench.check.begin(bench.isa, "attention " + what, static_cast<uint64_t>(c.positions));
  cpu::attention(p, scratch, bench.pool, kernels);
  check_outputs(bench, p, out);
  if (!bench.timed()) return;
  const Time time = measure(
      [&] {
        p.pages = pages.next();
        cpu::attention(p, scratch, bench.pool, kernels);
      },
      bench.seconds);
  const int64_t bytes =
      2 * c.positions * c.G * (kD * element_bytes(c.type) + (c.type == Type::i8 ? 4 : 0));
  // Scores that are not masked.
  const int64_t scores = c.H * c.queries * (2 * c.positions - c.queries + 1) / 2;
  bench.line(what, time, static_cast<double>(bytes), 4.0 * static_cast<double>(scores * kD),
             bench.peaks.dot_bf16 > 0.0 ? bench.peaks.dot_bf16 : bench.peaks.fma_f32);
}

}  // namespace

void bench_attention(const Bench& bench, const AttentionShapes& shapes) {
  bench.head("attention");
  const struct {
    int64_t H, G;
    bool alibi;
  } heads[] = {{32, 32, false}, {40, 40, true}, {28, 4, false}, {32, 8, false}};
  for (const auto& h : heads) {
    for (const Type type : {Type::bf16, Type::f16, Type::i8}) {
      for (const int64_t queries : shapes.queries) {
        for (const int64_t positions : shapes.positions)
          run(bench, {h.H, h.G, h.alibi, type, queries, positions});
      }
    }
  }
}

}  // namespace bc::bench
