#include "check.h"
#include "cpu/vector_kernels.h"
#include "paged.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

// ALiBi's slopes for any number of heads (Press et al. 2021): powers of 2^(-8/n) for the power of
// two n below, then every second one of twice as many.
std::vector<float> alibi(int64_t heads) {
  int64_t n = 1;
  while (2 * n <= heads) n *= 2;
  std::vector<float> slopes;
  for (int64_t h = 0; h < heads; ++h) {
    const double power = h < n
                             ? 8.0 * static_cast<double>(h + 1) / static_cast<double>(n)
                             : 4.0 * static_cast<double>(2 * (h - n) + 1) / static_cast<double>(n);
    slopes.push_back(static_cast<float>(std::exp2(-power)));
  }
  return slopes;
}

struct Case {
  std::string name;
  std::vector<Sequence> sequences;
  Type type;
  int64_t H, D;
  bool alibi;
  float size;  // deviation of the queries
  bool exact = false;
};

// Where the arithmetic is that of bf16 (attention_kernel.h).
bool in_bf16(cpu::Isa isa, const Case& c) {
  return isa == cpu::Isa::avx512_bf16 && !c.exact && (c.type == Type::bf16 || c.type == Type::i8);
}

void run_case(Check& check, ThreadPool& pool, cpu::Isa isa, const Case& c) {
  const uint64_t seed = static_cast<uint64_t>(c.H * 1009 + c.D);
  check.begin(isa, c.name + " " + name_of(c.type) + (c.exact ? " exact" : ""), seed);
  Random random(seed);
  const Batch batch(c.sequences);
  const Ragged r = batch.ragged();
  Cache cache(c.type, r.pages, c.H, c.D);
  cache.fill(r, random);
  const std::vector<float> slopes = alibi(c.H);
  Matrix qkv(r.T, 3 * c.H * c.D);
  for (int64_t t = 0; t < r.T;
       ++t) {  // keys and values of qkv stay NaN: the op reads those of the pages
    for (int64_t i = 0; i < c.H * c.D; ++i) qkv.row(t)[i] = c.size * random.outlier();
  }
  Matrix out(r.T, c.H * c.D);
  cpu::Scratch scratch;
  const AttentionParams p{out.row(0),
                          Type::f32,
                          out.ld,
                          qkv.row(0),
                          Type::f32,
                          qkv.ld,
                          cache.bytes.data(),
                          c.type,
                          cache.scale_data(),
                          r,
                          c.alibi ? slopes.data() : nullptr,
                          c.H,
                          c.D,
                          c.exact,
                          nullptr};
  cpu::attention(p, scratch, pool, cpu::vector_kernels(isa));
  check.compare("out", out, reference::attention(p, in_bf16(isa, c)));

  // Each token alone gives the same bits.
  bool same = true;
  for (int64_t b = 0; b < r.B; ++b) {
    for (int64_t t = r.offsets[b]; t < r.offsets[b + 1]; ++t) {
      Matrix one(1, c.H * c.D);
      const int32_t offsets[] = {0, 1};
      AttentionParams alone = p;
      alone.out = one.row(0);
      alone.qkv = qkv.row(t);
      alone.batch = {r.positions + t, offsets, r.table + b * r.P, 1, 1, r.P, r.pages};
      cpu::attention(alone, scratch, pool, cpu::vector_kernels(isa));
      same &=
          std::memcmp(one.row(0), out.row(t), static_cast<size_t>(c.H * c.D) * sizeof(float)) == 0;
    }
  }
  check.that(same, "a token alone gives other bits than in its batch");

  // The last token's value is of no account to those before it, not even if it is no number.
  Matrix other(r.T, c.H * c.D);
  for (int64_t h = 0; h < c.H; ++h) cache.poison(r, r.B - 1, h, r.positions[r.T - 1]);
  AttentionParams poisoned = p;
  poisoned.out = other.row(0);
  cpu::attention(poisoned, scratch, pool, cpu::vector_kernels(isa));
  bool kept = true;
  for (int64_t t = 0; t < r.T - 1; ++t) {
    kept &=
        std::memcmp(other.row(t), out.row(t), static_cast<size_t>(c.H * c.D) * sizeof(float)) == 0;
  }
  check.that(kept, "a NaN of the last token reaches those before it");
  bool seen = true;
  for (int64_t i = 0; i < c.H * c.D; ++i) seen &= std::isnan(other.row(r.T - 1)[i]);
  check.that(seen, "a NaN goes unseen");
}

}  // namespace

int main() {
  Check check("attention");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::i8}) {
      // Queries left over from register blocks, odd positions and vectors, the edges of a tile.
      run_case(check, pool, isa,
               {"blocks", {{0, 5}, {61, 6}, {127, 3}, {3, 13}}, type, 2, 80, true, 1.0f});
      run_case(check, pool, isa,
               {"tiles", {{1, 63}, {0, 64}, {62, 65}, {33, 131}}, type, 1, 48, false, 1.0f});
      run_case(check, pool, isa, {"one_token", {{0, 1}}, type, 3, 128, false, 1.0f});
      run_case(
          check, pool, isa,
          {"page_edges", {{62, 1}, {63, 1}, {64, 1}, {65, 1}, {127, 1}}, type, 3, 128, true, 1.0f});
      run_case(check, pool, isa, {"prompt", {{0, 111}}, type, 2, 128, false, 1.0f});
      run_case(
          check, pool, isa,
          {"ragged", {{0, 33}, {70, 19}, {200, 1}, {63, 2}, {0, 1}}, type, 3, 128, true, 1.0f});
      run_case(check, pool, isa, {"odd_heads", {{60, 7}}, type, 1, 48, true, 1.0f});
      run_case(check, pool, isa, {"smallest_head", {{0, 65}}, type, 2, 16, false, 1.0f});
      run_case(check, pool, isa, {"largest_head", {{50, 31}}, type, 2, 256, false, 1.0f});
      run_case(check, pool, isa, {"extreme_values", {{100, 7}}, type, 3, 128, true, 300.0f});
    }
    for (const Type type : {Type::bf16, Type::i8}) {
      run_case(check, pool, isa,
               {"exact", {{0, 33}, {70, 19}, {200, 1}}, type, 3, 128, true, 1.0f, true});
    }
    run_case(check, pool, isa, {"alibi_40_heads", {{980, 3}}, Type::bf16, 40, 128, true, 1.0f});
    run_case(check, pool, isa, {"long", {{980, 9}}, Type::i8, 2, 128, false, 1.0f});
  }
  return check.result();
}
