#include <algorithm>

#include "check.h"
#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/kernels.h"
#include "error.h"

using namespace bc;
using namespace bc::test;

namespace {

// Second moments of T tokens whose columns have deviations from 1 to 1000 and share directions.
Matrix moments(int64_t K, int64_t T, uint64_t seed) {
  Random random(seed);
  std::vector<float> size(static_cast<size_t>(K));
  for (float& s : size) s = std::pow(10.0f, 3.0f * static_cast<float>(random.uniform()));
  std::vector<double> sums(static_cast<size_t>(K * K));
  std::vector<double> x(static_cast<size_t>(K));
  for (int64_t t = 0; t < T; ++t) {
    const float shared = random.normal();
    for (int64_t k = 0; k < K; ++k)
      x[static_cast<size_t>(k)] =
          static_cast<double>(size[static_cast<size_t>(k)] * (shared + random.normal()));
    for (int64_t i = 0; i < K; ++i) {
      for (int64_t j = i; j < K; ++j)
        sums[static_cast<size_t>(i * K + j)] +=
            x[static_cast<size_t>(i)] * x[static_cast<size_t>(j)];
    }
  }
  Matrix m(K, K);
  for (int64_t i = 0; i < K; ++i) {
    for (int64_t j = i; j < K; ++j)
      m.row(i)[j] = static_cast<float>(sums[static_cast<size_t>(i * K + j)]);
  }
  return m;
}

}  // namespace

int main() {
  Check check("moments_factor");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    // Fewer tokens than columns leave moments without a factor unless they are damped.
    for (const int64_t K : {32, 96, 160, 416}) {
      for (const int64_t T : {9, 700}) {
        check.begin(isa, "T=" + std::to_string(T) + " K=" + std::to_string(K),
                    static_cast<uint64_t>(K));
        Matrix m = moments(K, T, static_cast<uint64_t>(K + T));
        const Matrix before = m;
        Matrix u(K, K);
        std::vector<float> room;
        double damped = 0.0;
        cpu::moments_factor({u.data.data(), u.ld, m.data.data(), m.ld, K, 0.01f, &damped}, room,
                            pool, cpu::calibrate_kernels(isa));
        double mean = 0.0;
        for (int64_t k = 0; k < K; ++k)
          mean += static_cast<double>(before.row(k)[k]) / static_cast<double>(K);
        check.that(std::fabs(damped - 0.01) < 1e-6, "the damping is another than was asked for");
        bool symmetric = true;
        bool kept = true;
        for (int64_t i = 0; i < K; ++i) {
          for (int64_t j = i; j < K; ++j) {
            symmetric = symmetric && m.row(i)[j] == m.row(j)[i];
            const double expected =
                static_cast<double>(before.row(i)[j]) + (i == j ? 0.01 * mean : 0.0);
            kept = kept && std::fabs(static_cast<double>(m.row(i)[j]) - expected) <=
                               4.0 * kRounding * std::fabs(expected);
          }
        }
        check.that(symmetric, "the moments are not symmetric");
        check.that(kept, "the moments are not those before, damped");
        const std::vector<int32_t> order = cpu::rounding_order(m.data.data(), m.ld, K);
        check.that(std::is_sorted(order.begin(), order.end(),
                                  [&](int32_t a, int32_t b) { return m.row(a)[a] < m.row(b)[b]; }),
                   "the order is not that of the diagonal");
        bool triangular = true;
        double worst = 0.0;
        for (int64_t i = 0; i < K; ++i) {
          for (int64_t j = 0; j < i; ++j) triangular = triangular && u.row(i)[j] == 0.0f;
          triangular = triangular && u.row(i)[i] > 0.0f;
          for (int64_t j = i; j < K; ++j) {
            double product = 0.0;
            for (int64_t k = 0; k <= i; ++k)
              product += static_cast<double>(u.row(k)[i]) * static_cast<double>(u.row(k)[j]);
            const double expected = static_cast<double>(
                m.row(order[static_cast<size_t>(i)])[order[static_cast<size_t>(j)]]);
            // Cholesky's backward error (Higham, Accuracy and Stability, theorem 10.3): (K + 1) roundings
            // of the square root of the two diagonal elements.
            const double size =
                std::sqrt(static_cast<double>(
                              m.row(order[static_cast<size_t>(i)])[order[static_cast<size_t>(i)]]) *
                          static_cast<double>(
                              m.row(order[static_cast<size_t>(j)])[order[static_cast<size_t>(j)]]));
            const double bound = static_cast<double>(K + 2) * kRounding * size;
            worst = std::fmax(worst, std::fabs(product - expected) <= bound ? 0.0 : 1.0);
          }
        }
        check.that(triangular, "the factor is not upper triangular with a positive diagonal");
        check.that(worst == 0.0, "the factor's square is not the moments");
      }
    }
    // Moments that are not positive get more damping; without any activation, or with sums that are not
    // finite, there is an answer too.
    check.begin(isa, "indefinite", 0);
    Matrix m(64, 64);
    for (int64_t i = 0; i < 64; ++i) {
      for (int64_t j = i; j < 64; ++j)
        m.row(i)[j] = i == j ? 1.0f : 0.5f * static_cast<float>(j % 2);
    }
    Matrix u(64, 64);
    std::vector<float> room;
    double damped = 0.0;
    cpu::moments_factor({u.data.data(), u.ld, m.data.data(), m.ld, 64, 0.01f, &damped}, room, pool,
                        cpu::calibrate_kernels(isa));
    check.that(damped > 0.05, "indefinite moments got a factor without more damping");
    check.begin(isa, "zeros", 0);
    for (int64_t i = 0; i < 64; ++i) {
      for (int64_t j = i; j < 64; ++j) m.row(i)[j] = 0.0f;
    }
    cpu::moments_factor({u.data.data(), u.ld, m.data.data(), m.ld, 64, 0.01f, &damped}, room, pool,
                        cpu::calibrate_kernels(isa));
    check.that(std::fabs(u.row(7)[7] - 0.1f) < 1e-6f && u.row(7)[8] == 0.0f,
               "moments of nothing are not damped to the identity");
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      check.begin(isa, "not finite", 0);
      for (const int64_t column : {5, 9}) {  // on the diagonal, and beside it
        for (int64_t i = 0; i < 64; ++i) {
          for (int64_t j = i; j < 64; ++j) m.row(i)[j] = i == j ? 1.0f : 0.0f;
        }
        m.row(5)[column] = bad;
        bool refused = false;
        try {
          cpu::moments_factor({u.data.data(), u.ld, m.data.data(), m.ld, 64, 0.01f, &damped}, room,
                              pool, cpu::calibrate_kernels(isa));
        } catch (const Error& e) {
          refused = e.status() == BC_INVALID_ARGUMENT;
        }
        check.that(refused, "moments that are not finite have a factor");
      }
    }
  }
  return check.result();
}
