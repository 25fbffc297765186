// embed: shares tokens among the threads (embed_kernel.h).
#include "cpu/vector_kernels.h"

namespace bc::cpu {

void embed(const EmbedParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  pool.parallel_for(p.T, 4, [&](int64_t begin, int64_t end, int) { kernels.embed(p, begin, end); });
}

}  // namespace bc::cpu
