#include "check.h"
#include "cpu/vector_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, ThreadPool& pool, cpu::Isa isa, cpu::RopeAngles& angles, int64_t T,
              int64_t H, int64_t D, int32_t position, float base) {
  const uint64_t seed = static_cast<uint64_t>(T * 10007 + H * 101 + D);
  check.begin(isa,
              "T=" + std::to_string(T) + " H=" + std::to_string(H) + " D=" + std::to_string(D) +
                  " position=" + std::to_string(position),
              seed);
  Random random(seed);
  Matrix qkv(T, 3 * H * D);
  qkv.fill([&] { return random.outlier(); });
  std::vector<int32_t> positions;
  for (int64_t t = 0; t < T; ++t) positions.push_back(position + static_cast<int32_t>(t));
  const RopeParams p{qkv.row(0), Type::f32, qkv.ld, positions.data(), T, H, D, base};
  const std::vector<Expected> want = reference::rope(p);
  cpu::rope(p, angles, pool, cpu::vector_kernels(isa));
  check.compare("qkv", qkv, want);
}

// The next step's tokens find the angles of the last one's.
void run_steps(Check& check, ThreadPool& pool, cpu::Isa isa) {
  cpu::RopeAngles angles;
  const auto run = [&](int64_t T, int64_t D, int32_t position, float base) {
    run_case(check, pool, isa, angles, T, 3, D, position, base);
  };
  run(19, 128, 0, 10000.0f);
  run(1, 128, 19, 10000.0f);
  run(1, 128, 19, 10000.0f);
  run(1, 128, 20, 10000.0f);
  run(33, 128, 7, 10000.0f);
  run(33, 128, 7, 1000000.0f);
  run(33, 48, 7, 1000000.0f);
}

}  // namespace

int main() {
  Check check("rope");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    run_steps(check, pool, isa);
    const auto run_new = [&](int64_t T, int64_t H, int64_t D, int32_t position, float base) {
      cpu::RopeAngles angles;
      run_case(check, pool, isa, angles, T, H, D, position, base);
    };
    run_new(1, 32, 128, 0, 10000.0f);
    run_new(19, 32, 128, 4077, 10000.0f);
    run_new(7, 3, 128, 1000000, 10000.0f);
    run_new(111, 2, 256, 63, 1000000.0f);
    for (const int64_t D : {16, 32, 48, 80}) run_new(7, 3, D, 63, 10000.0f);
  }
  return check.result();
}
