#include "check.h"
#include "cpu/vector_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  int64_t T, H, G, D;
  int32_t position;
  std::vector<double> frequencies;
  float scale = 1.0f;
  bool normed = false;
  Type norm_type = Type::f32;
};

std::vector<double> powers_of(double base, int64_t D) {
  std::vector<double> frequencies;
  for (int64_t k = 0; k < D / 2; ++k) {
    const double power = -2.0 * static_cast<double>(k) / static_cast<double>(D);
    frequencies.push_back(std::pow(base, power));
  }
  return frequencies;
}

// As Llama 3.1 stretches them: turns longer than the 8192 positions it was first trained on become 8
// times as slow, those of which 4 fit into them stay, and between is a ramp.
std::vector<double> stretched(double base, int64_t D) {
  std::vector<double> frequencies = powers_of(base, D);
  for (double& f : frequencies) {
    const double turns = 8192.0 * f / 6.283185307179586;
    const double kept = std::fmin(std::fmax((turns - 1.0) / 3.0, 0.0), 1.0);
    f *= kept + (1.0 - kept) / 8.0;
  }
  return frequencies;
}

void run_case(Check& check, ThreadPool& pool, cpu::Isa isa, cpu::RopeAngles& angles,
              const Case& c) {
  const uint64_t seed = static_cast<uint64_t>(c.T * 10007 + c.H * 101 + c.D);
  check.begin(isa,
              "T=" + std::to_string(c.T) + " H=" + std::to_string(c.H) +
                  " G=" + std::to_string(c.G) + " D=" + std::to_string(c.D) +
                  " position=" + std::to_string(c.position) + " scale=" + std::to_string(c.scale) +
                  (c.normed ? std::string(" norms ") + name_of(c.norm_type) : ""),
              seed);
  Random random(seed);
  Matrix qkv(c.T, (c.H + 2 * c.G) * c.D);
  qkv.fill([&] { return random.outlier(); });
  // The last head is all zeros: of a norm only eps is left.
  for (int64_t d = 0; d < c.D && c.normed; ++d) qkv.row(0)[(c.H + c.G - 1) * c.D + d] = 0.0f;
  std::vector<int32_t> positions;
  for (int64_t t = 0; t < c.T; ++t) positions.push_back(c.position + static_cast<int32_t>(t));
  std::vector<uint8_t> norms[2];
  for (std::vector<uint8_t>& norm : norms) {
    std::vector<float> values;
    for (int64_t d = 0; d < c.D; ++d) values.push_back(1.0f + 0.5f * random.normal());
    norm = as_type(c.norm_type, values);
  }
  RopeParams p{};
  p.qkv = qkv.row(0);
  p.type = Type::f32;
  p.ld = qkv.ld;
  p.positions = positions.data();
  p.T = c.T;
  p.H = c.H;
  p.G = c.G;
  p.D = c.D;
  p.scale = c.scale;
  p.q_norm = c.normed ? norms[0].data() : nullptr;
  p.k_norm = c.normed ? norms[1].data() : nullptr;
  p.norm_type = c.norm_type;
  p.eps = 1e-6f;
  std::copy(c.frequencies.begin(), c.frequencies.end(), p.frequencies);
  const Matrix before = qkv;
  const std::vector<Expected> want = reference::rope(p);
  cpu::rope(p, angles, pool, cpu::vector_kernels(isa));
  check.compare("qkv", qkv, want);

  // A token alone, whose angles are computed anew, gives the bits that it gives in the batch.
  Matrix alone(1, qkv.cols);
  std::copy_n(before.row(c.T - 1), qkv.cols, alone.row(0));
  RopeParams one = p;
  one.qkv = alone.row(0);
  one.positions = p.positions + c.T - 1;
  one.T = 1;
  cpu::RopeAngles fresh;
  cpu::rope(one, fresh, pool, cpu::vector_kernels(isa));
  check.that(std::memcmp(alone.row(0), qkv.row(c.T - 1),
                         static_cast<size_t>(qkv.cols) * sizeof(float)) == 0,
             "the last token alone differs from the batch");
}

// The next step's tokens find the angles of the last one's, if frequencies and scale are the same.
void run_steps(Check& check, ThreadPool& pool, cpu::Isa isa) {
  cpu::RopeAngles angles;
  const auto run = [&](int64_t T, int64_t D, int32_t position, double base, float scale = 1.0f) {
    run_case(check, pool, isa, angles, {T, 3, 3, D, position, powers_of(base, D), scale});
  };
  run(19, 128, 0, 1e4);
  run(1, 128, 19, 1e4);
  run(1, 128, 19, 1e4);
  run(1, 128, 20, 1e4);
  run(33, 128, 7, 1e4);
  run(33, 128, 7, 1e6);
  run(33, 128, 7, 1e6, 1.25f);
  run(40, 128, 0, 1e6, 1.25f);
  run(40, 128, 0, 1e6);
  run(33, 48, 7, 1e6);
  // One frequency that is another.
  std::vector<double> frequencies = powers_of(1e6, 48);
  frequencies.back() *= 2.0;
  run_case(check, pool, isa, angles, {33, 3, 3, 48, 7, frequencies});
}

}  // namespace

int main() {
  Check check("rope");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    run_steps(check, pool, isa);
    const auto run_new = [&](const Case& c) {
      cpu::RopeAngles angles;
      run_case(check, pool, isa, angles, c);
    };
    run_new({1, 32, 32, 128, 0, powers_of(1e4, 128)});
    run_new({19, 32, 32, 128, 4077, powers_of(1e4, 128)});
    run_new({7, 3, 3, 128, 1000000, powers_of(1e4, 128)});
    run_new({111, 2, 2, 256, 63, powers_of(1e6, 256)});
    run_new({19, 28, 4, 128, 4077, powers_of(1e6, 128)});
    run_new({7, 8, 1, 64, 100000, stretched(5e5, 64)});
    run_new({7, 8, 2, 128, 30000, stretched(5e5, 128), 1.2079442f});
    run_new({5, 4, 2, 128, 90, std::vector<double>(64, 0.0)});  // no angle turns
    for (const int64_t D : {8, 16, 24, 32, 40, 48, 64, 80, 88, 96}) {
      run_new({7, 3, 3, D, 63, powers_of(1e4, D)});
      run_new({7, 4, 2, D, 63, powers_of(1e4, D), 1.0f, true});
    }
    for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
      run_new({19, 16, 8, 128, 4077, powers_of(1e6, 128), 1.0f, true, type});
      run_new({3, 7, 1, 24, 9, stretched(1e6, 24), 1.25f, true, type});
    }
  }
  return check.result();
}
