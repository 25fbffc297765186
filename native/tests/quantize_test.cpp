#include "check.h"
#include "cpu/matmul/matrix_kernels.h"
#include "quant.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

// Squared error of plain round-to-nearest with one scale a row: the yardstick.
double per_row_error(const std::vector<float>& w, int64_t N, int64_t K, float levels) {
  double error = 0.0;
  for (int64_t n = 0; n < N; ++n) {
    float peak = 0.0f;
    for (int64_t k = 0; k < K; ++k)
      peak = std::fmax(peak, std::fabs(w[static_cast<size_t>(n * K + k)]));
    for (int64_t k = 0; k < K; ++k) {
      const float v = w[static_cast<size_t>(n * K + k)];
      const float s = peak / levels;
      const double d = static_cast<double>(v - s * std::nearbyint(v / s));
      error += d * d;
    }
  }
  return error;
}

// Squared error of NF4: 16 levels between -1 and 1, times the largest magnitude of each block of 64
// (Dettmers et al. 2023, arXiv:2305.14314, appendix E). The scale is kept in f32 here.
double nf4_error(const std::vector<float>& w, int64_t N, int64_t K) {
  constexpr float levels[] = {-1.0f,        -0.69619280f, -0.52507305f, -0.39491749f,
                              -0.28444138f, -0.18477343f, -0.09105004f, 0.0f,
                              0.07958030f,  0.16093020f,  0.24611230f,  0.33791524f,
                              0.44070983f,  0.56261700f,  0.72295684f,  1.0f};
  double error = 0.0;
  for (int64_t i = 0; i < N * K; i += 64) {
    float peak = 0.0f;
    for (int64_t k = 0; k < 64; ++k)
      peak = std::fmax(peak, std::fabs(w[static_cast<size_t>(i + k)]));
    for (int64_t k = 0; k < 64; ++k) {
      const float v = w[static_cast<size_t>(i + k)];
      float nearest = std::numeric_limits<float>::infinity();
      for (const float level : levels) nearest = std::fmin(nearest, std::fabs(v - level * peak));
      error += static_cast<double>(nearest) * static_cast<double>(nearest);
    }
  }
  return error;
}

struct Quantized {
  double error[2];
};

Quantized quantized(std::vector<uint8_t>& packed, Type type, const std::vector<float>& w, int64_t N,
                    int64_t K, ThreadPool& pool, const cpu::MatrixKernels& kernels) {
  Quantized q = {};
  cpu::quantize({packed.data(), type, w.data(), Type::f32, K, nullptr, N, K, q.error, nullptr},
                pool, kernels);
  return q;
}

// Codes of each form and size: the reported error is the error, more bits lose less, and numbers that
// codes hold come back as they are.
void run_codes(Check& check, ThreadPool& pool, const cpu::MatrixKernels& kernels, cpu::Isa isa) {
  constexpr int64_t N = 19;
  constexpr int64_t K = 256;
  double losses[9][8][4] = {};
  for (const Type type : code_types()) {
    const CodeFormat f = format_of(type);
    check.begin(isa, name_of(type), 11);
    Random random(11);
    std::vector<float> w(N * K);
    for (float& v : w) v = 0.02f * random.normal();
    std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(type, N, K)), 0xff);
    const Quantized p = quantized(packed, type, w, N, K, pool, kernels);
    double error = 0.0;
    double power = 0.0;
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        const double v = static_cast<double>(w[static_cast<size_t>(n * K + k)]);
        const double d = v - reference::packed_element(packed.data(), type, K, n, k);
        error += d * d;
        power += v * v;
      }
    }
    check.that(std::fabs(error - p.error[0]) <= 1e-4 * error,
               "the reported error is not the error");
    check.that(std::fabs(power - p.error[1]) <= 1e-4 * power,
               "the reported power is not the power");
    losses[f.bits][f.log2_group][static_cast<int>(f.form)] = error / power;

    // Codes of all sizes, both ends among them, of a scale and a zero that all forms hold.
    const float middle = std::ldexp(1.0f, f.bits - 1);
    for (int64_t i = 0; i < N * K; ++i) {
      const int64_t at = i % (int64_t{1} << f.log2_group);
      const float top = 2.0f * middle - 1.0f;
      const float q = at == 0   ? 0.0f
                      : at == 1 ? top
                                : static_cast<float>(random.below(int64_t{1} << f.bits));
      w[static_cast<size_t>(i)] =
          0.5f * (q - (f.form == CodeForm::grid && f.bits < 4 ? 1.0f : middle));
    }
    const Quantized exact = quantized(packed, type, w, N, K, pool, kernels);
    check.that(exact.error[0] <= 1e-9 * exact.error[1], "numbers that codes hold are changed");

    for (const float size : {0.0f, 1e-3f, 1.0f}) {
      std::vector<float> same(16 * K, size);
      quantized(packed, type, same, 16, K, pool, kernels);
      const double got = reference::packed_element(packed.data(), type, K, 3, 5);
      check.that(std::fabs(got - static_cast<double>(size)) <= size / 31.0 + 0x1p-24,
                 "a group of one number is lost");
    }
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), 0x1.fep+127f}) {
      std::vector<float> spoiled(16 * K, 0.5f);
      spoiled[40] = bad;
      const Quantized q = quantized(packed, type, spoiled, 16, K, pool, kernels);
      check.that(!std::isfinite(q.error[1]), "the weight goes unreported");
    }
    std::vector<float> large(16 * K);
    for (size_t i = 0; i < large.size(); ++i) large[i] = i % 3 == 0 ? -0x1p57f : 0x1p57f;
    const Quantized most = quantized(packed, type, large, 16, K, pool, kernels);
    check.that(std::isfinite(most.error[0]) && std::isfinite(most.error[1]),
               "the error is not finite");
  }
  for (int form = 0; form < 4; ++form) {
    for (int group = 5; group < 8; ++group) {
      double less = 1.0;
      for (const int bits : {2, 3, 4, 5, 6, 8}) {
        const double loss = losses[bits][group][form];
        if (loss == 0.0) continue;  // no such grid
        check.begin(isa, name_of(type_of({bits, group, static_cast<CodeForm>(form)})), 11);
        check.that(loss < 0.4 * less, "a bit more does not lose much less");
        less = loss;
      }
    }
  }
}

}  // namespace

int main() {
  Check check("quantize");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    run_codes(check, pool, cpu::matrix_kernels(isa), isa);
    for (const Type type : {Type::q8, Type::q4}) {
      for (const int64_t N : {1, 16, 19, 111}) {
        for (const int64_t K : {32, 256}) {
          const uint64_t seed = static_cast<uint64_t>(N * K);
          check.begin(
              isa,
              std::string(name_of(type)) + " N=" + std::to_string(N) + " K=" + std::to_string(K),
              seed);
          Random random(seed);
          std::vector<float> w(static_cast<size_t>(N * K));
          for (float& v : w) v = 0.02f * random.outlier();
          std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(type, N, K)), 0xff);
          const Quantized p = quantized(packed, type, w, N, K, pool, cpu::matrix_kernels(isa));
          double error = 0.0;
          double power = 0.0;
          double furthest = 0.0;
          for (int64_t n = 0; n < N; ++n) {
            for (int64_t k = 0; k < K; ++k) {
              const double v = static_cast<double>(w[static_cast<size_t>(n * K + k)]);
              const double d = v - reference::packed_element(packed.data(), type, K, n, k);
              error += d * d;
              power += v * v;
              furthest = std::fmax(furthest, std::fabs(d));
            }
          }
          check.that(std::fabs(error - p.error[0]) <= 1e-4 * error,
                     "the reported error is not the error");
          check.that(std::fabs(power - p.error[1]) <= 1e-4 * power,
                     "the reported power is not the power");
          // With one group a row both have one scale, and rounding ours to bf16 may decide.
          check.that(
              K == kGroup || error < per_row_error(w, N, K, type == Type::q8 ? 127.0f : 7.0f),
              "the error is not below that of one scale a row");
          // The method promises 40 % less squared error than NF4-64 on normal numbers.
          if (type == Type::q4 && K == 256) {
            for (float& v : w) v = 0.02f * random.normal();
            const Quantized normal =
                quantized(packed, type, w, N, K, pool, cpu::matrix_kernels(isa));
            check.that(normal.error[0] < 0.7 * nf4_error(w, N, K),
                       "the error is not well below that of NF4 in blocks of 64");
          }

          // What is on a grid already comes back as it is.
          std::vector<float> grid(static_cast<size_t>(N * K));
          for (int64_t i = 0; i < N * K; ++i) {
            const bool end = i % kGroup == 0;
            if (type == Type::q8) {
              grid[static_cast<size_t>(i)] =
                  0.5f * static_cast<float>(end ? 127 : random.below(15) - 7);
            } else {
              // Both ends of 0..15 around a zero of 5.
              const int64_t q = end ? 0 : i % kGroup == 1 ? 15 : random.below(16);
              grid[static_cast<size_t>(i)] = 0.5f * static_cast<float>(q - 5);
            }
          }
          const Quantized exact =
              quantized(packed, type, grid, N, K, pool, cpu::matrix_kernels(isa));
          check.that(exact.error[0] == 0.0, "numbers on a grid are changed");
        }
      }
      // Groups of one number, of one sign, and of sizes from the smallest grid to past the largest.
      std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(type, 16, 32)), 0xff);
      for (const float size : {0.0f, 1e-9f, 1e-3f, 1.0f, 50.0f}) {
        check.begin(isa, std::string(name_of(type)) + " one number " + std::to_string(size), 0);
        std::vector<float> w(16 * 32, size);
        quantized(packed, type, w, 16, 32, pool, cpu::matrix_kernels(isa));
        const double got = reference::packed_element(packed.data(), type, 32, 3, 5);
        // The scale has 4 bits of mantissa (q4), and of numbers below its range 0 is left.
        const double tolerance = type == Type::q8 ? size / 256.0 : size / 31.0 + 0x1p-27;
        check.that(std::fabs(got - static_cast<double>(size)) <= tolerance, "the number is lost");
        Random random(3);
        for (float& v : w) v = size * static_cast<float>(3.0 + random.uniform());
        const Quantized p = quantized(packed, type, w, 16, 32, pool, cpu::matrix_kernels(isa));
        check.that(p.error[0] <= 2e-3 * p.error[1] + 512 * 0x1p-54, "a group of one sign is lost");
      }
      // The squares of the largest weights that bc_quantize promises to take have a finite sum.
      check.begin(isa, std::string(name_of(type)) + " 2^57", 0);
      std::vector<float> large(16 * 32);
      for (size_t i = 0; i < large.size(); ++i) large[i] = i % 3 == 0 ? -0x1p57f : 0x1p57f;
      const Quantized p = quantized(packed, type, large, 16, 32, pool, cpu::matrix_kernels(isa));
      check.that(std::isfinite(p.error[0]) && std::isfinite(p.error[1]), "the error is not finite");
      // A NaN and an infinite weight are reported, and one that is too large.
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity(), 0x1.fep+127f}) {
        check.begin(isa, std::string(name_of(type)) + " NaN, infinite or too large", 0);
        std::vector<float> w(16 * 32, 0.5f);
        w[40] = bad;
        const Quantized p = quantized(packed, type, w, 16, 32, pool, cpu::matrix_kernels(isa));
        check.that(!std::isfinite(p.error[1]), "the weight goes unreported");
      }
    }
  }
  return check.result();
}
