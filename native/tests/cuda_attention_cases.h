// Cases of attention on a GPU: inputs, what may be expected of them, and what the kernels of every
// generation have to do.
#pragma once

#include "cuda/kernels.h"
#include "cuda_device.h"
#include "paged.h"
#include "reference.h"

namespace bc::test {

constexpr int64_t kD = 128;
// Of persistent kernels: mostly fewer than tiles, so that a block has several; two clusters of two.
constexpr int kSms = 5;

struct Case {
  std::string name;
  std::vector<Sequence> sequences;
  Type type, pages_type;
  int64_t H;
  bool alibi;
  float size = 1.0f;    // deviation of the queries
  bool hopper = false;  // the kernels of sm_90
  int64_t R = 1;        // query heads of a key-value head
  int64_t D = kD;
  int64_t window = 0;

  int64_t G() const { return H / R; }
  int64_t width() const { return (H + 2 * G()) * D; }  // of a row of qkv
  std::string text() const {
    return name + " " + name_of(type) + " pages " + name_of(pages_type) +
           " H=" + std::to_string(H) + (alibi ? " alibi" : "") + (hopper ? " sm_90" : "") +
           (R == 1 ? "" : " G=" + std::to_string(G())) +
           (D == kD ? "" : " D=" + std::to_string(D)) +
           (window == 0 ? "" : " window=" + std::to_string(window));
  }
};

inline std::vector<float> slopes_of(int64_t H) {
  std::vector<float> slopes;
  for (int64_t h = 0; h < H; ++h)
    slopes.push_back(
        static_cast<float>(std::exp2(-8.0 * static_cast<double>(h + 1) / static_cast<double>(H))));
  return slopes;
}

// Inputs of a case, the same for every schedule.
struct Inputs {
  explicit Inputs(const Case& c)
      : batch(c.sequences),
        r(batch.ragged()),
        cache(c.pages_type, r.pages, c.G(), c.D),
        slopes(slopes_of(c.H)),
        qkv(r.T, c.width(), 8) {
    Random random(static_cast<uint64_t>(c.H * 1009 + r.T));
    cache.fill(r, random);
    // Keys and values of qkv stay NaN: the op reads those of the pages.
    for (int64_t t = 0; t < r.T; ++t) {
      for (int64_t i = 0; i < c.H * c.D; ++i) qkv.row(t)[i] = c.size * random.outlier();
    }
    qkv.data = as_floats(c.type, as_type(c.type, qkv.data));
  }

  AttentionParams reference(const Case& c) {
    return {nullptr,
            Type::f32,
            0,
            qkv.row(0),
            Type::f32,
            qkv.ld,
            cache.bytes.data(),
            c.pages_type,
            cache.scale_data(),
            r,
            c.alibi ? slopes.data() : nullptr,
            c.H,
            c.G(),
            c.D,
            c.window,
            true,
            nullptr};
  }

  Batch batch;
  Ragged r;
  Cache cache;
  std::vector<float> slopes;
  Matrix qkv;
};

// Runs the op on sequences [begin, end) of the inputs, alone in a batch with a table of P pages, which
// has no numbers of pages that no query sees.
inline Matrix run(const Inputs& in, const Case& c, int64_t begin, int64_t end, int64_t P,
                  int sms = kSms) {
  const int64_t t0 = in.r.offsets[begin];
  const int64_t T = in.r.offsets[end] - t0;
  const int64_t B = end - begin;
  std::vector<int32_t> offsets;
  for (int64_t b = begin; b <= end; ++b)
    offsets.push_back(static_cast<int32_t>(in.r.offsets[b] - t0));
  std::vector<int32_t> table;
  for (int64_t b = begin; b < end; ++b) {
    const int64_t position = in.r.positions[in.r.offsets[b]];
    const int64_t seen = c.window == 0 ? 0 : std::max<int64_t>(0, position - c.window + 1);
    for (int64_t i = 0; i < P; ++i) {
      const bool has = i < in.r.P && i >= seen / kPageSize;
      table.push_back(has ? in.r.table[b * in.r.P + i] : -1);
    }
  }
  const std::vector<float> rows(in.qkv.row(t0), in.qkv.row(t0) + T * in.qkv.ld);
  const auto qkv = input("qkv", as_type(c.type, rows));
  const auto pages = input("pages", in.cache.bytes);
  const auto scales = input("scales", in.cache.scales);
  const auto slopes = input("slopes", in.slopes);
  const auto positions =
      input("positions", std::vector<int32_t>(in.r.positions + t0, in.r.positions + t0 + T));
  const auto device_offsets = input("offsets", offsets);
  const auto device_table = input("table", table);
  Matrix out(T, c.H * c.D, 16);
  const auto device_out = output<uint8_t>("out", out.data.size() * 2);
  AttentionParams p{
      device_out.data(),
      c.type,
      out.ld,
      qkv.data(),
      c.type,
      in.qkv.ld,
      pages.data(),
      c.pages_type,
      c.pages_type == Type::i8 ? scales.data() : nullptr,
      {positions.data(), device_offsets.data(), device_table.data(), T, B, P, in.r.pages},
      c.alibi ? slopes.data() : nullptr,
      c.H,
      c.G(),
      c.D,
      c.window,
      false,
      nullptr};
  const auto scratch =
      output<uint8_t>("scratch", static_cast<size_t>(cuda::attention_scratch_bytes(p)));
  p.scratch = scratch.data();
  cuda::attention(p, gpu_of(c.hopper, sms), nullptr);
  finish();
  out.data = as_floats(c.type, device_out.read());
  return out;
}

inline bool same_rows(const Matrix& a, int64_t first, const Matrix& b) {
  for (int64_t t = 0; t < b.rows; ++t) {
    if (std::memcmp(a.row(first + t), b.row(t), static_cast<size_t>(b.cols) * sizeof(float)) != 0)
      return false;
  }
  return true;
}

// Beside what an op in f32 may have (twice: a few roundings more for the change to units of log2):
// a weight is rounded to the type, relative to itself and, of f16, below 2^-14 to a step of 2^-24;
// scales of int8 values precede that rounding; the output is rounded.
inline std::vector<Expected> expected(Inputs& in, const Case& c) {
  const AttentionParams p = in.reference(c);
  std::vector<Expected> want = reference::attention(p);
  // The sum of weight |value|: the same op on magnitudes of values.
  Cache magnitudes = in.cache;
  const int64_t rows = in.r.pages * 2 * c.G() * kPageSize;
  double largest = 0.0;
  for (int64_t row = 0; row < rows; ++row) {
    if (row / (c.G() * kPageSize) % 2 == 0) continue;  // keys
    for (int64_t i = row * c.D; i < (row + 1) * c.D; ++i) {
      const double x = std::fabs(reference::element(in.cache.bytes.data(), c.pages_type, i));
      if (!std::isnan(x)) largest = std::fmax(largest, x);
      magnitudes.put(i, static_cast<float>(x));
    }
  }
  AttentionParams q = p;
  q.pages = magnitudes.bytes.data();
  q.scales = magnitudes.scale_data();
  const std::vector<Expected> magnitude = reference::attention(q);
  for (size_t i = 0; i < want.size(); ++i) {
    Expected& e = want[i];
    e.tolerance = 2.0 * e.tolerance + magnitude[i].value * rounding_of(c.type);
    if (c.type == Type::f16) {
      const double keys = static_cast<double>(in.r.P * kPageSize);
      e.tolerance += keys * largest * 0x1p-25 + 0x1p-25;
    }
    e.tolerance += std::fabs(e.value) * rounding_of(c.type);
  }
  return want;
}

inline void run_case(Check& check, const Case& c, int schedules = 1) {
  Inputs in(c);
  const std::vector<Expected> want = expected(in, c);
  for_each_schedule(is_brief() ? 1 : schedules, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    const Matrix out = run(in, c, 0, in.r.B, in.r.P);
    check.compare("out", out, want);
    check_no_bank_conflicts(check);
    if (seed > 1) return;
    bool same = true;
    for (int64_t b = 0; b < in.r.B; ++b)
      same &= same_rows(out, in.r.offsets[b], run(in, c, b, b + 1, in.r.P + 5, 2));
    check.that(same, "a sequence alone, with a longer table, gives other bits than in its batch");
  });
}

// What the headers state as Bound: up to 16 queries of a key-value head go through the cache once,
// on Hopper up to 8.
inline void decode_moves_the_cache_once(Check& check, Type pages_type, bool hopper, int64_t R = 1,
                                        int64_t D = kD) {
  const Case c{"bytes", {{1023, 1}}, Type::bf16, pages_type, 2 * R, false, 1.0f, hopper, R, D};
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    const Inputs in(c);
    run(in, c, 0, 1, in.r.P);
    const double G = static_cast<double>(c.G());
    const double H = static_cast<double>(c.H);
    const double size = static_cast<double>(c.D);
    const double position = pages_type == Type::i8 ? 2 * G * size + 8 * G : 4 * G * size;
    const double rows = 2 * 2 * H * size;          // queries and out
    const double sums = 4 * H * (size + 2) * 4.0;  // of four splits
    // Each warp of a split reads the queries, on Hopper beside pages of bf16 in halves of sectors. The
    // merge reads the maxima twice, a sector for each.
    const double halves = hopper && pages_type != Type::i8 ? 2 : 1;
    const double again = halves * 4 * 4 * 2 * H * size + 4 * H * 2 * 32;
    check_bytes(check, 1024 * position + rows + 2 * sums,
                1024 * position + rows + 2 * sums + again);
    check_no_bank_conflicts(check);
  });
}

// Eight tokens of a sequence give the bits that each gives when it comes alone.
inline void tokens_together_equal_one_by_one(Check& check, const Case& c) {
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    Inputs in(c);
    const Matrix together = run(in, c, 0, 1, in.r.P);
    for (const int64_t t : {0, 3, 7}) {
      Inputs one(c);
      one.batch.offsets = {0, 1};
      one.batch.positions = {static_cast<int32_t>(c.sequences[0].past + t)};
      one.r = one.batch.ragged();
      one.qkv = Matrix(1, in.qkv.cols, 8);
      std::copy(in.qkv.row(t), in.qkv.row(t) + in.qkv.ld, one.qkv.row(0));
      check.that(same_rows(together, t, run(one, c, 0, 1, in.r.P)), "other bits alone");
    }
  });
}

// Each query of a prompt gives the same bits in any piece that is more than a few tokens long.
inline void prompt_in_pieces_equals_whole(Check& check, const Case& whole) {
  Inputs in(whole);
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(whole.text(), seed);
    const Matrix out = run(in, whole, 0, 1, in.r.P);
    for (const int32_t split : {9, 64, 100, 128, 137, 256, 290}) {
      Inputs pieces = in;
      pieces.batch.offsets = {0, split, 300};
      pieces.batch.table.insert(pieces.batch.table.end(), in.batch.table.begin(),
                                in.batch.table.end());
      pieces.r = pieces.batch.ragged();
      check.that(same_rows(out, 0, run(pieces, whole, 0, 2, in.r.P)), "other bits in pieces");
    }
  });
}

// Query heads that share keys and values, windows, and heads of D numbers. Rows of queries fill tiles
// of 16, or end in them, also between the heads of a token.
inline void groups_and_windows(Check& check, Type type, Type pages, int64_t D, bool hopper) {
  const auto with = [&](const char* name, const std::vector<Sequence>& sequences, int64_t H,
                        int64_t R, int64_t window = 0, int schedules = 1) {
    run_case(check, {name, sequences, type, pages, H, true, 1.0f, hopper, R, D, window}, schedules);
  };
  with("groups_of_2", {{0, 33}, {300, 1}, {63, 2}, {0, 1}, {250, 8}}, 4, 2, 0, 2);
  with("groups_of_7", {{127, 1}, {250, 8}, {60, 9}}, 7, 7);
  with("one_key_head", {{255, 1}, {62, 3}}, 20, 20);
  // Queries that see one page of a split, several, and parts of two splits; pages of which some
  // queries of a tile see nothing yet, or nothing any more.
  const std::vector<Sequence> sequences = {{509, 5}, {0, 70}, {190, 75}, {0, 3}, {320, 1}};
  for (const int64_t window : {1, 48, 64, 100, 4096}) {
    if (!is_brief() || window == 100) with("window", sequences, 4, 4, window);
  }
  const Case one_by_one{"one_by_one", {{508, 8}}, type, pages, 8, true, 1.0f, hopper, 4, D, 100};
  tokens_together_equal_one_by_one(check, one_by_one);
}

// What the kernels of every generation do.
inline void attention_of_prompts_and_tokens(Check& check, bool hopper) {
  const Type bf16 = Type::bf16;
  const Type f16 = Type::f16;
  for (const Type pages : {bf16, Type::i8}) {
    const auto with = [&](const char* name, const std::vector<Sequence>& sequences, int64_t H,
                          bool alibi, int schedules = 1, float size = 1.0f) {
      run_case(check, {name, sequences, bf16, pages, H, alibi, size, hopper}, schedules);
    };
    with("one_token", {{0, 1}}, 2, false, 3);
    with("prompt", {{0, 111}}, 2, true, 3);
    with("page_edges", {{62, 1}, {63, 1}, {64, 1}, {127, 1}, {255, 1}, {256, 1}, {250, 8}, {56, 8}},
         2, true);
    with("tile_edges", {{0, 64}, {0, 65}, {1, 63}, {60, 9}, {63, 129}}, 1, true);
    with("ragged", {{0, 33}, {70, 19}, {300, 1}, {63, 2}, {0, 1}}, 3, true, 3);
    with("extreme_values", {{100, 7}, {100, 17}}, 2, true, 1, 300.0f);
    with("long", {{1500, 3}, {1100, 20}}, 1, false);
    run_case(
        check,
        {"f16", {{100, 7}, {100, 17}}, f16, pages == bf16 ? f16 : pages, 2, true, 1.0f, hopper});
    decode_moves_the_cache_once(check, pages, hopper);
  }
  // More sequences than a warp looks at together.
  std::vector<Sequence> many;
  for (int64_t b = 0; b < 70; ++b) many.push_back({b % 7, b % 3 == 0 ? 9 + b % 5 : 1 + b % 8});
  run_case(check, {"many_sequences", many, bf16, bf16, 1, true, 1.0f, hopper});
  run_case(check, {"alibi_40_heads", {{180, 3}, {100, 10}}, bf16, bf16, 40, true, 1.0f, hopper});
  prompt_in_pieces_equals_whole(check, {"whole", {{0, 300}}, bf16, bf16, 1, true, 1.0f, hopper});
  groups_and_windows(check, bf16, bf16, 128, hopper);
  groups_and_windows(check, bf16, Type::i8, 64, hopper);
  groups_and_windows(check, f16, f16, 64, hopper);
  for (const Type pages : {bf16, Type::i8}) {
    decode_moves_the_cache_once(check, pages, hopper, 8);
    decode_moves_the_cache_once(check, pages, hopper, 4, 64);
    prompt_in_pieces_equals_whole(
        check, {"whole", {{0, 300}}, bf16, pages, 2, true, 1.0f, hopper, 2, 64, 100});
  }
}

}  // namespace bc::test
