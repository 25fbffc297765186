// attention: prompts, and decode over long caches, with RoPE (no slopes) and ALiBi, over pages of
// bf16 and of int8.
#include <memory>

#include "case.h"
#include "copies.h"
#include "cuda/kernels.h"
#include "paged.h"
#include "reference.h"

namespace bc::bench {
namespace {

constexpr int64_t kD = 128;
constexpr int64_t kCachePeriod = 4099;  // rows [D] of a pattern of keys and values
constexpr float kSpread = 3.0f;  // deviation of scores: weights are neither even nor a single one

using Shape = AttentionShape;

std::vector<float> slopes_of(int64_t H) {
  std::vector<float> slopes;
  for (int64_t h = 0; h < H; ++h)
    slopes.push_back(static_cast<float>(std::exp2(-8.0 * number(h + 1) / number(H))));
  return slopes;
}

// Keys and values: bf16, or bytes and their scales.
struct CachePattern {
  explicit CachePattern(Type type)
      : numbers(Type::bf16, type == Type::i8 ? 0 : kCachePeriod, kD,
                [random = test::Random(5)]() mutable { return random.normal(); }) {
    if (type == Type::bf16) {
      bytes = numbers.bytes;
      return;
    }
    test::Random random(5);
    bytes.resize(static_cast<size_t>(kCachePeriod * kD));
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random.below(255) - 127);
    for (int64_t i = 0; i < kCachePeriod; ++i)  // bytes of full range have a deviation of 73
      scales.push_back(static_cast<float>((0.5 + random.uniform()) / 73.0));
  }
  Pattern numbers;
  std::vector<uint8_t> bytes;
  std::vector<float> scales;
};

std::vector<uint8_t> bytes_of(const std::vector<float>& values) {
  return test::as_type(Type::f32, values);
}

struct Run {
  Run(const Shape& shape, int copies, const cuda::Facts& gpu_)
      : s(shape),
        gpu(gpu_),
        batch(s.sequences),
        r(batch.ragged()),
        C(s.H * kD),
        width((s.H + 2 * s.G) * kD),
        rows(r.pages * 2 * s.G * kPageSize),
        cache(s.pages_type),
        queries(Type::bf16, std::min(kPeriod, r.T), width,
                [random = test::Random(6)]() mutable { return kSpread * random.normal(); }),
        slope(slopes_of(s.H)),
        qkv(input("qkv", copies, 2 * r.T * width, queries.bytes)),
        pages(input("pages", copies, rows * kD * element_bytes(s.pages_type), cache.bytes)),
        scales(input("scales", copies, s.pages_type == Type::i8 ? 4 * rows : 0,
                     bytes_of(cache.scales))),
        slopes(input("slopes", 1, slope)),
        positions(input("positions", 1, batch.positions)),
        offsets(input("offsets", 1, batch.offsets)),
        table(input("table", 1, batch.table)),
        out(output("out", copies, 2 * r.T * C)),
        scratch(output("scratch", 1, cuda::attention_scratch_bytes(params(0)))) {}

  // All but the scratch.
  AttentionParams params(int copy) const {
    AttentionParams p{};
    p.out = out.at(copy);
    p.out_ld = C;
    p.qkv = qkv.at(copy);
    p.ld = width;
    p.out_type = p.qkv_type = Type::bf16;
    p.pages = pages.at(copy);
    p.pages_type = s.pages_type;
    p.scales = s.pages_type == Type::i8 ? scales.as<float>(copy) : nullptr;
    p.batch = r;
    p.batch.positions = positions.as<int32_t>(0);
    p.batch.offsets = offsets.as<int32_t>(0);
    p.batch.table = table.as<int32_t>(0);
    p.slopes = s.alibi ? slopes.as<float>(0) : nullptr;
    p.H = s.H;
    p.G = s.G;
    p.D = kD;
    return p;
  }

  void launch(int copy, void* stream) const {
    AttentionParams p = params(copy);
    p.scratch = scratch.at(0);
    cuda::attention(p, gpu, stream);
  }

  void check(test::Check& check, int copy) {
    check_written(check, out, copy, Type::bf16);
    for (const int64_t t : sample(r.T, 3, 7)) {
      for (const int64_t h : sample(s.H, 3, static_cast<uint64_t>(t))) {
        const std::vector<uint8_t> bytes = out.read(copy, 2 * (t * C + h * kD), 2 * kD);
        test::Matrix got(1, kD, 0);
        got.data = test::as_floats(Type::bf16, bytes);
        const std::string what = "token " + std::to_string(t) + " head " + std::to_string(h);
        check.compare(what.c_str(), got, expected(t, h));
      }
    }
  }

  // One head of one token, with its keys and values gathered: the whole op at H = 1.
  std::vector<test::Expected> expected(int64_t t, int64_t h) const {
    int64_t b = 0;
    while (r.offsets[b + 1] <= t) ++b;
    const int64_t n = r.positions[t] + 1;
    const int64_t P = (n + kPageSize - 1) / kPageSize;
    test::Cache one(s.pages_type, P, 1, kD);
    test::Cache magnitudes = one;  // of the values, for what rounding the weights may do
    std::vector<int32_t> table;
    for (int64_t i = 0; i < P; ++i) table.push_back(static_cast<int32_t>(i));
    const int32_t offset[2] = {0, 1};
    const int32_t position = r.positions[t];
    const Ragged batch{&position, offset, table.data(), 1, 1, P, P};
    const int64_t row_bytes = kD * element_bytes(s.pages_type);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t kv = 0; kv < 2; ++kv) {
        const int64_t page = r.table[b * r.P + j / kPageSize];
        const int64_t from = ((page * 2 + kv) * s.G + h / (s.H / s.G)) * kPageSize + j % kPageSize;
        const int64_t to = one.row(batch, 0, kv, 0, j);
        for (test::Cache* c : {&one, &magnitudes}) {
          std::memcpy(c->bytes.data() + to * row_bytes,
                      cache.bytes.data() + from % kCachePeriod * row_bytes,
                      static_cast<size_t>(row_bytes));
          if (!c->scales.empty())
            c->scales[static_cast<size_t>(to)] =
                cache.scales[static_cast<size_t>(from % kCachePeriod)];
        }
        for (int64_t i = to * kD; kv == 1 && i < (to + 1) * kD; ++i) {
          const double x = reference::element(one.bytes.data(), s.pages_type, i);
          magnitudes.put(i, static_cast<float>(std::fabs(x)));
        }
      }
    }
    AttentionParams p{};
    p.qkv = queries.row(t) + h * kD;
    p.ld = 3 * kD;
    p.pages = one.bytes.data();
    p.pages_type = s.pages_type;
    p.scales = one.scale_data();
    p.batch = batch;
    p.slopes = s.alibi ? slope.data() + h : nullptr;
    p.H = 1;
    p.G = 1;
    p.D = kD;
    std::vector<test::Expected> want = reference::attention(p);
    p.pages = magnitudes.bytes.data();
    const std::vector<test::Expected> magnitude = reference::attention(p);
    // As in ../../tests/cuda_attention_test.cpp: twice what an op in f32 may have, weights rounded
    // to bf16, and the output too.
    for (size_t i = 0; i < want.size(); ++i) {
      want[i].tolerance =
          2.0 * want[i].tolerance +
          (magnitude[i].value + std::fabs(want[i].value)) * test::rounding_of(Type::bf16);
    }
    return want;
  }

  Shape s;
  cuda::Facts gpu;
  test::Batch batch;
  Ragged r;
  int64_t C, width, rows;
  CachePattern cache;
  Pattern queries;
  std::vector<float> slope;
  Copies qkv, pages, scales, slopes, positions, offsets, table, out, scratch;
};

}  // namespace

Case attention_case(const Model& model, const char* part, const AttentionShape& s) {
  const int64_t C = s.H * kD;
  const int64_t B = static_cast<int64_t>(s.sequences.size());
  const int64_t last = s.sequences[0].past + s.sequences[0].tokens;  // the same for all
  const int64_t T = s.sequences[0].tokens;
  // A position's keys and values of all heads.
  const int64_t position =
      2 * s.G * (kD * element_bytes(s.pages_type) + (s.pages_type == Type::i8 ? 4 : 0));
  Case c;
  c.op = "attention";
  c.model = model.name;
  c.part = part;
  c.types = std::string(name_of(s.pages_type)) + " pages" + (s.alibi ? " alibi" : "");
  c.sizes = {{"B", B}, {"T", T}, {"S", last}, {"H", s.H}};
  if (s.G != s.H) c.sizes.push_back({"G", s.G});
  c.bytes = number(B) * (number(last * position) + number(4 * T * C));
  // 2D flops for a score and 2D for its value: a query at i has i + 1 of each.
  c.flops = 4.0 * number(kD * s.H * B * T) * (number(last) - 0.5 * number(T - 1));
  c.copy_bytes = (B * ((last + kPageSize - 1) / kPageSize) + 1) * kPageSize * position +
                 B * T * 2 * (2 * C + 2 * s.G * kD);
  c.prepare = [s](int copies, const cuda::Facts& gpu) {
    const auto run = std::make_shared<Run>(s, copies, gpu);
    return Prepared{[run](int copy, void* stream) { run->launch(copy, stream); },
                    [run](test::Check& check, int copy) { run->check(check, copy); }};
  };
  return c;
}

void add_attention_cases(Cases& cases, const Model& model, const Sizes& sizes) {
  for (const Type pages : {Type::bf16, Type::i8}) {
    for (const int64_t T : sizes.prompts)
      cases.push_back(
          attention_case(model, "prefill", {{{0, T}}, model.H, model.H, pages, model.alibi}));
    for (const int64_t S : sizes.positions) {
      for (const int64_t B : sizes.batches) {
        const std::vector<test::Sequence> all(static_cast<size_t>(B), {S - 1, 1});
        cases.push_back(
            attention_case(model, "decode", {all, model.H, model.H, pages, model.alibi}));
      }
    }
  }
}

}  // namespace bc::bench
