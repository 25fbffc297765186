// Prints, as markdown, which unit of an H100 limits each hot kernel and how fast that lets it be, from
// what the emulator counts: clocks of every unit (rates.h), the bound when the busiest one works
// without a pause, and the share of it that a goal needs. No GPU, no compiler for one.
//
// The emulator runs a piece of each problem and scales the counts to the whole: whole tiles at the
// real K or at the real number of keys, on as large a part of the sms. The piece of a prompt
// is its middle, whose queries see as many keys as all queries see on average.
#include <cstdio>

#include "../cuda/case.h"
#include "cuda_device.h"
#include "rates.h"
#include "simt/gpu.h"

namespace bc::bench {
namespace {

constexpr Rates kRates;
constexpr int64_t kD = 128;
const Model kModel = {"13B", 5120, 40, 13696, 64000, true};

// A problem, what the emulator runs of it, and the f32 operations on a score of attention that any
// online softmax needs and that the emulator cannot see, since they are plain C++.
struct Problem {
  Case whole, piece;
  double sms;          // that the piece gets
  int64_t scores = 0;  // of the piece
  bool alibi = false;
};

struct Estimate {
  Clocks clocks;  // of the whole
  int64_t launches;
  double seconds() const { return clocks.seconds(kRates); }
};

Estimate run(const Problem& problem, bool hopper) {
  cuda::Facts gpu;
  gpu.name = "SIMT emulator";
  gpu.capability = 90;
  gpu.sms = std::max(1, static_cast<int>(problem.sms + 0.5));
  gpu.shared_memory = 227 << 10;
  gpu.hopper = hopper;
  const Prepared prepared = problem.piece.prepare(1, gpu);
  simt::reset_counters();
  prepared.launch(0, nullptr);
  const simt::Counters& counted = simt::counters();

  // Bytes over the least that the case claims stay over it in the same proportion.
  const double over = std::max(1.0, number(counted.unique_bytes()) / problem.piece.bytes);
  Clocks clocks = clocks_of(counted, over * problem.piece.bytes, kRates);
  // Scale and offset, maximum, sum; the slope. A maximum goes through the slower pipe.
  const double warps = number(problem.scores) / 32;
  clocks[Unit::issue] += (problem.alibi ? 4 : 3) * warps / kRates.issued;
  clocks[Unit::alu] += warps * 32 / kRates.alu_lanes;
  const double scale = problem.whole.flops > 0 ? problem.whole.flops / problem.piece.flops
                                               : problem.whole.bytes / problem.piece.bytes;
  for (double& c : clocks.of) c *= scale;
  clocks[Unit::hbm] = clocks_of({}, over * problem.whole.bytes, kRates)[Unit::hbm];
  return {clocks, counted.launches};
}

// --- Problems ------------------------------------------------------------------------------------

struct Heads {
  int64_t H, G;
};
const Heads kHeads = {kModel.H, kModel.H};

Problem prefill(const Heads& heads, int64_t S, Type pages, bool alibi) {
  constexpr int64_t kPiece = 768;  // a multiple of tiles of 64, 128 and 192 queries
  const std::vector<test::Sequence> middle = {{S / 2 - kPiece / 2, kPiece}};
  Problem p{attention_case(kModel, "prefill", {{{0, S}}, heads.H, heads.G, pages, alibi}),
            attention_case(kModel, "prefill", {middle, heads.H / heads.G, 1, pages, alibi}), 0};
  p.sms = kRates.sms * p.piece.flops / p.whole.flops;
  p.scores = static_cast<int64_t>(p.piece.flops / number(4 * kD));
  p.alibi = alibi;
  return p;
}

Problem decode(const Heads& heads, int64_t B, int64_t S, Type pages) {
  constexpr int64_t kGroups = 4;
  const int64_t some = kGroups * heads.H / heads.G;
  const std::vector<test::Sequence> all(static_cast<size_t>(B), {S - 1, 1});
  return {attention_case(kModel, "decode", {all, heads.H, heads.G, pages, false}),
          attention_case(kModel, "decode", {all, some, kGroups, pages, false}),
          kRates.sms * kGroups / number(heads.G)};
}

Problem product(const char* part, int64_t M, int64_t N, int64_t K, Type w, Type out = Type::bf16) {
  const int64_t tokens = std::min<int64_t>(M, 768);    // whole tiles of 128, 192 and 256
  const int64_t columns = std::min<int64_t>(N, 1280);  // of 128 and 256
  Problem p{matmul_case(kModel, part, {M, N, K, w, out, false}),
            matmul_case(kModel, part, {tokens, columns, K, w, out, false}), 0};
  p.sms = kRates.sms * p.piece.flops / p.whole.flops;
  return p;
}

// The case of an op among those that differ in T alone.
Case find(const Cases& cases, const std::string& op, const std::string& types) {
  for (const Case& c : cases) {
    if (c.op == op && c.types == types) return c;
  }
  throw std::runtime_error("estimate: no case " + op + " " + types);
}

Problem rows(const std::string& op, const std::string& types, int64_t T, bool alibi = true) {
  Model model = kModel;
  model.alibi = alibi;
  Sizes whole{}, piece{};
  whole.rows = {T};
  piece.rows = {std::min<int64_t>(T, 128)};
  Cases of_whole, of_piece;
  add_row_cases(of_whole, model, whole);
  add_row_cases(of_piece, model, piece);
  return {find(of_whole, op, types), find(of_piece, op, types), kRates.sms};
}

Problem logits(const std::string& op, const std::string& types) {
  Sizes sizes{};
  sizes.head_rows = {1};
  Cases cases;
  add_logits_cases(cases, kModel, sizes);
  const Case c = find(cases, op, types);
  return {c, c, kRates.sms};
}

// --- Tables --------------------------------------------------------------------------------------

// Three digits.
std::string digits(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", x < 10 ? 2 : x < 100 ? 1 : 0, x);
  return text;
}

struct Goal {
  double rate;  // 1e12 a second
  bool flops;   // or bytes
};

// `generation` of kernels; "both" where they are the same.
void print_line(const Case& c, const char* generation, const Estimate& e, const Goal* goal) {
  std::printf("| %s %s %s %s | %s |", c.op.c_str(), c.part.c_str(), c.types.c_str(),
              c.shape().c_str(), generation);
  for (const double clocks : e.clocks.of)
    std::printf(" %s |", digits(clocks / kRates.sms / 1e3).c_str());
  const bool flops = goal != nullptr ? goal->flops : false;
  const char* unit = flops ? "TFLOP/s" : "TB/s";
  const double rate = (flops ? c.flops : c.bytes) / e.seconds() / 1e12;
  std::printf(" %s | %s | %s %s |", kUnitNames[static_cast<size_t>(e.clocks.limit())],
              digits(e.seconds() * 1e6).c_str(), digits(rate).c_str(), unit);
  Clocks others = e.clocks;
  others[others.limit()] = 0;
  std::printf(" %s %s |", kUnitNames[static_cast<size_t>(others.limit())],
              digits(rate * e.seconds() / others.seconds(kRates)).c_str());
  if (goal == nullptr) {
    std::printf(" | |\n");
  } else {
    std::printf(" %s | %.0f %% |\n", digits(goal->rate).c_str(), 100 * goal->rate / rate);
  }
}

void print_lines(const Problem& problem, const Goal* goal) {
  const Estimate sm_80 = run(problem, false);
  const Estimate hopper = run(problem, true);
  if (sm_80.clocks.of == hopper.clocks.of) {
    print_line(problem.whole, "both", sm_80, goal);
  } else {
    print_line(problem.whole, "sm_80", sm_80, goal);
    print_line(problem.whole, "sm_90a", hopper, goal);
  }
  std::fflush(stdout);
}

void print_kernels() {
  std::printf("\n## Kernels at the shapes of 13B\n\n| kernel | generation |");
  for (const char* name : kUnitNames) std::printf(" %s |", name);
  std::printf(" limit | us | at most | next | goal | share |\n|---|---|");
  for (size_t i = 0; i < kUnits; ++i) std::printf("---|");
  std::printf("---|---|---|---|---|---|\n");

  const Goal causal = {550, true};
  for (const int64_t S : {4096, 8192, 16384})
    print_lines(prefill(kHeads, S, Type::bf16, false), &causal);
  print_lines(prefill(kHeads, 8192, Type::bf16, true), &causal);
  print_lines(prefill(kHeads, 8192, Type::i8, true), &causal);
  // Grouped queries as LLaMA 3 8B and Qwen2 7B have them.
  const std::vector<Heads> grouped = {{32, 8}, {28, 4}};
  for (const Heads& heads : grouped) print_lines(prefill(heads, 8192, Type::bf16, false), &causal);

  const Goal copy = {0.85 * kRates.copy_bytes / 1e12, false};
  for (const Type pages : {Type::bf16, Type::i8}) {
    for (const int64_t S : {4096, 32768}) print_lines(decode(kHeads, 1, S, pages), &copy);
    print_lines(decode(kHeads, 16, 4096, pages), &copy);
    for (const Heads& heads : grouped) {
      print_lines(decode(heads, 1, 32768, pages), &copy);
      print_lines(decode(heads, 16, 4096, pages), &copy);
    }
  }

  const Goal products = {600, true};
  const int64_t C = kModel.C;
  for (const Type w : {Type::bf16, Type::q8, Type::q4}) {
    for (const int64_t M : {1, 16, 32}) {
      const Goal* goal = w == Type::q4 ? &copy : nullptr;
      print_lines(product("w_pack", M, 3 * C, C, w), goal);
      print_lines(product("down", M, C, kModel.F, w), goal);
    }
    for (const int64_t M : {64, 128, 2048})
      print_lines(product("w_pack", M, 3 * C, C, w), M == 2048 ? &products : nullptr);
  }

  print_lines(rows("rms_norm", "f32 to bf16", 2048), nullptr);
  print_lines(rows("add_rms_norm", "f32 to bf16", 2048), nullptr);
  print_lines(rows("rope", "bf16", 2048, false), nullptr);
  print_lines(rows("kv_append", "bf16 pages", 2048), nullptr);
  print_lines(rows("kv_append", "i8 pages", 2048), nullptr);
  print_lines(rows("swiglu", "bf16", 2048), nullptr);
  print_lines(logits("top_k", "f32"), nullptr);
}

// A token of one sequence with 512 positions in its cache, op by op as the forward pass has them.
void print_step(Type w, double goal) {
  const int64_t C = kModel.C;
  constexpr int64_t kLayers = 40;
  const std::vector<std::pair<int64_t, Problem>> ops = {
      {kLayers, product("w_pack", 1, 3 * C, C, w)},
      {kLayers, product("o_proj", 1, C, C, w)},
      {kLayers, product("gate and up", 1, 2 * kModel.F, C, w)},
      {kLayers, product("down", 1, C, kModel.F, w)},
      {1, product("head", 1, kModel.V, C, w, Type::f32)},
      {kLayers, decode(kHeads, 1, 513, Type::bf16)},
      {kLayers, rows("kv_append", "bf16 pages", 1)},
      {2 * kLayers, rows("add_rms_norm", "f32 to bf16", 1)},
      {1, rows("rms_norm", "f32 to bf16", 1)},
      {3, rows("embed", "bf16 to f32", 1)},
      {1, logits("top_k", "f32")}};
  for (const bool hopper : {false, true}) {
    double matmul = 0, attention = 0, rest = 0;
    int64_t launches = 0;
    for (const auto& op : ops) {
      const Estimate e = run(op.second, hopper);
      const std::string& name = op.second.whole.op;
      (name == "matmul"      ? matmul
       : name == "attention" ? attention
                             : rest) += number(op.first) * e.seconds();
      launches += op.first * e.launches;
    }
    const double sum = matmul + attention + rest;
    std::printf("| %s | %s | %s | %s | %s | %.0f | %.0f | %.0f %% | %lld | %s |\n", name_of(w),
                hopper ? "sm_90a" : "sm_80", digits(1e3 * matmul).c_str(),
                digits(1e3 * attention).c_str(), digits(1e3 * rest).c_str(), 1 / sum, goal,
                100 * goal * sum, static_cast<long long>(launches),
                digits((1e6 / goal - 1e6 * sum) / number(launches)).c_str());
    std::fflush(stdout);
  }
}

void print_steps() {
  std::printf(
      "\n## A token of 13B: batch 1, 512 positions of bf16\n\n"
      "| weights | generation | matmul, ms | attention, ms | rest, ms | tokens/s at most | goal | "
      "share | launches | us left for each |\n|---|---|---|---|---|---|---|---|---|---|\n");
  print_step(Type::bf16, 100);
  print_step(Type::q8, 190);
  print_step(Type::q4, 360);
}

}  // namespace
}  // namespace bc::bench

int main() {
  simt::gpu_capability() = 90;
  try {
    bc::bench::print_kernels();
    bc::bench::print_steps();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
