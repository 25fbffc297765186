// The ops over the vocabulary: top_k, and NormHead's factors.
#include <memory>

#include "case.h"
#include "copies.h"
#include "cuda/kernels.h"
#include "reference.h"

namespace bc::bench {
namespace {

constexpr int64_t kRowPeriod = 7;  // rows of logits in a pattern, few because a row is long
constexpr int64_t kTopK = 64;

struct Logits {
  Logits(int64_t T_, int64_t V_, int copies)
      : T(T_),
        V(V_),
        pattern(Type::f32, std::min(kRowPeriod, T), V,
                [random = test::Random(11)]() mutable { return 3.0f * random.normal(); }),
        x(input("x", copies, 4 * T * V, pattern.bytes)) {}
  int64_t T, V;
  Pattern pattern;
  Copies x;
};

template <class T>
std::vector<T> read(const Copies& from, int copy, int64_t first, int64_t count) {
  constexpr int64_t kBytes = sizeof(T);
  const std::vector<uint8_t> bytes = from.read(copy, first * kBytes, count * kBytes);
  std::vector<T> values(static_cast<size_t>(count));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// One mask for all rows, which allows half of them.
std::vector<uint32_t> half_of(int64_t V) {
  test::Random random(12);
  std::vector<uint32_t> mask(static_cast<size_t>((V + 31) / 32));
  for (uint32_t& word : mask) word = static_cast<uint32_t>(random.bits());
  return mask;
}

template <bool kMasked>
struct TopK {
  TopK(int64_t T, int64_t V, int copies)
      : in(T, V, copies),
        mask(kMasked ? half_of(V) : std::vector<uint32_t>(1)),
        masks(input("masks", 1, mask)),
        mask_of(input("mask_of", 1, std::vector<int32_t>(static_cast<size_t>(T), 0))),
        scratch(output("scratch", 1, cuda::top_k_scratch_bytes(T, V, kTopK))),
        values(output("values", copies, 4 * T * kTopK)),
        ids(output("ids", copies, 4 * T * kTopK)) {}
  void launch(int copy, void* stream) const {
    TopKParams p{values.as<float>(copy),
                 ids.as<int32_t>(copy),
                 in.x.as<float>(copy),
                 in.V,
                 in.T,
                 in.V,
                 kTopK,
                 scratch.at(0)};
    if (kMasked) {
      p.masks = masks.as<uint32_t>(0);
      p.masks_ld = static_cast<int64_t>(mask.size());
      p.mask_of = mask_of.as<int32_t>(0);
    }
    cuda::top_k(p, stream);
  }
  void check(test::Check& check, int copy) const {
    for (const int64_t t : sample(in.T, 5, 12)) {
      const std::vector<int32_t> order =
          reference::order(in.pattern.row(t), in.V, kMasked ? mask.data() : nullptr);
      const std::vector<int32_t> got = read<int32_t>(ids, copy, t * kTopK, kTopK);
      const std::vector<float> numbers = read<float>(values, copy, t * kTopK, kTopK);
      bool same = true;
      for (size_t k = 0; k < static_cast<size_t>(kTopK); ++k)
        same &= got[k] == order[k] && numbers[k] == in.pattern.row(t)[order[k]];
      check.that(same, "ids and values are not those of the sorted row");
    }
  }
  Logits in;
  std::vector<uint32_t> mask;
  Copies masks, mask_of, scratch, values, ids;
};

struct RowNorms {
  RowNorms(int64_t N_, int64_t K_, int copies)
      : N(N_),
        K(K_),
        pattern(Type::bf16, kPeriod, K,
                [random = test::Random(13)]() mutable { return 0.02f * random.normal(); }),
        w(input("w", copies, 2 * N * K, pattern.bytes)),
        out(output("out", copies, 4 * N)) {}
  void launch(int copy, void* stream) const {
    cuda::row_norms({out.as<float>(copy), w.at(copy), Type::bf16, K, N, K}, stream);
  }
  // Roundings as in ../../tests/cuda_row_norms_test.cpp.
  void check(test::Check& check, int copy) const {
    check_written(check, out, copy, Type::f32);
    const std::vector<int64_t> rows = sample(N, 64, 14);
    std::vector<test::Expected> want;
    for (const int64_t n : rows) {
      double sum = 0.0;
      for (int64_t k = 0; k < K; ++k)
        sum += static_cast<double>(pattern.row(n)[k]) * static_cast<double>(pattern.row(n)[k]);
      const double value = 1.0 / std::fmax(std::sqrt(sum), 1e-12);
      const double roundings = 0.5 * (number(K) / 32.0 + 14.0) + 3.0;
      want.push_back({value, value * roundings * test::kRounding});
    }
    check.compare("out", read_rows(out, copy, Type::f32, 1, rows), want);
  }
  int64_t N, K;
  Pattern pattern;
  Copies w, out;
};

template <class Run>
void add(Cases& cases, const Model& model, Case c, int64_t rows, int64_t cols) {
  c.model = model.name;
  c.copy_bytes = static_cast<int64_t>(c.bytes);
  c.flops = 0.0;
  c.prepare = [rows, cols](int copies, const cuda::Facts&) {
    const auto run = std::make_shared<Run>(rows, cols, copies);
    return Prepared{[run](int copy, void* stream) { run->launch(copy, stream); },
                    [run](test::Check& check, int copy) { run->check(check, copy); }};
  };
  cases.push_back(std::move(c));
}

}  // namespace

void add_logits_cases(Cases& cases, const Model& model, const Sizes& sizes) {
  const int64_t V = model.V;
  for (const int64_t T : sizes.head_rows) {
    Case c;
    c.types = "f32";
    c.part = "logits";
    c.op = "top_k";
    c.sizes = {{"T", T}, {"V", V}, {"K", kTopK}};
    c.bytes = 4.0 * number(T * V) + 16.0 * number(T * kTopK * ((V + 16383) / 16384)) +
              40.0 * number(T * kTopK);
    add<TopK<false>>(cases, model, c, T, V);
    c.types = "f32, masked";
    c.bytes += number(V) / 8.0;
    add<TopK<true>>(cases, model, c, T, V);
  }
  Case c;
  c.op = "row_norms";
  c.part = "head";
  c.types = "bf16";
  c.sizes = {{"N", V}, {"K", model.C}};
  c.bytes = 2.0 * number(V * model.C) + 4.0 * number(V);
  add<RowNorms>(cases, model, c, V, model.C);
}

}  // namespace bc::bench
