// rms_norm_backward, swiglu_backward, rope_backward, cross_entropy, embed_backward, row_norms_backward and
// sum_of_squares.
#include "check.h"
#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"
#include "reference_train.h"

using namespace bc;
using namespace bc::test;

namespace {

// Row after row of several outputs, which `want` has one behind the other.
void compare(Check& check, const char* name, const Matrix& got, const std::vector<Expected>& want,
             size_t from) {
  const size_t count = static_cast<size_t>(got.rows * got.cols);
  check.compare(name, got,
                {want.begin() + static_cast<std::ptrdiff_t>(from),
                 want.begin() + static_cast<std::ptrdiff_t>(from + count)});
}

void run_rms_norm(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t T, int64_t C, Type type) {
  const uint64_t seed = static_cast<uint64_t>(C + T);
  check.begin(isa, std::string("rms_norm ") + name_of(type) + " C=" + std::to_string(C), seed);
  Random random(seed);
  Matrix x(T, C);
  Matrix dy(T, C, 1);
  Matrix dx(T, C, 2);
  Matrix dweight(1, C);
  std::vector<float> numbers;
  for (int64_t c = 0; c < C; ++c) numbers.push_back(random.normal());
  const std::vector<uint8_t> weight = as_type(type, numbers);
  x.fill([&] { return random.outlier(); });
  dy.fill([&] { return random.normal(); });
  dx.fill([&] { return random.normal(); });
  dweight.fill([&] { return random.normal(); });
  RmsNormBackwardParams p{dx.row(0), dx.ld,         dweight.row(0), dy.row(0), dy.ld, x.row(0),
                          x.ld,      weight.data(), type,           T,         C,     1e-5f};
  const std::vector<Expected> want = reference::rms_norm_backward(p);
  const Matrix before = dx;
  cpu::TrainScratch scratch;
  cpu::rms_norm_backward(p, scratch, pool, cpu::train_kernels(isa));
  compare(check, "dx", dx, want, 0);
  compare(check, "dweight", dweight, want, static_cast<size_t>(T * C));
  const Matrix with_weight = dx;
  dx = before;
  p.dweight = nullptr;
  cpu::rms_norm_backward(p, scratch, pool, cpu::train_kernels(isa));
  compare(check, "dx alone", dx, want, 0);
}

void run_swiglu(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t F, float size,
                bool in_place) {
  const uint64_t seed = static_cast<uint64_t>(F);
  check.begin(isa,
              "swiglu F=" + std::to_string(F) + " size=" + std::to_string(size) +
                  (in_place ? " in place" : ""),
              seed);
  Random random(seed);
  Matrix gate(3, F);
  Matrix up(3, F);
  Matrix dy(3, F, 1);
  Matrix dgate(3, F);
  Matrix dup(3, F);
  gate.fill([&] { return size * random.outlier(); });
  up.fill([&] { return random.outlier(); });
  dy.fill([&] { return random.normal(); });
  Matrix& to_gate = in_place ? gate : dgate;
  Matrix& to_up = in_place ? up : dup;
  const SwigluBackwardParams p{to_gate.row(0), to_gate.ld, to_up.row(0), to_up.ld, dy.row(0), dy.ld,
                               gate.row(0),    gate.ld,    up.row(0),    up.ld,    3,         F};
  const std::vector<Expected> want = reference::swiglu_backward(p);
  cpu::swiglu_backward(p, pool, cpu::train_kernels(isa));
  compare(check, "dgate", to_gate, want, 0);
  compare(check, "dup", to_up, want, static_cast<size_t>(3 * F));
}

void run_rope(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t D, bool normed) {
  constexpr int64_t T = 131;  // more than the gradients of norms are summed for at once
  constexpr int64_t H = 3;
  constexpr int64_t G = 1;
  const uint64_t seed = static_cast<uint64_t>(D);
  check.begin(isa, std::string("rope ") + (normed ? "normed" : "plain") + " D=" + std::to_string(D),
              seed);
  Random random(seed);
  Matrix qkv(T, (H + 2 * G) * D);
  Matrix dqkv(T, (H + 2 * G) * D, 1);
  Matrix norms(2, D);
  Matrix dnorms(2, D);
  for (Matrix* m : {&qkv, &dqkv, &norms, &dnorms}) m->fill([&] { return random.normal(); });
  std::vector<int32_t> positions;
  for (int64_t t = 0; t < T; ++t) positions.push_back(static_cast<int32_t>(random.below(5000)));
  RopeBackwardParams p{};
  p.dqkv = dqkv.row(0);
  p.dqkv_ld = dqkv.ld;
  p.forward.positions = positions.data();
  p.forward.T = T;
  p.forward.H = H;
  p.forward.G = G;
  p.forward.D = D;
  p.forward.scale = 1.1f;
  for (int64_t k = 0; k < D / 2; ++k)
    p.forward.frequencies[k] =
        std::pow(10000.0, -2.0 * static_cast<double>(k) / static_cast<double>(D));
  if (normed) {
    p.qkv = qkv.row(0);
    p.qkv_ld = qkv.ld;
    p.dq_norm = dnorms.row(0);
    p.dk_norm = dnorms.row(1);
    p.forward.q_norm = norms.row(0);
    p.forward.k_norm = norms.row(1);
    p.forward.norm_type = Type::f32;
    p.forward.eps = 1e-6f;
  }
  const std::vector<Expected> want = reference::rope_backward(p);
  cpu::RopeAngles angles;
  cpu::TrainScratch scratch;
  cpu::rope_backward(p, angles, scratch, pool, cpu::train_kernels(isa));
  compare(check, "dqkv", dqkv, want, 0);
  if (normed) compare(check, "dnorms", dnorms, want, static_cast<size_t>(T * dqkv.cols));
}

void run_cross_entropy(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t V, float size) {
  const uint64_t seed = static_cast<uint64_t>(V);
  check.begin(isa, "cross_entropy V=" + std::to_string(V) + " size=" + std::to_string(size), seed);
  Random random(seed);
  Matrix x(5, V);
  Matrix loss(1, 5, 0);
  x.fill([&] { return size * random.normal(); });
  std::vector<int32_t> targets;
  for (int64_t t = 0; t < 5; ++t) targets.push_back(static_cast<int32_t>(random.below(V)));
  targets[2] = -1;
  targets[4] = static_cast<int32_t>(V - 1);
  const std::vector<float> scales = {0.125f, -2.0f, 1.0f, 0.0f, 0.5f};
  const CrossEntropyParams p{x.row(0), x.ld, loss.row(0), targets.data(), scales.data(), 5, V};
  const std::vector<Expected> want = reference::cross_entropy(p);
  cpu::cross_entropy(p, pool, cpu::train_kernels(isa));
  compare(check, "x", x, want, 0);
  compare(check, "loss", loss, want, static_cast<size_t>(5 * V));
}

void run_row_norms(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t K, Type type) {
  constexpr int64_t N = 19;
  const uint64_t seed = static_cast<uint64_t>(K);
  check.begin(isa, std::string("row_norms ") + name_of(type) + " K=" + std::to_string(K), seed);
  Random random(seed);
  Matrix dw(N, K);
  dw.fill([&] { return random.normal(); });
  std::vector<float> numbers;
  for (int64_t i = 0; i < N * K; ++i) numbers.push_back(random.outlier());
  const std::vector<uint8_t> w = as_type(type, numbers);
  std::vector<float> norms(N);
  cpu::row_norms({norms.data(), w.data(), type, K, N, K}, pool);
  const RowNormsBackwardParams p{dw.row(0), dw.ld, w.data(), type, K, norms.data(), N, K};
  const std::vector<Expected> want = reference::row_norms_backward(p);
  cpu::row_norms_backward(p, pool, cpu::train_kernels(isa));
  check.compare("dw", dw, want);
}

// Rows that are named twice gain twice; others stay.
void run_embed(Check& check, ThreadPool& pool) {
  check.begin("embed", 5);
  Random random(5);
  Matrix table(7, 111);
  Matrix dx(6, 111, 1);
  table.fill([&] { return random.normal(); });
  dx.fill([&] { return random.normal(); });
  const std::vector<int32_t> ids = {3, 0, 3, 6, 3, 0};
  std::vector<Expected> want;
  for (int64_t v = 0; v < 7; ++v) {
    for (int64_t c = 0; c < 111; ++c) {
      auto sum = static_cast<double>(table.row(v)[c]);
      double magnitude = 0.0;
      for (int64_t t = 0; t < 6; ++t) {
        if (ids[static_cast<size_t>(t)] != v) continue;
        sum += static_cast<double>(dx.row(t)[c]);
        magnitude += std::fabs(static_cast<double>(dx.row(t)[c])) + std::fabs(sum);
      }
      want.push_back({sum, magnitude * kRounding});
    }
  }
  cpu::embed_backward({table.row(0), table.ld, ids.data(), dx.row(0), dx.ld, 6, 111, 7}, pool);
  check.compare("dtable", table, want);
}

void run_squares(Check& check) {
  for (const int64_t n : {1, 100, 32768, 100001}) {
    check.begin("sum_of_squares n=" + std::to_string(n), 9);
    Random random(9);
    std::vector<float> x;
    double want = 0.0;
    for (int64_t i = 0; i < n; ++i) {
      x.push_back(random.outlier());
      want += static_cast<double>(x.back()) * static_cast<double>(x.back());
    }
    double got[2] = {};
    for (int i = 0; i < 2; ++i) {
      ThreadPool pool(i == 0 ? 1 : 3);
      cpu::sum_of_squares({x.data(), n, &got[i]}, pool);
    }
    check.that(std::fabs(got[0] - want) <= want * 1e-12, "the sum is not that of the squares");
    check.that(got[0] == got[1], "the sum depends on the number of threads");
  }
}

}  // namespace

int main() {
  Check check("rows_backward");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const int64_t C : {1, 7, 32, 111, 989}) {
      for (const Type type : {Type::f32, Type::f16, Type::bf16})
        run_rms_norm(check, pool, isa, 9, C, type);
    }
    for (const int64_t F : {1, 7, 16, 111, 2049}) {
      for (const float size : {1.0f, 100.0f, 1e-20f}) {
        for (const bool in_place : {false, true}) run_swiglu(check, pool, isa, F, size, in_place);
      }
    }
    for (const int64_t D : {8, 40, 128}) {
      for (const bool normed : {false, true}) run_rope(check, pool, isa, D, normed);
    }
    for (const int64_t V : {1, 7, 64, 111, 989}) {
      for (const float size : {1.0f, 30.0f}) run_cross_entropy(check, pool, isa, V, size);
    }
    for (const int64_t K : {1, 19, 64, 111}) {
      for (const Type type : {Type::f32, Type::f16, Type::bf16})
        run_row_norms(check, pool, isa, K, type);
    }
  }
  run_embed(check, pool);
  run_squares(check);
  return check.result();
}
