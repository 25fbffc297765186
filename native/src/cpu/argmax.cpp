// argmax: shares tokens among the threads (argmax_kernel.h).
#include "cpu/vector_kernels.h"

namespace bc::cpu {

void argmax(const ArgmaxParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  pool.parallel_for(p.T, 1,
                    [&](int64_t begin, int64_t end, int) { kernels.argmax(p, begin, end); });
}

void argmax(const ArgmaxParams& p, ThreadPool& pool) { argmax(p, pool, vector_kernels()); }

}  // namespace bc::cpu
