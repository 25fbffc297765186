#include "check.h"
#include "cpu/vector_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t T, int64_t H, int64_t D,
              int32_t position, float base) {
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
  const RopeParams p{qkv.row(0), qkv.ld, positions.data(), T, H, D, base};
  const std::vector<Expected> want = reference::rope(p);
  cpu::rope(p, pool, cpu::vector_kernels(isa));
  check.compare("qkv", qkv, want);
}

}  // namespace

int main() {
  Check check("rope");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    run_case(check, pool, isa, 1, 32, 128, 0, 10000.0f);
    run_case(check, pool, isa, 19, 32, 128, 4077, 10000.0f);
    run_case(check, pool, isa, 7, 3, 128, 1000000, 10000.0f);
    run_case(check, pool, isa, 111, 2, 256, 63, 1000000.0f);
    for (const int64_t D : {16, 32, 48, 80}) run_case(check, pool, isa, 7, 3, D, 63, 10000.0f);
  }
  return check.result();
}
