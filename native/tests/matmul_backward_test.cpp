// Products with respect to x through every kind of weight, and with respect to w.
#include "check.h"
#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"
#include "random_weights.h"
#include "reference_train.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  int64_t M, N, K;
};

// One row and tails of the blocks (8, 4); tails of tiles of 64; more than 128 and 256 rows of w, which a tile
// has, and than 4096, which are rounded at once; more rows of dx than a task has.
const Case kInputCases[] = {{1, 1, 32},    {5, 19, 96},    {8, 64, 64},  {13, 300, 96},
                            {3, 4117, 32}, {70, 129, 160}, {577, 33, 32}};

void run_input(Check& check, ThreadPool& pool, cpu::Isa isa, Type type, Case of, bool exact,
               bool accumulate, bool scaled) {
  const uint64_t seed = static_cast<uint64_t>(of.M * 1000 + of.N);
  check.begin(isa,
              std::string("input ") + name_of(type) + " M=" + std::to_string(of.M) +
                  " N=" + std::to_string(of.N) + " K=" + std::to_string(of.K) +
                  (exact ? " exact" : "") + (accumulate ? " +=" : "") + (scaled ? " scaled" : ""),
              seed);
  Random random(seed);
  Matrix dy(of.M, of.N, 5);
  Matrix dx(of.M, of.K);
  dy.fill([&] { return random.outlier(); });
  if (accumulate) dx.fill([&] { return random.normal(); });
  const std::vector<uint8_t> w = random_weights(type, of.N, of.K, random);
  std::vector<float> scale;
  for (int64_t n = 0; n < of.N; ++n) scale.push_back(random.normal());
  const MatmulBackwardInputParams p{dx.row(0), dx.ld, dy.row(0), dy.ld,
                                    w.data(),  type,  of.K,      scaled ? scale.data() : nullptr,
                                    of.M,      of.N,  of.K,      accumulate,
                                    exact};
  const cpu::TrainKernels& kernels = cpu::train_kernels(isa);
  const bool pairs = kernels.input_pairs != nullptr && !exact && type != Type::f32;
  const std::vector<Expected> want = reference::matmul_backward_input(p, pairs);
  cpu::TrainScratch scratch;
  cpu::matmul_backward_input(p, scratch, pool, kernels);
  check.compare("dx", dx, want);
}

// The same bits from one thread and from three.
void run_threads(Check& check, cpu::Isa isa, bool exact) {
  check.begin(isa, exact ? "threads exact" : "threads", 3);
  Random random(3);
  constexpr int64_t M = 200;
  constexpr int64_t N = 5000;
  constexpr int64_t K = 160;
  Matrix dy(M, N, 0);
  Matrix x(M, K, 0);
  dy.fill([&] { return random.normal(); });
  x.fill([&] { return random.normal(); });
  const std::vector<uint8_t> w = random_weights(Type::bf16, N, K, random);
  Matrix dx[2] = {Matrix(M, K, 0), Matrix(M, K, 0)};
  Matrix dw[2] = {Matrix(N, K, 0), Matrix(N, K, 0)};
  for (int i = 0; i < 2; ++i) {
    ThreadPool pool(i == 0 ? 1 : 3);
    cpu::TrainScratch scratch;
    dw[i].fill([] { return 0.5f; });
    cpu::matmul_backward_input(
        {dx[i].row(0), K, dy.row(0), N, w.data(), Type::bf16, K, nullptr, M, N, K, false, exact},
        scratch, pool, cpu::train_kernels(isa));
    cpu::matmul_backward_weight({dw[i].row(0), K, dy.row(0), N, x.row(0), K, M, N, K, exact},
                                scratch, pool, cpu::train_kernels(isa));
  }
  check.that(dx[0].data == dx[1].data, "dx depends on the number of threads");
  check.that(dw[0].data == dw[1].data, "dw depends on the number of threads");
}

// Few rows of w, whose x is not packed; tails; more than 128 tokens, and than 1024, which are added at once.
const Case kWeightCases[] = {{1, 1, 32},     {5, 19, 96},    {131, 8, 128}, {33, 65, 70},
                             {1030, 16, 72}, {1027, 70, 64}, {7, 200, 300}};

void run_weight(Check& check, ThreadPool& pool, cpu::Isa isa, Case of, bool exact) {
  const uint64_t seed = static_cast<uint64_t>(of.M * 1000 + of.N + 7);
  check.begin(isa,
              "weight M=" + std::to_string(of.M) + " N=" + std::to_string(of.N) +
                  " K=" + std::to_string(of.K) + (exact ? " exact" : ""),
              seed);
  Random random(seed);
  Matrix dy(of.M, of.N, 5);
  Matrix x(of.M, of.K, 1);
  Matrix dw(of.N, of.K);
  dy.fill([&] { return random.outlier(); });
  x.fill([&] { return random.normal(); });
  dw.fill([&] { return random.normal(); });
  const MatmulBackwardWeightParams p{dw.row(0), dw.ld, dy.row(0), dy.ld, x.row(0),
                                     x.ld,      of.M,  of.N,      of.K,  exact};
  const cpu::TrainKernels& kernels = cpu::train_kernels(isa);
  const bool pairs = kernels.weight_pairs != nullptr && !exact && of.N > 64;
  const std::vector<Expected> want = reference::matmul_backward_weight(p, pairs);
  cpu::TrainScratch scratch;
  cpu::matmul_backward_weight(p, scratch, pool, kernels);
  check.compare("dw", dw, want);
}

}  // namespace

int main() {
  Check check("matmul_backward");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const bool exact : {false, true}) {
      for (const Case& of : kInputCases) {
        for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8, Type::q4}) {
          for (const bool accumulate : {false, true})
            run_input(check, pool, isa, type, of, exact, accumulate, of.M % 2 == 1);
        }
      }
      for (const Type type : code_types())
        run_input(check, pool, isa, type, {9, 49, 256}, exact, true, true);
      for (const Case& of : kWeightCases) run_weight(check, pool, isa, of, exact);
      run_threads(check, isa, exact);
    }
  }
  return check.result();
}
