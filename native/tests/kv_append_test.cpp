#include "check.h"
#include "cpu/vector_kernels.h"
#include "paged.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, ThreadPool& pool, cpu::Isa isa, const std::vector<Sequence>& sequences,
              Type type, int64_t H, int64_t G, int64_t D, float size) {
  const uint64_t seed = static_cast<uint64_t>(H * 1009 + D);
  check.begin(isa,
              std::string(name_of(type)) + " H=" + std::to_string(H) + " G=" + std::to_string(G) +
                  " D=" + std::to_string(D) + " B=" + std::to_string(sequences.size()) +
                  " size=" + std::to_string(size),
              seed);
  Random random(seed);
  const Batch batch(sequences);
  const Ragged r = batch.ragged();
  Cache cache(type, r.pages, G, D);
  Matrix qkv(r.T, (H + 2 * G) * D);
  qkv.fill([&] { return size * random.outlier(); });
  const KvAppendParams p{
      cache.bytes.data(), type, cache.scale_data(), qkv.row(0), Type::f32, qkv.ld, r, H, G, D};
  cpu::kv_append(p, pool, cpu::vector_kernels(isa));

  Matrix got(r.T, 2 * G * D);
  std::vector<bool> written(static_cast<size_t>(r.pages * 2 * G * kPageSize));
  for (int64_t b = 0; b < r.B; ++b) {
    for (int64_t t = r.offsets[b]; t < r.offsets[b + 1]; ++t) {
      for (int64_t i = 0; i < 2 * G; ++i) {
        const int64_t row = cache.row(r, b, i / G, i % G, r.positions[t]);
        written[static_cast<size_t>(row)] = true;
        const double scale =
            type == Type::i8 ? static_cast<double>(cache.scales[static_cast<size_t>(row)]) : 1.0;
        for (int64_t d = 0; d < D; ++d) {
          const double x = scale * reference::element(cache.bytes.data(), type, row * D + d);
          got.row(t)[i * D + d] = static_cast<float>(x);
        }
      }
    }
  }
  check.compare("pages", got, reference::kv_append(p));
  bool others = true;
  const size_t row_bytes = cache.bytes.size() / written.size();
  for (size_t row = 0; row < written.size(); ++row) {
    for (size_t i = 0; i < row_bytes && !written[row]; ++i)
      others &= cache.bytes[row * row_bytes + i] == 0xff;
  }
  check.that(others, "slots of other positions were written");
}

}  // namespace

int main() {
  Check check("kv_append");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::i8}) {
      run_case(check, pool, isa, {{0, 1}}, type, 40, 40, 128, 1.0f);
      run_case(check, pool, isa, {{0, 65}, {63, 1}, {64, 1}, {62, 3}, {1, 128}}, type, 3, 3, 128,
               1.0f);
      run_case(check, pool, isa, {{5, 7}}, type, 1, 1, 16, 1.0f);
      run_case(check, pool, isa, {{0, 1}, {60, 9}}, type, 28, 4, 128, 1.0f);
      run_case(check, pool, isa, {{60, 9}}, type, 64, 1, 64, 1.0f);
      for (const int64_t D : {8, 24, 40, 88}) {
        run_case(check, pool, isa, {{60, 7}, {127, 2}}, type, 4, 2, D, 1.0f);
        run_case(check, pool, isa, {{3, 5}}, type, 2, 2, D, 1.0f);
      }
      // Below the normal numbers of f16, all zeros, and large.
      for (const float size : {1e-6f, 0.0f, 1000.0f})
        run_case(check, pool, isa, {{60, 7}}, type, 2, 2, 48, size);
    }
  }
  return check.result();
}
