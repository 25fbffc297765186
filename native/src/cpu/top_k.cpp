// top_k: shares tokens among the threads (top_k_kernel.h).
#include "cpu/vector_kernels.h"

namespace bc::cpu {

void top_k(const TopKParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  pool.parallel_for(p.T, 1, [&](int64_t begin, int64_t end, int) { kernels.top_k(p, begin, end); });
}

}  // namespace bc::cpu
