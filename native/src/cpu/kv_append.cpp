// kv_append: shares tokens among the threads (kv_append_kernel.h).
#include "cpu/vector_kernels.h"

namespace bc::cpu {

void kv_append(const KvAppendParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  pool.parallel_for(p.batch.T, 4,
                    [&](int64_t begin, int64_t end, int) { kernels.kv_append(p, begin, end); });
}

}  // namespace bc::cpu
