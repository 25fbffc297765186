#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"
#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

// Weights, states and peaks, as bytes.
struct State {
  std::vector<uint8_t> w, m, v;
  std::vector<float> m_peaks, v_peaks;
  std::vector<uint16_t> copy;
};

AdamwStep step_of(int64_t number) {
  const auto correction = [&](double beta) {
    return static_cast<float>(1.0 - std::pow(beta, static_cast<double>(number)));
  };
  return {0.01f, 0.9f, 0.999f, 1e-8f, 0.1f, correction(0.9f), correction(0.999f), 0.5f, 77};
}

// The CPU's bits after each of three steps, of which one has gradients in some blocks alone.
void run_case(Check& check, int64_t n, Type w_type, Type state_type, bool copied) {
  for_each_schedule(2, [&](uint64_t seed) {
    check.begin(std::string("w ") + name_of(w_type) + " states " + name_of(state_type) +
                    (copied ? " copy" : "") + " n=" + std::to_string(n),
                seed);
    Random random(static_cast<uint64_t>(n));
    const auto count = static_cast<size_t>(n);
    const bool small = state_type == Type::i8;
    State cpu;
    std::vector<float> numbers;
    for (size_t i = 0; i < count; ++i) numbers.push_back(random.normal());
    cpu.w = as_type(w_type, numbers);
    const size_t bytes = count * (small ? 1 : 4);
    cpu.m.assign(bytes, 0);
    cpu.v.assign(bytes, small ? static_cast<uint8_t>(-127) : 0);
    if (small) cpu.m_peaks.assign((count + 255) / 256, 0.0f);
    cpu.v_peaks = cpu.m_peaks;
    if (copied) cpu.copy.assign(count, 0xffff);

    const auto w = in_out("w", cpu.w);
    const auto m = in_out("m", cpu.m);
    const auto v = in_out("v", cpu.v);
    const auto m_peaks = in_out("m_peaks", cpu.m_peaks);
    const auto v_peaks = in_out("v_peaks", cpu.v_peaks);
    const auto copy = output<uint16_t>("copy", cpu.copy.size());
    ThreadPool pool(1);
    constexpr int64_t kStepsTaken = 3;
    for (int64_t number = 1; number <= kStepsTaken; ++number) {
      std::vector<float> g;
      for (size_t i = 0; i < count; ++i) {
        const float size = static_cast<float>(std::pow(10.0, -6.0 * random.uniform()));
        g.push_back(number == 2 && i / 512 % 2 == 1 ? 0.0f : size * random.outlier());
      }
      const auto gradient = input("gradient", g);
      const AdamwStep step = step_of(number);
      cpu::adamw({cpu.w.data(), w_type, copied ? cpu.copy.data() : nullptr, g.data(), cpu.m.data(),
                  cpu.v.data(), state_type, small ? cpu.m_peaks.data() : nullptr,
                  small ? cpu.v_peaks.data() : nullptr, n, step},
                 pool, cpu::train_kernels(cpu::best_isa()));
      cuda::adamw(
          {w.data(), w_type, copied ? copy.data() : nullptr, gradient.data(), m.data(), v.data(),
           state_type, small ? m_peaks.data() : nullptr, small ? v_peaks.data() : nullptr, n, step},
          nullptr);
      finish();
      check.that(w.read() == cpu.w, "weights are not the CPU's");
      check.that(m.read() == cpu.m && v.read() == cpu.v, "states are not the CPU's");
      check.that(m_peaks.read() == cpu.m_peaks && v_peaks.read() == cpu.v_peaks,
                 "peaks are not the CPU's");
      check.that(copy.read() == cpu.copy, "the copy is not the CPU's");
    }
    const auto elements = static_cast<double>(kStepsTaken * n);
    const double element = 2.0 * static_cast<double>(element_bytes(w_type)) + 4.0 +
                           (small ? 4.0 + 16.0 / 256.0 : 16.0) + (copied ? 2.0 : 0.0);
    // A block's peaks are four bytes of a sector.
    if (n >= 1000)
      check_bytes(check, element * elements, (element + (small ? 96.0 / 256.0 : 0.0)) * elements);
  });
}

// A NaN does not get lost among the numbers of its block.
void nan_case(Check& check) {
  check.begin("NaN", 1);
  constexpr size_t kCount = 600;
  std::vector<float> g(kCount, 1.0f);
  g[300] = std::numeric_limits<float>::quiet_NaN();
  const auto w = in_out("w", std::vector<float>(kCount, 1.0f));
  const auto m = in_out("m", std::vector<uint8_t>(kCount, 0));
  const auto v = in_out("v", std::vector<uint8_t>(kCount, static_cast<uint8_t>(-127)));
  const auto peaks = in_out("m_peaks", std::vector<float>(3, 0.0f));
  const auto v_peaks = in_out("v_peaks", std::vector<float>(3, 0.0f));
  const auto gradient = input("gradient", g);
  cuda::adamw({w.data(), Type::f32, nullptr, gradient.data(), m.data(), v.data(), Type::i8,
               peaks.data(), v_peaks.data(), static_cast<int64_t>(kCount), step_of(1)},
              nullptr);
  finish();
  const std::vector<float> got = peaks.read();
  check.that(std::isnan(got[1]) && std::isnan(v_peaks.read()[1]), "a NaN is lost");
  check.that(got[0] > 0.0f && got[2] > 0.0f, "a NaN reaches other blocks");
  check.that(std::isnan(w.read()[300]), "the weight of a NaN moves");
}

}  // namespace

int main() {
  return run_on_device("cuda_adamw", [](Check& check) {
    nan_case(check);
    // Scalar kernels do not fuse a product with the sum that follows it.
    if (cpu::best_isa() == cpu::Isa::scalar) return;
    for (const int64_t n : {1, 7, 256, 300, 20001}) {
      for (const Type state : {Type::f32, Type::i8}) {
        run_case(check, n, Type::f32, state, n % 2 == 1);
        run_case(check, n, Type::bf16, state, false);
      }
    }
  });
}
