// matmul_swiglu: out[m,f] = silu(x[m,:] gate[f,:]) * (x[m,:] up[f,:]), where w has the rows of gate
// and up in turn. It takes as many tokens at a time as keep the sums small.
#include <algorithm>

#include "cpu/kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kTokens = 64;

}  // namespace

void matmul_swiglu(const MatmulParams& p, std::vector<float>& memory, Scratch& scratch,
                   ThreadPool& pool) {
  const int64_t F = p.N / 2;
  const int64_t most = std::min(kTokens, p.M);
  const size_t needed = static_cast<size_t>(2 * most * p.N);
  if (memory.size() < needed) memory.resize(needed);
  float* sums = memory.data();        // [tokens,2F]
  float* halves = sums + most * p.N;  // [2,tokens,F]
  for (int64_t m0 = 0; m0 < p.M; m0 += kTokens) {
    MatmulParams part = p;
    part.M = std::min(kTokens, p.M - m0);
    part.x = static_cast<const float*>(p.x) + m0 * p.x_ld;
    part.epilogue = Epilogue::none;
    part.out = sums;
    part.out_ld = p.N;
    matmul(part, scratch, pool);
    float* gate = halves;
    float* up = gate + part.M * F;
    pool.parallel_for(part.M, 1, [&](int64_t m, int64_t, int) {
      for (int64_t f = 0; f < F; ++f) {
        gate[m * F + f] = sums[m * p.N + 2 * f];
        up[m * F + f] = sums[m * p.N + 2 * f + 1];
      }
    });
    swiglu({static_cast<float*>(p.out) + m0 * p.out_ld, p.out_ld, gate, F, up, F, Type::f32, part.M,
            F},
           pool);
  }
}

}  // namespace bc::cpu
