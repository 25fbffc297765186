// rope: angles in double, once per token; tokens are shared among the threads (rope_kernel.h).
#include <cmath>
#include <vector>

#include "vector_kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kMaxHalf = 128;  // D is at most 256

}  // namespace

void rope(const RopeParams& p, ThreadPool& pool, const VectorKernels& kernels) {
  const int64_t half = p.D / 2;
  double frequency[kMaxHalf];
  for (int64_t k = 0; k < half; ++k) {
    frequency[k] = std::pow(static_cast<double>(p.base),
                            -2.0 * static_cast<double>(k) / static_cast<double>(p.D));
  }
  pool.parallel_for(p.T, 4, [&](int64_t begin, int64_t end, int) {
    float cosine[kMaxHalf];
    float sine[kMaxHalf];
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t k = 0; k < half; ++k) {
        const double angle = p.positions[t] * frequency[k];
        cosine[k] = static_cast<float>(std::cos(angle));
        sine[k] = static_cast<float>(std::sin(angle));
      }
      kernels.rope(p, cosine, sine, t);
    }
  });
}

void rope(const RopeParams& p, ThreadPool& pool) { rope(p, pool, vector_kernels()); }

}  // namespace bc::cpu
