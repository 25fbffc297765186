// Steps of AdamW, with weights and states in f32, in bf16 and in 8 bits.
#include "check.h"
#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

AdamwStep step_of(int64_t number, uint64_t seed) {
  const auto correction = [&](double beta) {
    return static_cast<float>(1.0 - std::pow(beta, static_cast<double>(number)));
  };
  return {0.01f, 0.9f, 0.999f, 1e-8f, 0.1f, correction(0.9f), correction(0.999f), 0.5f, seed};
}

struct Moved {
  Expected w, m, v;
};

// The formula in train.h, from what the numbers are before the step.
Moved reference_step(const AdamwStep& s, float w, float g0, float m0, float v0) {
  const auto d = [](float x) { return static_cast<double>(x); };
  const double g = d(g0) * d(s.gradient_scale);
  // 1 - beta is taken in f32, as the op does.
  const double m = d(s.beta1) * d(m0) + d(1.0f - s.beta1) * g;
  const double v = d(s.beta2) * d(v0) + d(1.0f - s.beta2) * g * g;
  const double root = std::sqrt(v / d(s.correction2));
  const double direction = m / d(s.correction1) / (root + d(s.eps));
  const double m_size = d(s.beta1) * std::fabs(d(m0)) + d(1.0f - s.beta1) * std::fabs(g);
  const double m_error = 4.0 * kRounding * m_size;
  const double m_share = m_error / d(s.correction1) / (root + d(s.eps));
  const double value = d(w) * (1.0 - d(s.rate) * d(s.decay)) - d(s.rate) * direction;
  const double error = 3.0 * kRounding * std::fabs(d(w)) +
                       d(s.rate) * (m_share + 10.0 * kRounding * std::fabs(direction)) +
                       kRounding * std::fabs(value);
  return {{value, error}, {m, m_error}, {v, 6.0 * kRounding * v + 0x1p-149}};
}

void run_f32(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t n) {
  check.begin(isa, "f32 n=" + std::to_string(n), 3);
  Random random(3);
  Matrix w(1, n);
  Matrix g(1, n);
  Matrix m(1, n);
  Matrix v(1, n);
  w.fill([&] { return random.normal(); });
  g.fill([&] { return 0.1f * random.outlier(); });
  m.fill([&] { return 0.1f * random.normal(); });
  v.fill([&] { return 0.01f * random.normal() * random.normal(); });
  for (int64_t i = 0; i < n; ++i) v.row(0)[i] = std::fabs(v.row(0)[i]);
  std::vector<uint16_t> copy(static_cast<size_t>(n));
  const AdamwStep step = step_of(7, 1);
  std::vector<Expected> of_w, of_m, of_v;
  for (int64_t i = 0; i < n; ++i) {
    const Moved moved = reference_step(step, w.row(0)[i], g.row(0)[i], m.row(0)[i], v.row(0)[i]);
    of_w.push_back(moved.w);
    of_m.push_back(moved.m);
    of_v.push_back(moved.v);
  }
  cpu::adamw({w.row(0), Type::f32, copy.data(), g.row(0), m.row(0), v.row(0), Type::f32, nullptr,
              nullptr, n, step},
             pool, cpu::train_kernels(isa));
  check.compare("w", w, of_w);
  check.compare("m", m, of_m);
  check.compare("v", v, of_v);
  bool rounded = true;
  for (int64_t i = 0; i < n; ++i)
    rounded &= copy[static_cast<size_t>(i)] == to_bf16(w.row(0)[i]).bits;
  check.that(rounded, "the copy is not w rounded to bf16");
}

// A weight becomes one of the two numbers of bf16 about what it should be, and their mean over many seeds is
// that.
void run_bf16(Check& check, ThreadPool& pool, cpu::Isa isa) {
  check.begin(isa, "bf16 weights", 4);
  constexpr int64_t n = 40;
  constexpr int kSeeds = 4000;
  Random random(4);
  std::vector<bf16> start;
  std::vector<float> g;
  for (int64_t i = 0; i < n; ++i) {
    start.push_back(to_bf16(random.normal()));
    g.push_back(random.normal());
  }
  std::vector<double> sums(n);
  bool neighbours = true;
  for (int seed = 0; seed < kSeeds; ++seed) {
    std::vector<bf16> w = start;
    std::vector<float> m(n), v(n);
    const AdamwStep step = step_of(1, static_cast<uint64_t>(seed));
    cpu::adamw({w.data(), Type::bf16, nullptr, g.data(), m.data(), v.data(), Type::f32, nullptr,
                nullptr, n, step},
               pool, cpu::train_kernels(isa));
    for (size_t i = 0; i < n; ++i) {
      const double want = reference_step(step, to_float(start[i]), g[i], 0.0f, 0.0f).w.value;
      const auto got = static_cast<double>(to_float(w[i]));
      neighbours &= std::fabs(got - want) <= std::fabs(want) * 0x1p-7;
      sums[i] += got;
    }
  }
  check.that(neighbours, "a weight is none of the two numbers about its value");
  bool unbiased = true;
  for (size_t i = 0; i < n; ++i) {
    const double want = reference_step(step_of(1, 0), to_float(start[i]), g[i], 0.0f, 0.0f).w.value;
    // Five deviations of a mean of choices between two numbers, at most half their distance each.
    const double deviation = std::fabs(want) * 0x1p-8 / std::sqrt(static_cast<double>(kSeeds));
    unbiased &= std::fabs(sums[i] / kSeeds - want) <= 5.0 * deviation + 1e-6 * std::fabs(want);
  }
  check.that(unbiased, "the mean of a weight is not its value");
}

float decoded_m(int8_t code, float peak) {
  const float share = static_cast<float>(code) / 127.0f;
  return std::fabs(share) * share * peak;
}
float decoded_v(int8_t code, float peak) {
  const float share = static_cast<float>(code + 127) / 254.0f;
  return share * share * share * share * peak;
}

// States of 8 bits are neighbours of their numbers, with these as their mean; a v above 0 stays above 0.
void run_small_states(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t n) {
  check.begin(isa, "small states n=" + std::to_string(n), 5);
  constexpr int kSeeds = 1500;
  const auto count = static_cast<size_t>(n);
  const auto blocks = static_cast<size_t>((n + kStateBlock - 1) / kStateBlock);
  Random random(5);
  std::vector<float> g, w0, m_peaks0(blocks, 0.2f), v_peaks0(blocks, 0.03f);
  std::vector<int8_t> m0, v0;
  for (size_t i = 0; i < count; ++i) {
    g.push_back(0.3f * random.outlier() *
                static_cast<float>(std::pow(10.0, -6.0 * random.uniform())));
    w0.push_back(random.normal());
    m0.push_back(static_cast<int8_t>(random.below(255) - 127));
    v0.push_back(static_cast<int8_t>(random.below(255) - 127));
  }
  std::vector<double> m_sums(count), v_sums(count);
  std::vector<Moved> want;
  const AdamwStep any = step_of(3, 0);
  for (size_t i = 0; i < count; ++i)
    want.push_back(
        reference_step(any, w0[i], g[i], decoded_m(m0[i], 0.2f), decoded_v(v0[i], 0.03f)));
  bool peaks_right = true;
  bool w_right = true;
  bool none_lost = true;
  double m_peak = 0.0;
  double v_peak = 0.0;
  for (const Moved& one : want) {
    m_peak = std::fmax(m_peak, std::fabs(one.m.value));
    v_peak = std::fmax(v_peak, one.v.value);
  }
  for (int seed = 0; seed < kSeeds; ++seed) {
    std::vector<float> w = w0, m_peaks = m_peaks0, v_peaks = v_peaks0;
    std::vector<int8_t> m = m0, v = v0;
    cpu::adamw({w.data(), Type::f32, nullptr, g.data(), m.data(), v.data(), Type::i8,
                m_peaks.data(), v_peaks.data(), n, step_of(3, static_cast<uint64_t>(seed))},
               pool, cpu::train_kernels(isa));
    for (size_t i = 0; i < count; ++i) {
      const size_t block = i / static_cast<size_t>(kStateBlock);
      // Decoding rounds the states a few times more.
      w_right &=
          std::fabs(static_cast<double>(w[i]) - want[i].w.value) <= want[i].w.tolerance + 1e-6;
      m_sums[i] += static_cast<double>(decoded_m(m[i], m_peaks[block]));
      v_sums[i] += static_cast<double>(decoded_v(v[i], v_peaks[block]));
      none_lost &= v[i] > -127 || want[i].v.value == 0.0;
      peaks_right &= m_peaks[block] <= static_cast<float>(m_peak) * 1.00001f;
      peaks_right &= v_peaks[block] <= static_cast<float>(v_peak) * 1.00001f;
    }
  }
  check.that(w_right, "a weight is not moved by its states");
  check.that(peaks_right, "a block's peak is above its largest magnitude");
  check.that(none_lost, "a second moment above 0 became 0");
  bool unbiased = true;
  for (size_t i = 0; i < count; ++i) {
    // Half the distance of two codes, over the root of the number of seeds; five of them. The smallest code of
    // v stands for all numbers below it.
    const double m_share = std::sqrt(std::fabs(want[i].m.value) / m_peak);
    const double m_step = m_peak * (2.0 * m_share / 127.0 + 1.0 / (127.0 * 127.0));
    const double v_share = std::pow(want[i].v.value / v_peak, 0.25) + 1.0 / 254.0;
    const double v_step = v_peak * 4.0 * v_share * v_share * v_share / 254.0;
    const double least = v_peak * std::pow(1.0 / 254.0, 4.0);
    const double many = std::sqrt(static_cast<double>(kSeeds));
    unbiased &=
        std::fabs(m_sums[i] / kSeeds - want[i].m.value) <= 2.5 * m_step / many + 1e-6 * m_peak;
    unbiased &= std::fabs(v_sums[i] / kSeeds - want[i].v.value) <=
                2.5 * v_step / many + least + 1e-5 * want[i].v.value;
  }
  check.that(unbiased, "the mean of a state is not its value");
}

// A NaN in a gradient is not lost among the numbers of its block.
void run_nan(Check& check, ThreadPool& pool, cpu::Isa isa) {
  check.begin(isa, "nan", 7);
  std::vector<float> w(40, 1.0f), g(40, 0.1f), m_peaks(1), v_peaks(1);
  std::vector<int8_t> m(40, 0), v(40, -127);
  g[3] = std::numeric_limits<float>::quiet_NaN();
  cpu::adamw({w.data(), Type::f32, nullptr, g.data(), m.data(), v.data(), Type::i8, m_peaks.data(),
              v_peaks.data(), 40, step_of(1, 0)},
             pool, cpu::train_kernels(isa));
  check.that(std::isnan(w[3]) && !std::isnan(w[4]), "the weight of a NaN is a number");
  check.that(std::isnan(m_peaks[0]) && std::isnan(v_peaks[0]), "the peak of a NaN is a number");
}

// The same bits from one thread and from three.
void run_threads(Check& check, cpu::Isa isa) {
  check.begin(isa, "threads", 6);
  constexpr int64_t n = 70000;
  std::vector<bf16> w[2];
  std::vector<int8_t> m[2], v[2];
  for (int i = 0; i < 2; ++i) {
    Random random(6);
    std::vector<float> g;
    for (int64_t k = 0; k < n; ++k) g.push_back(random.normal());
    w[i].assign(n, to_bf16(1.0f));
    m[i].assign(n, 0);
    v[i].assign(n, -127);
    std::vector<float> peaks(static_cast<size_t>(n / kStateBlock + 1)), other = peaks;
    ThreadPool pool(i == 0 ? 1 : 3);
    for (int64_t step = 1; step <= 2; ++step)
      cpu::adamw({w[i].data(), Type::bf16, nullptr, g.data(), m[i].data(), v[i].data(), Type::i8,
                  peaks.data(), other.data(), n, step_of(step, 9)},
                 pool, cpu::train_kernels(isa));
  }
  check.that(std::memcmp(w[0].data(), w[1].data(), n * sizeof(bf16)) == 0,
             "weights depend on the number of threads");
  check.that(m[0] == m[1] && v[0] == v[1], "states depend on the number of threads");
}

}  // namespace

int main() {
  Check check("adamw");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const int64_t n : {1, 7, 256, 300, 20001}) run_f32(check, pool, isa, n);
    run_bf16(check, pool, isa);
    for (const int64_t n : {19, 256}) run_small_states(check, pool, isa, n);
    run_nan(check, pool, isa);
    run_threads(check, isa);
  }
  return check.result();
}
