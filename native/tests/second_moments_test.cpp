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
        const uint64_t seed = static_cast<uint64_t>(K * T);
        check.begin(isa, "T=" + std::to_string(T) + " K=" + std::to_string(K), seed);
        Random random(seed);
        Matrix x(T, K);
        x.fill([&] { return random.outlier(); });
        // What is below the diagonal stays NaN.
        Matrix sums(K, K);
        std::vector<double> before(static_cast<size_t>(K * K));
        for (int64_t i = 0; i < K; ++i) {
          for (int64_t j = i; j < K; ++j) {
            sums.row(i)[j] = random.normal();
            before[static_cast<size_t>(i * K + j)] = static_cast<double>(sums.row(i)[j]);
          }
        }
        std::vector<float> room;
        cpu::second_moments({sums.data.data(), sums.ld, x.data.data(), x.ld, T, K}, room, pool,
                            cpu::calibrate_kernels(isa));
        bool untouched = true;
        double worst = 0.0;
        for (int64_t i = 0; i < K; ++i) {
          for (int64_t j = 0; j < i; ++j) untouched = untouched && std::isnan(sums.row(i)[j]);
          for (int64_t j = i; j < K; ++j) {
            double exact = before[static_cast<size_t>(i * K + j)];
            double magnitude = std::fabs(exact);
            for (int64_t t = 0; t < T; ++t) {
              const double product =
                  static_cast<double>(x.row(t)[i]) * static_cast<double>(x.row(t)[j]);
              exact += product;
              magnitude += std::fabs(product);
            }
            // 128 terms in registers, 4 in a tile, one addition for each 512 tokens.
            const double terms = 133.0 + static_cast<double>(T / 512);
            const double difference = std::fabs(static_cast<double>(sums.row(i)[j]) - exact);
            // A NaN is not within the tolerance.
            worst = std::fmax(worst, difference <= terms * kRounding * magnitude ? 0.0 : 1.0);
          }
        }
        check.that(untouched, "numbers below the diagonal are changed");
        check.that(worst == 0.0, "a sum is further off than its roundings allow");
      }
    }
  }
  return check.result();
}
