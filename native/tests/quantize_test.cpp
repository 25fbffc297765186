#include "check.h"
#include "cpu/kernels.h"
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

}  // namespace

int main() {
  Check check("quantize");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
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
          QuantizeParams p{packed.data(), type, w.data(), Type::f32, K, nullptr, nullptr, N, K, {}};
          cpu::quantize(p, pool, cpu::matrix_kernels(isa));
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

          // What is on the grid already comes back as it is.
          std::vector<float> grid(static_cast<size_t>(N * K));
          for (int64_t i = 0; i < N * K; ++i) {
            grid[static_cast<size_t>(i)] =
                0.5f * static_cast<float>(i % kGroup == 0 ? (type == Type::q8 ? 127 : -8)
                                                          : random.below(15) - 7);
          }
          QuantizeParams exact{packed.data(), type,    grid.data(), Type::f32, K,
                               nullptr,       nullptr, N,           K,         {}};
          cpu::quantize(exact, pool, cpu::matrix_kernels(isa));
          check.that(exact.error[0] == 0.0, "numbers on the grid are changed");
        }
      }
      // Zeros stay zeros and a NaN is reported.
      std::vector<float> zeros(16 * 32, 0.0f);
      std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(type, 16, 32)), 0xff);
      QuantizeParams p{packed.data(), type,    zeros.data(), Type::f32, 32,
                       nullptr,       nullptr, 16,           32,        {}};
      check.begin(isa, std::string(name_of(type)) + " zeros and NaN", 0);
      cpu::quantize(p, pool, cpu::matrix_kernels(isa));
      check.that(
          p.error[0] == 0.0 && reference::packed_element(packed.data(), type, 32, 3, 5) == 0.0,
          "zeros changed");
      zeros[40] = std::numeric_limits<float>::quiet_NaN();
      cpu::quantize(p, pool, cpu::matrix_kernels(isa));
      check.that(std::isnan(p.error[1]), "a NaN goes unreported");
    }
  }
  return check.result();
}
