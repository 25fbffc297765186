#include "check.h"
#include "cpu/vector_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

int main() {
  Check check("swiglu");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const int64_t F : {1, 7, 16, 19, 111, 989, 2048, 2049, 11008}) {
      for (const float size : {1.0f, 100.0f, 1e-20f, 1e10f}) {
        const uint64_t seed = static_cast<uint64_t>(F);
        check.begin(isa, "F=" + std::to_string(F) + " size=" + std::to_string(size), seed);
        Random random(seed);
        Matrix gate(3, F);
        Matrix up(3, F, 5);
        Matrix out(3, F, 1);
        gate.fill([&] { return size * random.outlier(); });
        up.fill([&] { return random.outlier(); });
        const SwigluParams p{out.row(0), out.ld,    gate.row(0), gate.ld, up.row(0),
                             up.ld,      Type::f32, 3,           F};
        const std::vector<Expected> want = reference::swiglu(p);
        cpu::swiglu(p, pool, cpu::vector_kernels(isa));
        check.compare("out", out, want);
      }
    }
  }
  return check.result();
}
