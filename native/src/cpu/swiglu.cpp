// swiglu: shares pieces of rows among the threads (swiglu_kernel.h).
#include "cpu/vector_kernels.h"

namespace bc::cpu {
namespace {

// 2048 columns take about a microsecond: longer than it takes to wake a thread that spins.
constexpr int64_t kColumns = 2048;

}  // namespace

void swiglu(const SwigluParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  const int64_t pieces = (p.F + kColumns - 1) / kColumns;
  pool.parallel_for(p.T * pieces, 1, [&](int64_t task, int64_t, int) {
    const int64_t begin = task % pieces * kColumns;
    kernels.swiglu(p, task / pieces, begin, begin + kColumns < p.F ? begin + kColumns : p.F);
  });
}

}  // namespace bc::cpu
