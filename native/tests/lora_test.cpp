#include <cstring>

#include "check.h"
#include "cpu/vector_kernels.h"
#include "lora_cases.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  int64_t T, N, K;
  std::vector<AdapterKind> kinds;
  std::vector<int32_t> adapter_of;  // [T]
};

LoraParams params(const Case& c, const AdapterPool& pool, Matrix& out, const Matrix& x) {
  return {out.row(0),
          Type::f32,
          out.ld,
          x.row(0),
          Type::f32,
          x.ld,
          pool.bytes.data(),
          pool.table.data(),
          pool.scales.data(),
          c.adapter_of.data(),
          c.T,
          c.N,
          c.K,
          nullptr};
}

// The batch against the reference, and each token against itself alone, bit for bit.
void run_case(Check& check, ThreadPool& threads, cpu::Isa isa, const Case& c) {
  const auto seed = static_cast<uint64_t>(c.T * 10007 + c.N + 31 * c.K);
  check.begin(isa,
              "T=" + std::to_string(c.T) + " N=" + std::to_string(c.N) +
                  " K=" + std::to_string(c.K) + " adapters=" + std::to_string(c.kinds.size()),
              seed);
  Random random(seed);
  const AdapterPool pool(c.kinds, c.N, c.K, random);
  Matrix x(c.T, c.K, 5);
  Matrix out(c.T, c.N, 3);
  x.fill([&] { return random.outlier(); });
  out.fill([&] { return random.normal(); });
  const Matrix before = out;
  const std::vector<Expected> want = reference::lora(params(c, pool, out, x));
  cpu::LoraScratch scratch;
  cpu::lora(params(c, pool, out, x), scratch, threads, cpu::vector_kernels(isa));
  check.compare("out", out, want);

  bool same = true;
  for (int64_t t = 0; t < c.T; ++t) {
    Case alone{1, c.N, c.K, c.kinds, {c.adapter_of[static_cast<size_t>(t)]}};
    Matrix one_x(1, c.K, 0);
    Matrix one_out(1, c.N, 0);
    std::copy_n(x.row(t), c.K, one_x.row(0));
    std::copy_n(before.row(t), c.N, one_out.row(0));
    cpu::lora(params(alone, pool, one_out, one_x), scratch, threads, cpu::vector_kernels(isa));
    same = same && std::memcmp(one_out.row(0), out.row(t), static_cast<size_t>(4 * c.N)) == 0;
  }
  check.that(same, "a token has other bits alone than in the batch");
}

}  // namespace

int main() {
  Check check("lora");
  ThreadPool threads(3);
  const std::vector<AdapterKind> kinds = {{16, Type::bf16}, {1, Type::f32},   {7, Type::f16},
                                          {0, Type::f32},   {64, Type::bf16}, {8, Type::f32},
                                          {5, Type::bf16},  {512, Type::f16}};
  for (const cpu::Isa isa : isas()) {
    for (const int64_t K : {1, 7, 16, 19, 111, 989}) {
      for (const int64_t N : {1, 15, 16, 33, 600, 2049})
        run_case(check, threads, isa, {5, N, K, kinds, {2, -1, 0, 6, 2}});
    }
    // One adapter of many tokens, in tiles of all sizes; none; each of its own; sequences of some.
    for (const int64_t T : {1, 2, 3, 4, 6, 9}) {
      run_case(check, threads, isa,
               {T, 130, 100, kinds, std::vector<int32_t>(static_cast<size_t>(T), 4)});
    }
    run_case(check, threads, isa, {3, 130, 100, kinds, {-1, 3, -1}});
    run_case(check, threads, isa, {8, 1100, 512, kinds, {7, 6, 5, 4, 3, 2, 1, 0}});
    run_case(check, threads, isa, {12, 40, 70, kinds, {1, 1, 1, -1, -1, 0, 0, 5, 1, 1, 0, 5}});
  }
  return check.result();
}
