// rms_norm: shares tokens among the threads (rms_norm_kernel.h).
#include "cpu/vector_kernels.h"

namespace bc::cpu {

void rms_norm(const RmsNormParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  pool.parallel_for(p.T, 4,
                    [&](int64_t begin, int64_t end, int) { kernels.rms_norm(p, begin, end); });
}

}  // namespace bc::cpu
