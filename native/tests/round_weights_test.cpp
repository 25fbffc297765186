#include <algorithm>

#include "check.h"
#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/kernels.h"
#include "quant.h"

using namespace bc;
using namespace bc::test;

namespace {

using Square = std::vector<std::vector<double>>;

// Activations of which some columns are large and all share directions, as those of language models.
Matrix moments(int64_t K, Random& random) {
  Matrix m(K, K);
  std::vector<double> size(static_cast<size_t>(K));
  for (double& s : size) s = static_cast<double>(std::fabs(random.outlier())) + 0.1;
  Square sums(static_cast<size_t>(K), std::vector<double>(static_cast<size_t>(K)));
  std::vector<double> x(static_cast<size_t>(K));
  for (int64_t t = 0; t < K + 9; ++t) {
    double last = 0.0;
    for (size_t k = 0; k < x.size(); ++k)
      x[k] = size[k] * (last = 0.7 * last + static_cast<double>(random.normal()));
    for (size_t i = 0; i < x.size(); ++i) {
      for (size_t j = i; j < x.size(); ++j) sums[i][j] += x[i] * x[j];
    }
  }
  for (int64_t i = 0; i < K; ++i) {
    for (int64_t j = i; j < K; ++j)
      m.row(i)[j] = static_cast<float>(sums[static_cast<size_t>(i)][static_cast<size_t>(j)]);
  }
  return m;
}

// The inverse by Gauss and Jordan, of a positive matrix.
Square inverse(Square a) {
  const size_t n = a.size();
  Square b(n, std::vector<double>(n));
  for (size_t i = 0; i < n; ++i) b[i][i] = 1.0;
  for (size_t p = 0; p < n; ++p) {
    const double pivot = a[p][p];
    for (size_t j = 0; j < n; ++j) {
      a[p][j] /= pivot;
      b[p][j] /= pivot;
    }
    for (size_t i = 0; i < n; ++i) {
      const double by = i == p ? 0.0 : a[i][p];
      for (size_t j = 0; j < n && by != 0.0; ++j) {
        a[i][j] -= by * a[p][j];
        b[i][j] -= by * b[p][j];
      }
    }
  }
  return b;
}

struct Rounded {
  std::vector<int8_t> codes;
  std::vector<float> scales, zeros;
  double error[3];
};

struct Problem {
  int64_t N, K, group;
  int32_t bits;
  std::vector<float> w;
  std::vector<float> cross;       // [K,K] or none
  std::vector<double> corrected;  // [N,K]: w, or w + w cross H^-1 / 2
  Matrix h, u;
  std::vector<int32_t> order;

  Problem(int64_t N_, int64_t K_, int64_t group_, int32_t bits_, ThreadPool& pool, cpu::Isa isa)
      : N(N_), K(K_), group(group_), bits(bits_), h(K_, K_), u(K_, K_) {
    Random random(static_cast<uint64_t>(N * K + bits));
    h = moments(K, random);
    w.resize(static_cast<size_t>(N * K));
    for (float& v : w) v = 0.02f * random.outlier();
    corrected.assign(w.begin(), w.end());
    factor(pool, isa);
  }

  // Activations would be others, by errors that are a fifth of them and depend on them.
  void correct() {
    Random random(11);
    cross.resize(static_cast<size_t>(K * K));
    for (int64_t i = 0; i < K; ++i) {
      const int64_t from = random.below(K);
      for (int64_t j = 0; j < K; ++j)
        cross[static_cast<size_t>(i * K + j)] =
            0.2f * h.row(from)[j] / std::sqrt(h.row(from)[from]);
    }
    Square moments(static_cast<size_t>(K), std::vector<double>(static_cast<size_t>(K)));
    for (int64_t i = 0; i < K; ++i) {
      for (int64_t j = 0; j < K; ++j)
        moments[static_cast<size_t>(i)][static_cast<size_t>(j)] = static_cast<double>(h.row(i)[j]);
    }
    const Square inverse_of = inverse(moments);
    const auto product = [&](const std::vector<double>& x, auto&& at) {
      std::vector<double> out(static_cast<size_t>(K));
      for (size_t i = 0; i < out.size(); ++i) {
        for (size_t j = 0; j < out.size(); ++j) out[j] += x[i] * at(i, j);
      }
      return out;
    };
    for (int64_t n = 0; n < N; ++n) {
      const std::vector<double> row(w.begin() + n * K, w.begin() + (n + 1) * K);
      const std::vector<double> r = product(row, [&](size_t i, size_t j) {
        return static_cast<double>(cross[i * static_cast<size_t>(K) + j]);
      });
      const std::vector<double> by =
          product(r, [&](size_t i, size_t j) { return inverse_of[i][j]; });
      for (int64_t k = 0; k < K; ++k)
        corrected[static_cast<size_t>(n * K + k)] += 0.5 * by[static_cast<size_t>(k)];
    }
  }

  void factor(ThreadPool& pool, cpu::Isa isa) {
    std::vector<float> room;
    double damped = 0.0;
    cpu::moments_factor({u.data.data(), u.ld, h.data.data(), h.ld, K, 0.01f, &damped}, room, pool,
                        cpu::calibrate_kernels(isa));
    order = cpu::rounding_order(h.data.data(), h.ld, K);
  }

  Rounded round(int32_t sweeps, ThreadPool& pool, cpu::Isa isa) const {
    const size_t groups = static_cast<size_t>(N * (K / group));
    const float nan = std::numeric_limits<float>::quiet_NaN();
    Rounded r{std::vector<int8_t>(static_cast<size_t>(N * K), -1),
              std::vector<float>(groups, nan),
              std::vector<float>(groups, nan),
              {}};
    cpu::round_weights({r.codes.data(),
                        K,
                        r.scales.data(),
                        r.zeros.data(),
                        w.data(),
                        Type::f32,
                        K,
                        nullptr,
                        h.data.data(),
                        h.ld,
                        u.data.data(),
                        u.ld,
                        cross.empty() ? nullptr : cross.data(),
                        K,
                        0.5f,
                        N,
                        K,
                        group,
                        bits,
                        sweeps,
                        r.error,
                        nullptr},
                       pool, cpu::calibrate_kernels(isa));
    return r;
  }

  double top() const { return static_cast<double>((1 << bits) - 1); }
  double scale(const Rounded& r, int64_t n, int64_t k) const {
    return static_cast<double>(r.scales[static_cast<size_t>(n * (K / group) + k / group)]);
  }
  double zero(const Rounded& r, int64_t n, int64_t k) const {
    return static_cast<double>(r.zeros[static_cast<size_t>(n * (K / group) + k / group)]);
  }
  double weight(int64_t n, int64_t k) const { return corrected[static_cast<size_t>(n * K + k)]; }
  double given(int64_t n, int64_t k) const {
    return static_cast<double>(w[static_cast<size_t>(n * K + k)]);
  }
  double code(const Rounded& r, int64_t n, int64_t k) const {
    return static_cast<double>(r.codes[static_cast<size_t>(n * K + k)]);
  }

  // e H e^T of a row, and the same with magnitudes, of which roundings are parts.
  Expected loss(const std::vector<double>& e) const {
    Expected sum = {0.0, 0.0};
    for (int64_t i = 0; i < K; ++i) {
      for (int64_t j = 0; j < K; ++j) {
        const double term = e[static_cast<size_t>(i)] * static_cast<double>(h.row(i)[j]) *
                            e[static_cast<size_t>(j)];
        sum.value += term;
        sum.tolerance += std::fabs(term);
      }
    }
    return sum;
  }
  std::vector<double> error(const Rounded& r, int64_t n) const {
    std::vector<double> e(static_cast<size_t>(K));
    for (int64_t k = 0; k < K; ++k)
      e[static_cast<size_t>(k)] = weight(n, k) - scale(r, n, k) * (code(r, n, k) - zero(r, n, k));
    return e;
  }
  std::vector<double> nearest_error(const Rounded& r, int64_t n) const {
    std::vector<double> e(static_cast<size_t>(K));
    for (int64_t k = 0; k < K; ++k) {
      const double s = scale(r, n, k);
      const double q =
          std::fmin(std::fmax(std::nearbyint(weight(n, k) / s + zero(r, n, k)), 0.0), top());
      e[static_cast<size_t>(k)] = weight(n, k) - s * (q - zero(r, n, k));
    }
    return e;
  }
};

// GPTQ as published (arXiv:2210.17323, algorithm 1, with the order of activation): a column is rounded, and
// the error over the diagonal of the Cholesky factor of H's inverse is taken off the columns that follow. Returns
// how many rows were compared: those in which no number lies so near the middle of two codes that roundings
// decide.
int compare_with_published(const Problem& p, const Rounded& r, Check& check) {
  const size_t K = static_cast<size_t>(p.K);
  Square h(K, std::vector<double>(K));
  const auto column = [&](size_t step) { return p.order[K - 1 - step]; };  // the largest first
  for (size_t i = 0; i < K; ++i) {
    for (size_t j = 0; j < K; ++j) h[i][j] = static_cast<double>(p.h.row(column(i))[column(j)]);
  }
  // inverse = c^T c, c upper triangular.
  Square c = inverse(h);
  for (size_t i = 0; i < K; ++i) {
    const double pivot = std::sqrt(c[i][i]);
    for (size_t j = i; j < K; ++j) c[i][j] /= pivot;
    for (size_t k = i + 1; k < K; ++k) {
      for (size_t j = k; j < K; ++j) c[k][j] -= c[i][k] * c[i][j];
    }
  }
  int compared = 0;
  for (int64_t n = 0; n < p.N; ++n) {
    std::vector<double> w(K);
    for (size_t i = 0; i < K; ++i) w[i] = p.weight(n, column(i));
    bool same = true;
    bool near = false;
    for (size_t i = 0; i < K; ++i) {
      const int64_t k = column(i);
      const double s = p.scale(r, n, k);
      const double x = w[i] / s + p.zero(r, n, k);
      const double q = std::fmin(std::fmax(std::nearbyint(x), 0.0), p.top());
      near = near || std::fabs(x - std::floor(x) - 0.5) < 1e-3;
      same = same && q == p.code(r, n, k);
      const double e = (w[i] - s * (q - p.zero(r, n, k))) / c[i][i];
      for (size_t j = i + 1; j < K; ++j) w[j] -= e * c[i][j];
    }
    if (near) continue;
    ++compared;
    check.that(same, "codes are others than those of the published formulas");
  }
  return compared;
}

}  // namespace

int main() {
  Check check("round_weights");
  ThreadPool pool(3);
  ThreadPool alone(1);
  for (const cpu::Isa isa : isas()) {
    for (const int32_t bits : {2, 3, 4}) {
      for (const int64_t group : {32, 64, 128}) {
        for (const int64_t N : {1, 70}) {
          for (const bool cross : {false, true}) {
            const int64_t K = cross || N > 1 ? 3 * group : group;
            check.begin(isa,
                        std::to_string(bits) + " bits, groups of " + std::to_string(group) +
                            " N=" + std::to_string(N) + " K=" + std::to_string(K) +
                            (cross ? " corrected" : ""),
                        static_cast<uint64_t>(N * K + bits));
            Problem p(N, K, group, bits, pool, isa);
            if (cross) p.correct();
            const Rounded r = p.round(0, pool, isa);
            const Rounded better = p.round(3, pool, isa);
            const int compared = compare_with_published(p, r, check);
            // A number is that near with a chance of 0.002, so all K of a row are not with exp(-0.002 K).
            check.that(N < 70 || compared >= 12, "too few rows were compared");

            double nearest = 0.0;
            double power = 0.0;
            Expected loss[2] = {};
            double lost[2] = {};
            for (int64_t n = 0; n < N; ++n) {
              nearest += p.loss(p.nearest_error(r, n)).value;
              double of_row[2];
              int which = 0;
              for (const Rounded* of : {&r, &better}) {
                const std::vector<double> e = p.error(*of, n);
                const Expected of_errors = p.loss(e);
                loss[which].value += of_errors.value;
                loss[which].tolerance += of_errors.tolerance;
                for (int64_t k = 0; k < K; ++k) {
                  const double x = e[static_cast<size_t>(k)] + p.given(n, k) - p.weight(n, k);
                  lost[which] += x * x;
                }
                of_row[which++] = of_errors.value;
              }
              check.that(of_row[1] <= of_row[0] * (1.0 + 1e-4),
                         "sweeps have raised the loss of a row");
              for (int64_t k = 0; k < K; ++k) {
                power += p.given(n, k) * p.given(n, k);
                for (const Rounded* of : {&r, &better})
                  check.that(p.code(*of, n, k) >= 0.0 && p.code(*of, n, k) <= p.top(),
                             "a code is out of range");
              }
            }
            check.that(loss[0].value < nearest || K == group, "rounding to nearest loses less");
            check.that(loss[1].value < loss[0].value || N == 1, "sweeps gain nothing");
            const double terms = static_cast<double>(8 * K + 200);
            int which = 0;
            for (const Rounded* of : {&r, &better}) {
              check.that(std::fabs(of->error[2] - loss[which].value) <=
                             terms * kRounding * loss[which].tolerance,
                         "the reported loss is not the loss");
              check.that(std::fabs(of->error[0] - lost[which]) <= 1e-3 * lost[which] &&
                             std::fabs(of->error[1] - power) <= 1e-6 * power,
                         "the reported squares are not the squares");
              for (size_t g = 0; g < of->scales.size(); ++g) {
                const Q4Grid grid = grid_of(bits_of(Q4Grid{of->scales[g], of->zeros[g]}));
                check.that(grid.scale == of->scales[g] && grid.zero == of->zeros[g],
                           "a grid cannot be stored");
              }
              ++which;
            }
            const Rounded again = p.round(3, alone, isa);
            check.that(again.codes == better.codes && again.scales == better.scales &&
                           again.zeros == better.zeros,
                       "the number of threads changes the result");
          }
        }
      }
    }
    // Activations that know nothing of each other leave every weight to itself.
    check.begin(isa, "diagonal moments", 0);
    Problem p(40, 96, 32, 4, pool, isa);
    for (int64_t i = 0; i < p.K; ++i) {
      for (int64_t j = i; j < p.K; ++j)
        p.h.row(i)[j] = i == j ? static_cast<float>(1 + i % 7) : 0.0f;
    }
    p.factor(pool, isa);
    const Rounded r = p.round(0, pool, isa);
    for (int64_t n = 0; n < p.N; ++n) {
      for (int64_t k = 0; k < p.K; ++k) {
        const double x = p.weight(n, k) / p.scale(r, n, k) + p.zero(r, n, k);
        const double away = std::fabs(std::fmin(std::fmax(x, 0.0), p.top()) - p.code(r, n, k));
        check.that(away <= 0.5 + 1e-4, "a weight is not rounded to the nearest code");
      }
    }
    // A weight that is not finite is reported, and codes stay in range.
    check.begin(isa, "not finite", 0);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Problem q(5, 64, 32, 3, pool, isa);
      q.w[70] = bad;
      const Rounded of_bad = q.round(2, pool, isa);
      check.that(!std::isfinite(of_bad.error[0]) || !std::isfinite(of_bad.error[1]),
                 "a weight that is not finite is not reported");
      for (int64_t i = 0; i < q.N * q.K; ++i) {
        const int8_t code = of_bad.codes[static_cast<size_t>(i)];
        check.that(code >= 0 && code <= 7, "a code is out of range");
      }
    }
  }
  return check.result();
}
