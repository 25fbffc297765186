#include "check.h"
#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/kernels.h"

using namespace bc;
using namespace bc::test;

int main() {
  Check check("second_moments");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const int64_t K : {32, 64, 96, 160, 288}) {
      for (const int64_t T : {1, 7, 130, 1100}) {
        for (const bool cross : {false, true}) {
          const uint64_t seed = static_cast<uint64_t>(K * T);
          check.begin(isa,
                      (cross ? "cross T=" : "T=") + std::to_string(T) + " K=" + std::to_string(K),
                      seed);
          Random random(seed);
          Matrix x(T, K);
          Matrix y(T, K, 5);
          x.fill([&] { return random.outlier(); });
          y.fill([&] { return random.outlier(); });
          // What is below the diagonal stays NaN, but for the cross moments.
          Matrix sums(K, K);
          std::vector<double> before(static_cast<size_t>(K * K));
          for (int64_t i = 0; i < K; ++i) {
            for (int64_t j = cross ? 0 : i; j < K; ++j) {
              sums.row(i)[j] = random.normal();
              before[static_cast<size_t>(i * K + j)] = static_cast<double>(sums.row(i)[j]);
            }
          }
          std::vector<float> room;
          cpu::second_moments({sums.data.data(), sums.ld, x.data.data(), x.ld,
                               cross ? y.data.data() : nullptr, y.ld, T, K},
                              room, pool, cpu::calibrate_kernels(isa));
          bool untouched = sums.gaps_untouched();
          bool exact = true;
          for (int64_t i = 0; i < K; ++i) {
            for (int64_t j = 0; j < i && !cross; ++j)
              untouched = untouched && std::isnan(sums.row(i)[j]);
            for (int64_t j = cross ? 0 : i; j < K; ++j) {
              double sum = before[static_cast<size_t>(i * K + j)];
              double magnitude = std::fabs(sum);
              for (int64_t t = 0; t < T; ++t) {
                const double of_x = static_cast<double>(x.row(t)[i]);
                const double of_y = static_cast<double>(y.row(t)[i]);
                const double right = static_cast<double>(x.row(t)[j]);
                sum += (cross ? of_y - of_x : of_x) * right;
                magnitude += (std::fabs(of_x) + (cross ? std::fabs(of_y) : 0.0)) * std::fabs(right);
              }
              // 128 terms in registers, 4 in a tile, one addition for each 512 tokens, and y - x.
              const double terms = 134.0 + static_cast<double>(T / 512);
              const double difference = std::fabs(static_cast<double>(sums.row(i)[j]) - sum);
              // A NaN is not within the tolerance.
              exact = exact && difference <= terms * kRounding * magnitude;
            }
          }
          check.that(untouched, "numbers that are not of the result are changed");
          check.that(exact, "a sum is further off than its roundings allow");
        }
      }
    }
  }
  return check.result();
}
