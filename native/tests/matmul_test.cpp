#include <algorithm>

#include "check.h"
#include "cpu/matmul/matrix_kernels.h"
#include "quant.h"
#include "random_weights.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  int64_t M, N, K;
};

// One row; the most rows that stream (8 and 3) and one more; tails of the row block (6, 4, 3), of the
// panel (16) and of the vectors; K of more than 16 groups, which are unpacked at a time, and of more
// than 4 KiB; more rows than a task has.
const Case kCases[] = {{1, 1, 32},    {1, 64, 64},   {1, 111, 96},  {2, 16, 32},   {5, 19, 128},
                       {7, 65, 64},   {8, 40, 576},  {9, 33, 1056}, {13, 989, 32}, {19, 33, 96},
                       {3, 20, 2080}, {129, 20, 64}, {577, 17, 32}};

// Gate and up are sums of matmul, with their bias, whatever becomes of them: the same bits.
void run_swiglu(Check& check, ThreadPool& pool, Type type, int64_t M, int64_t F, bool biased) {
  constexpr int64_t K = 96;
  const uint64_t seed = static_cast<uint64_t>(M * 1000 + F);
  check.begin(cpu::isa(),
              std::string("swiglu ") + name_of(type) + " M=" + std::to_string(M) +
                  " F=" + std::to_string(F) + (biased ? " bias" : ""),
              seed);
  Random random(seed);
  Matrix x(M, K);
  x.fill([&] { return random.normal(); });
  const std::vector<uint8_t> w = random_weights(type, 2 * F, K, random);
  std::vector<float> bias(static_cast<size_t>(2 * F));
  for (float& b : bias) b = random.normal();
  Matrix sums(M, 2 * F);
  MatmulParams p{};
  p.out = sums.row(0);
  p.out_ld = sums.ld;
  p.x = x.row(0);
  p.x_ld = x.ld;
  p.w = w.data();
  p.w_type = type;
  p.w_ld = K;
  p.bias = biased ? bias.data() : nullptr;
  p.M = M;
  p.N = 2 * F;
  p.K = K;
  cpu::Scratch scratch;
  cpu::matmul(p, scratch, pool);
  Matrix gate(M, F);
  Matrix up(M, F);
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t f = 0; f < F; ++f) {
      gate.row(m)[f] = sums.row(m)[2 * f];
      up.row(m)[f] = sums.row(m)[2 * f + 1];
    }
  }
  Matrix want(M, F);
  cpu::swiglu({want.row(0), want.ld, gate.row(0), gate.ld, up.row(0), up.ld, Type::f32, M, F},
              pool);
  Matrix out(M, F);
  std::vector<float> memory;
  p.out = out.row(0);
  p.out_ld = out.ld;
  p.epilogue = Epilogue::swiglu;
  cpu::matmul_swiglu(p, memory, scratch, pool);
  bool same = true;
  for (int64_t m = 0; m < M; ++m)
    same &= std::memcmp(out.row(m), want.row(m), static_cast<size_t>(F) * sizeof(float)) == 0;
  check.that(same, "other bits than those of the sums one by one");
  check.that(out.gaps_untouched(), "gaps between rows were written");
}

std::vector<Type> all_types() {
  std::vector<Type> types = {Type::f32, Type::f16, Type::bf16, Type::q8, Type::q4};
  const std::vector<Type> codes = code_types();
  types.insert(types.end(), codes.begin(), codes.end());
  return types;
}

// Of codes: a row, the most that stream (8, 3) and one more, tails; one group, and more than are unpacked
// at a time.
const Case kCodeCases[] = {{1, 19, 128}, {3, 16, 256}, {4, 33, 128},
                           {8, 35, 640}, {9, 20, 128}, {13, 49, 1152}};

std::vector<Case> cases_of(Type type) {
  if (is_codes(type)) return {std::begin(kCodeCases), std::end(kCodeCases)};
  return {std::begin(kCases), std::end(kCases)};
}

// The 4-bit grid in groups of 32 is q4: the same bits.
void run_same_as_q4(Check& check, ThreadPool& pool, const cpu::MatrixKernels& kernels,
                    cpu::Isa isa) {
  const Type grid = type_of({4, 5, CodeForm::grid});
  for (const bool exact : {false, true}) {
    for (const int64_t M : {1, 4, 11}) {
      check.begin(isa, "q4 as codes M=" + std::to_string(M), 5);
      Random random(5);
      Matrix x(M, 96);
      x.fill([&] { return random.outlier(); });
      const std::vector<uint8_t> w = random_weights(Type::q4, 40, 96, random);
      Matrix out[2] = {Matrix(M, 40), Matrix(M, 40)};
      for (int i = 0; i < 2; ++i) {
        cpu::Scratch scratch;
        cpu::matmul({out[i].row(0), Type::f32, out[i].ld, x.row(0), Type::f32, x.ld, w.data(),
                     i == 0 ? Type::q4 : grid, 96, nullptr, nullptr, M, 40, 96, Epilogue::none,
                     exact, true, nullptr},
                    scratch, pool, kernels);
      }
      double furthest = 0.0;
      for (int64_t m = 0; m < M; ++m) {
        for (int64_t n = 0; n < 40; ++n)
          furthest = std::fmax(furthest, std::fabs(out[0].row(m)[n] - out[1].row(m)[n]) /
                                             (1.0 + std::fabs(out[0].row(m)[n])));
      }
      // By x in f32 the additions come in another order.
      check.that(furthest <= (exact ? 1e-4 : 0.0), "4-bit codes differ from q4");
    }
  }
}

// A task writes no scratch beyond what its kernel asks for: with most rows, a number of them that is no
// whole block, and every number of rows of w that a last panel can have.
void run_scratch_suffices(Check& check, const cpu::MatrixKernels& kernels, cpu::Isa isa) {
  constexpr int64_t K = 2112;  // more than 4 KiB of any type, in which sums wait
  constexpr int64_t kGuard = 1 << 14;
  constexpr uint8_t kUntouched = 0xa5;
  for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8, Type::q4}) {
    const cpu::MatmulKernel kernel = kernels.matmul(type, false);
    const int64_t rows = std::min<int64_t>(kernel.most_rows, 130);
    for (const int64_t M : {rows / kernel.rows * kernel.rows, kernel.few + 1}) {
      const int64_t most = kernel.most_units * kPanel;
      for (const int64_t N : {most, most - 1, most - 2, most - 5, int64_t{11}, int64_t{15}}) {
        check.begin(isa,
                    std::string(name_of(type)) + " scratch M=" + std::to_string(M) +
                        " N=" + std::to_string(N),
                    3);
        Random random(3);
        Matrix x(M, K);
        x.fill([&] { return random.normal(); });
        const std::vector<uint8_t> w = random_weights(type, N, K, random);
        Matrix out(M, N);
        const MatmulParams p{out.row(0), Type::f32, out.ld, x.row(0), Type::f32,
                             x.ld,       w.data(),  type,   K,        nullptr,
                             nullptr,    M,         N,      K,        Epilogue::none,
                             false,      true,      nullptr};
        const int64_t groups = K / kGroup;
        std::vector<uint8_t> rounded(static_cast<size_t>(M * groups * kernel.group_bytes + 64));
        if (kernel.round != nullptr) {
          for (int64_t m = 0; m < M; m += kernel.rows)
            kernel.round(p, rounded.data() + m * groups * kernel.group_bytes, m,
                         std::min(m + kernel.rows, M), 0, groups);
        }
        const int64_t blocks = (M + kernel.rows - 1) / kernel.rows;
        const int64_t units = panels(N);
        const int64_t bytes = kernel.scratch + blocks * kernel.rows * units * kernel.scratch_sum;
        std::vector<uint8_t> memory(static_cast<size_t>(bytes + kGuard + 64), kUntouched);
        uint8_t* const scratch =
            memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64);
        kernel.run(p, rounded.data(), 0, M, 0, units, scratch);
        bool untouched = true;
        for (const uint8_t* at = scratch + bytes; at < memory.data() + memory.size(); ++at)
          untouched = untouched && *at == kUntouched;
        check.that(untouched, "more scratch is written than was asked for");
      }
    }
  }
}

}  // namespace

int main() {
  Check check("matmul");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    const cpu::MatrixKernels& kernels = cpu::matrix_kernels(isa);
    run_same_as_q4(check, pool, kernels, isa);
    run_scratch_suffices(check, kernels, isa);
    for (const Type type : all_types()) {
      for (const Case& c : cases_of(type)) {
        for (const bool exact : {true, false}) {
          const uint64_t seed = static_cast<uint64_t>(c.M * 1000 + c.N);
          check.begin(isa,
                      std::string(name_of(type)) + (exact ? " exact" : "") +
                          " M=" + std::to_string(c.M) + " N=" + std::to_string(c.N) +
                          " K=" + std::to_string(c.K),
                      seed);
          Random random(seed);
          // Plain weights take any K: a tail of the vectors.
          const int64_t K = is_quantized(type) ? c.K : c.K + 7;
          Matrix x(c.M, K);
          x.fill([&] { return random.outlier(); });
          const std::vector<uint8_t> w = random_weights(type, c.N, K, random);
          std::vector<float> scale(static_cast<size_t>(c.N));
          for (float& s : scale) s = random.normal();
          std::vector<float> bias(static_cast<size_t>(c.N));
          for (float& b : bias) b = 30.0f * random.normal();
          cpu::Scratch scratch;
          Matrix out(c.M, c.N);
          MatmulParams p{
              out.row(0), Type::f32, out.ld, x.row(0), Type::f32,
              x.ld,       w.data(),  type,   K,        c.N % 2 == 0 ? nullptr : scale.data(),
              nullptr,    c.M,       c.N,    K,        Epilogue::none,
              exact,      true,      nullptr};
          p.bias = (c.M + c.N / 2) % 2 == 0 ? nullptr : bias.data();
          std::vector<Expected> want = reference::matmul(p);
          if (!exact && is_quantized(type)) reference::round_x_to_int8(p, want);
          const bool rounds = kernels.matmul(type, exact).round != nullptr;
          if (rounds && !is_quantized(type)) reference::round_x_to_bf16(p, want);
          cpu::matmul(p, scratch, pool, kernels);
          check.compare("out", out, want);

          // A row alone gives the bits that it gives in the batch.
          Matrix alone(1, c.N);
          p.x = x.row(c.M - 1);
          p.out = alone.row(0);
          p.M = 1;
          cpu::matmul(p, scratch, pool, kernels);
          check.that(std::memcmp(alone.row(0), out.row(c.M - 1), static_cast<size_t>(c.N) * 4) == 0,
                     "the last row alone differs from the batch");
        }
      }
    }
    // A NaN among the activations reaches every output of its row and no other row.
    Random random(9);
    const std::vector<uint8_t> w = random_weights(Type::q4, 16, 32, random);
    Matrix x(2, 32);
    x.fill([&] { return random.normal(); });
    x.row(1)[5] = std::numeric_limits<float>::quiet_NaN();
    cpu::Scratch scratch;
    Matrix out(2, 16);
    cpu::matmul({out.row(0), Type::f32, out.ld, x.row(0), Type::f32, x.ld, w.data(), Type::q4, 32,
                 nullptr, nullptr, 2, 16, 32, Epilogue::none, false, true, nullptr},
                scratch, pool, kernels);
    check.begin(isa, "NaN", 9);
    check.that(!std::isnan(out.row(0)[0]), "row 0 is NaN");
    check.that(std::isnan(out.row(1)[0]) && std::isnan(out.row(1)[15]), "row 1 hides a NaN");
  }
  for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8, Type::q4,
                          type_of({3, 5, CodeForm::grid}), type_of({4, 5, CodeForm::min})}) {
    for (const bool biased : {false, true}) {
      for (const int64_t M : {1, 5, 70}) run_swiglu(check, pool, type, M, 19, biased);
    }
  }
  return check.result();
}
