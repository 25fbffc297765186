// matmul: the products of a layer. Weights come from memory, as in a model.
#include "bench.h"
#include "cpu/matmul/matrix_kernels.h"
#include "memory.h"
#include "quant.h"
#include "reference.h"

namespace bc::bench {
namespace {

int64_t weight_bytes(Type type, int64_t N, int64_t K) {
  return is_quantized(type) ? packed_bytes(type, N, K) : N * K * element_bytes(type);
}

// Deviation 0.02.
void fill_weights(Type type, uint8_t* w, int64_t bytes, ThreadPool& pool) {
  const int64_t group = is_quantized(type) ? group_bytes(type) : 1024;
  pool.parallel_for(bytes / group, 256, [&](int64_t begin, int64_t end, int) {
    for (int64_t g = begin; g < end; ++g) {
      uint8_t* at = w + g * group;
      const auto counter = static_cast<uint64_t>(g * group);
      if (!is_quantized(type)) {
        for (int64_t i = 0; i < group / element_bytes(type); ++i) {
          const float value = 0.02f * normal(mix(counter + static_cast<uint64_t>(i)));
          if (type == Type::f32) reinterpret_cast<float*>(at)[i] = value;
          if (type == Type::f16) reinterpret_cast<f16*>(at)[i] = to_f16(value);
          if (type == Type::bf16) reinterpret_cast<bf16*>(at)[i] = to_bf16(value);
        }
        continue;
      }
      const int64_t values = value_bytes(type);
      for (int64_t i = 0; i < values; i += 8) {
        const uint64_t codes = random_codes(type, counter + static_cast<uint64_t>(i));
        std::memcpy(at + i, &codes, 8);
      }
      const uint16_t scale = scale_of_deviation(type, 0.02f);
      for (int64_t n = 0; n < kPanel; ++n) std::memcpy(at + values + 2 * n, &scale, 2);
      if (group == values + kScales) continue;
      const uint16_t zero = zero_of_deviation(format_of(type), 0.02f);
      for (int64_t n = 0; n < kPanel; ++n) std::memcpy(at + values + kScales + 2 * n, &zero, 2);
    }
  });
}

double operations_peak(const Bench& bench, Type type, bool exact) {
  if (!exact && is_quantized(type)) return bench.peaks.dot_i8;
  if (!exact && type == Type::bf16 && bench.peaks.dot_bf16 > 0.0) return bench.peaks.dot_bf16;
  return bench.peaks.fma_f32;
}

// 16 outputs in a row of the first, a middle and the last row and panel.
void check_outputs(const Bench& bench, const MatmulParams& p, test::Matrix& out) {
  const int64_t last = (p.N - 1) / kPanel;
  for (const int64_t m : {int64_t{0}, p.M / 2, p.M - 1}) {
    for (const int64_t panel : {int64_t{0}, last / 2, last}) {
      const int64_t n = panel * kPanel;
      MatmulParams some = p;
      some.M = 1;
      some.N = std::min(kPanel, p.N - n);
      some.x = static_cast<const float*>(p.x) + m * p.x_ld;
      some.w = static_cast<const uint8_t*>(p.w) + weight_bytes(p.w_type, n, p.K);
      std::vector<test::Expected> want = reference::matmul(some);
      if (is_quantized(p.w_type)) {
        if (!p.exact) reference::round_x_to_int8(some, want);
      } else if (cpu::matrix_kernels(bench.isa).matmul(p.w_type, p.exact).round != nullptr) {
        reference::round_x_to_bf16(some, want);
      }
      test::Matrix got(1, some.N);
      std::copy_n(out.row(m) + n, some.N, got.row(0));
      bench.check.compare("out", got, want);
    }
  }
}

void run(const Bench& bench, Type type, int64_t N, int64_t K, Copies& weights, int64_t M,
         bool exact) {
  // On whole cache lines, as tensors are.
  const Memory memory(4 * M * K);
  float* x = reinterpret_cast<float*>(memory.bytes());
  test::Random random(static_cast<uint64_t>(M));
  for (int64_t i = 0; i < M * K; ++i) x[i] = random.outlier();
  test::Matrix out(M, N, 0);
  cpu::Scratch scratch;
  MatmulParams p{out.row(0),     Type::f32, out.ld,  x,       Type::f32, K, weights.first(),
                 type,           K,         nullptr, nullptr, M,         N, K,
                 Epilogue::none, exact,     true,    nullptr};
  const cpu::MatrixKernels& kernels = cpu::matrix_kernels(bench.isa);
  const std::string what = std::string(name_of(type)) + (exact ? " exact" : "") +
                           " M=" + std::to_string(M) + " N=" + std::to_string(N) +
                           " K=" + std::to_string(K);
  bench.check.begin(bench.isa, "matmul " + what, static_cast<uint64_t>(M));
  cpu::matmul(p, scratch, bench.pool, kernels);
  check_outputs(bench, p, out);
  if (!bench.timed()) return;
  const Time time = measure(
      [&] {
        p.w = weights.next();
        cpu::matmul(p, scratch, bench.pool, kernels);
      },
      bench.seconds);
  const double bytes = static_cast<double>(weight_bytes(type, N, K) + 4 * M * (N + K));
  bench.line(what, time, bytes, 2.0 * static_cast<double>(M * N) * static_cast<double>(K),
             operations_peak(bench, type, exact));
}

}  // namespace

void bench_matmul(const Bench& bench, const MatmulShapes& shapes) {
  bench.head("matmul");
  for (const auto& [N, K] : shapes.sizes) {
    for (const Type type : shapes.weights) {
      const int64_t bytes = weight_bytes(type, N, K);
      Copies weights(bytes, bench.cache_bytes);
      fill_weights(type, weights.first(), bytes, bench.pool);
      weights.spread();
      for (const int64_t M : shapes.rows) run(bench, type, N, K, weights, M, shapes.exact);
    }
  }
}

}  // namespace bc::bench
