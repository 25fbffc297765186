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
  int64_t H, G, D;
  bool alibi = false;
  float size = 1.0f;  // deviation of the queries
  int64_t window = 0;
  bool exact = false;
};

// Where the arithmetic is that of bf16 (attention_kernel.h).
bool in_bf16(cpu::Isa isa, const Case& c) {
  return isa == cpu::Isa::avx512_bf16 && !c.exact && (c.type == Type::bf16 || c.type == Type::i8);
}

bool same_row(const Matrix& a, int64_t i, const Matrix& b, int64_t j) {
  return std::memcmp(a.row(i), b.row(j), static_cast<size_t>(a.cols) * sizeof(float)) == 0;
}

struct Run {
  Check& check;
  ThreadPool& pool;
  cpu::Isa isa;

  void attention(const AttentionParams& p) const {
    cpu::Scratch scratch;
    cpu::attention(p, scratch, pool, cpu::vector_kernels(isa));
  }

  // Tokens [from, to) of sequence b as a call of their own give the same bits.
  bool same_alone(const AttentionParams& p, const Matrix& out, int64_t b, int64_t from,
                  int64_t to) const {
    Matrix piece(to - from, out.cols);
    const int32_t offsets[] = {0, static_cast<int32_t>(to - from)};
    const Ragged& r = p.batch;
    AttentionParams alone = p;
    alone.out = piece.row(0);
    alone.out_ld = piece.ld;
    alone.qkv = static_cast<const float*>(p.qkv) + from * p.ld;
    alone.batch = {r.positions + from, offsets, r.table + b * r.P, to - from, 1, r.P, r.pages};
    attention(alone);
    bool same = true;
    for (int64_t t = from; t < to; ++t) same &= same_row(piece, t - from, out, t);
    return same;
  }

  void pieces(const AttentionParams& p, const Matrix& out, Random& random) const {
    const Ragged& r = p.batch;
    bool tokens = true;
    bool pieces = true;
    for (int64_t b = 0; b < r.B; ++b) {
      const int64_t step = is_brief() ? 7 : 1;
      for (int64_t t = r.offsets[b]; t < r.offsets[b + 1]; t += step)
        tokens &= same_alone(p, out, b, t, t + 1);
      for (int64_t t = r.offsets[b]; t < r.offsets[b + 1];) {
        const int64_t to = std::min<int64_t>(t + 2 + random.below(70), r.offsets[b + 1]);
        pieces &= same_alone(p, out, b, t, to);
        t = to;
      }
    }
    check.that(tokens, "a token alone gives other bits than in its batch");
    check.that(pieces, "a piece of a prompt gives other bits than the whole");
  }

  // A value that is no number reaches the tokens that see its position, and no others.
  void poison(const AttentionParams& p, const Matrix& out, Cache& cache, int64_t position) const {
    const Ragged& r = p.batch;
    const Cache kept = cache;
    for (int64_t g = 0; g < p.G; ++g) cache.poison(r, r.B - 1, g, position);
    Matrix other(r.T, out.cols);
    AttentionParams poisoned = p;
    poisoned.out = other.row(0);
    attention(poisoned);
    cache.bytes = kept.bytes;
    cache.scales = kept.scales;
    bool hidden = true;
    bool leaked = false;
    for (int64_t t = 0; t < r.T; ++t) {
      const int64_t distance = r.positions[t] - position;
      const bool sees =
          t >= r.offsets[r.B - 1] && distance >= 0 && (p.window == 0 || distance < p.window);
      if (!sees) leaked |= !same_row(other, t, out, t);
      for (int64_t i = 0; i < out.cols && sees; ++i) hidden &= std::isnan(other.row(t)[i]);
    }
    check.that(!leaked, "a NaN reaches tokens that do not see it");
    check.that(hidden, "a NaN goes unseen");
  }

  // Pages that end before the window of a sequence's first token are not even read: their numbers in
  // the table lead far away.
  void below(const AttentionParams& p, const Matrix& out) const {
    const Ragged& r = p.batch;
    std::vector<int32_t> table(r.table, r.table + r.B * r.P);
    for (int64_t b = 0; b < r.B; ++b) {
      const int64_t seen = r.positions[r.offsets[b]] + 1 - p.window;
      for (int64_t i = 0; (i + 1) * kPageSize <= seen; ++i)
        table[static_cast<size_t>(b * r.P + i)] = std::numeric_limits<int32_t>::min();
    }
    Matrix other(r.T, out.cols);
    AttentionParams without = p;
    without.out = other.row(0);
    without.batch.table = table.data();
    attention(without);
    bool same = true;
    for (int64_t t = 0; t < r.T; ++t) same &= same_row(other, t, out, t);
    check.that(same, "pages below the window change the result");
  }

  void operator()(const Case& c) const {
    const uint64_t seed = static_cast<uint64_t>(c.H * 1009 + c.D);
    check.begin(isa,
                c.name + " " + name_of(c.type) + " H=" + std::to_string(c.H) +
                    " G=" + std::to_string(c.G) + " D=" + std::to_string(c.D) +
                    " window=" + std::to_string(c.window) + (c.exact ? " exact" : ""),
                seed);
    Random random(seed);
    const Batch batch(c.sequences);
    const Ragged r = batch.ragged();
    Cache cache(c.type, r.pages, c.G, c.D);
    cache.fill(r, random);
    const std::vector<float> slopes = alibi(c.H);
    Matrix qkv(r.T, (c.H + 2 * c.G) * c.D);
    // Keys and values of qkv stay NaN: the op reads those of the pages.
    for (int64_t t = 0; t < r.T; ++t) {
      for (int64_t i = 0; i < c.H * c.D; ++i) qkv.row(t)[i] = c.size * random.outlier();
    }
    Matrix out(r.T, c.H * c.D);
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
                            c.G,
                            c.D,
                            c.window,
                            c.exact,
                            nullptr};
    attention(p);
    check.compare("out", out, reference::attention(p, in_bf16(isa, c)));
    pieces(p, out, random);
    const int64_t last = r.positions[r.T - 1];
    poison(p, out, cache, last);
    if (c.window == 0) return;
    for (const int64_t position : {last - c.window, last - c.window + 1, last - c.window - 13}) {
      if (position >= 0) poison(p, out, cache, position);
    }
    below(p, out);
  }
};

// One head of keys for several of queries: as many as fit a tile, and tokens that do not fill it.
void grouped(const Run& run, Type type) {
  const std::vector<Sequence> ragged = {{0, 33}, {70, 19}, {200, 1}, {63, 2}, {0, 1}};
  run({"grouped", ragged, type, 4, 2, 80, true});
  run({"grouped", ragged, type, 8, 2, 64, false});
  run({"grouped", ragged, type, 14, 2, 24, true});
  run({"grouped", ragged, type, 8, 1, 8, true});
  run({"grouped", {{60, 9}, {150, 1}}, type, 28, 4, 128});
  run({"grouped", {{60, 9}, {150, 1}}, type, 32, 8, 128, true});
  run({"grouped", {{60, 7}, {150, 1}}, type, 64, 1, 64, true});
  run({"grouped", {{50, 9}}, type, 4, 1, 256});
  run({"grouped", {{120, 5}}, type, 66, 2, 16});
}

void windows(const Run& run, Type type) {
  const std::vector<Sequence> ragged = {{0, 130}, {190, 20}, {300, 1}, {61, 70}};
  for (const int64_t window : {1, 2, 48, 63, 64, 65, 100, 4096}) {
    if (is_brief() && window != 1 && window != 65) continue;
    const bool alibi = window % 2 == 0;
    run({"window", ragged, type, 2, 2, 24, alibi, 1.0f, window});
    run({"window", ragged, type, 7, 1, 16, alibi, 1.0f, window});
  }
  run({"window", {{0, 100}, {700, 13}}, type, 4, 2, 128, false, 1.0f, 48});
  run({"window", {{700, 13}}, type, 64, 1, 8, true, 1.0f, 100});
}

}  // namespace

int main() {
  Check check("attention");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    const Run run{check, pool, isa};
    for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::i8}) {
      // Queries left over from register blocks, odd positions and vectors, the edges of a tile.
      run({"blocks", {{0, 5}, {61, 6}, {127, 3}, {3, 13}}, type, 2, 2, 80, true});
      if (is_brief() && type != Type::bf16 && type != Type::i8) continue;
      run({"tiles", {{1, 63}, {0, 64}, {62, 65}, {33, 131}}, type, 1, 1, 48});
      run({"one_token", {{0, 1}}, type, 3, 3, 128});
      run({"page_edges", {{62, 1}, {63, 1}, {64, 1}, {65, 1}, {127, 1}}, type, 3, 3, 128, true});
      run({"prompt", {{0, 111}}, type, 2, 2, 128});
      run({"ragged", {{0, 33}, {70, 19}, {200, 1}, {63, 2}, {0, 1}}, type, 3, 3, 128, true});
      run({"odd_heads", {{60, 7}}, type, 1, 1, 48, true});
      for (const int64_t D : {8, 16, 24, 40, 88}) run({"small_heads", {{0, 65}}, type, 2, 2, D});
      run({"largest_head", {{50, 31}}, type, 2, 2, 256});
      run({"extreme_values", {{100, 7}}, type, 3, 3, 128, true, 300.0f});
      grouped(run, type);
      windows(run, type);
    }
    for (const Type type : {Type::bf16, Type::i8}) {
      const std::vector<Sequence> ragged = {{0, 33}, {70, 19}, {200, 1}};
      run({"exact", ragged, type, 3, 3, 128, true, 1.0f, 0, true});
      run({"exact", ragged, type, 14, 2, 24, true, 1.0f, 48, true});
    }
    run({"alibi_40_heads", {{980, 3}}, Type::bf16, 40, 40, 128, true});
    run({"long", {{980, 9}}, Type::i8, 2, 2, 128});
  }
  return check.result();
}
