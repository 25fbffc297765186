// matmul: rounds x to what the kernel reads, then shares blocks of rows of w among the threads
// (matmul_kernel.h).
#include <cmath>
#include <cstring>

#include "../ops.h"
#include "../quant.h"
#include "isa.h"
#include "kernels.h"
#include "matmul_kernel.h"

namespace bc::cpu {

const MatrixKernels& matrix_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512_bf16) return avx512_bf16_matrix_kernels;
  if (isa == Isa::avx512) return avx512_matrix_kernels;
  if (isa == Isa::avx2_vnni) return avx2_vnni_matrix_kernels;
  if (isa == Isa::avx2) return avx2_matrix_kernels;
#else
  static_cast<void>(isa);
#endif
  return scalar_matrix_kernels;
}

const MatrixKernels& matrix_kernels() { return matrix_kernels(isa()); }

namespace {

// Rows of x that stay in the second-level cache while the panels pass by: 128 rows of int8 at K =
// 4096 are 512 KiB.
constexpr int64_t kRowBlock = 128;
// 64 rows of w are a task: enough to outlast taking it from the counter, few enough to balance.
constexpr int64_t kUnits = 4;

// Symmetric int8 with a scale for each group of 32 columns of each row.
void quantize_rows(const MatmulParams& p, int8_t* q, float* scale, int32_t* sum, float* shift,
                   ThreadPool& pool) {
  const int64_t groups = p.K / kGroup;
  pool.parallel_for(p.M, p.M > 8 ? 8 : p.M, [&](int64_t begin, int64_t end, int) {
    for (int64_t m = begin; m < end; ++m) {
      for (int64_t g = 0; g < groups; ++g) {
        const float* x = p.x + m * p.x_ld + g * kGroup;
        float peak = 0.0f;
        // NaN where a number is NaN or infinite: the scale carries it into the result.
        float poison = 0.0f;
        for (int64_t k = 0; k < kGroup; ++k) {
          peak = std::fmax(peak, std::fabs(x[k]));
          poison += x[k] * 0.0f;
        }
        const float inverse = peak > 1e-30f ? 127.0f / peak : 0.0f;
        int32_t total = 0;
        int8_t* codes = q + m * p.K + g * kGroup;
        for (int64_t k = 0; k < kGroup; ++k) {
          const float scaled = std::fmax(-127.0f, std::fmin(127.0f, x[k] * inverse));
          const int32_t code = static_cast<int32_t>(std::nearbyint(scaled));
          codes[k] = static_cast<int8_t>(code);
          total += code;
        }
        scale[m * groups + g] = peak / 127.0f + poison;
        sum[m * groups + g] = total;
        shift[m * groups + g] = scale[m * groups + g] * static_cast<float>(total) / kGridZeros;
      }
    }
  });
}

}  // namespace

void matmul(const MatmulParams& p, ThreadPool& pool) { matmul(p, pool, matrix_kernels()); }

void matmul(const MatmulParams& p, ThreadPool& pool, const MatrixKernels& kernels) {
  Input x;
  x.f = p.x;
  x.f_ld = p.x_ld;
  if (!p.exact && is_quantized(p.w_type)) {
    const int64_t groups = p.K / kGroup;
    const size_t codes = static_cast<size_t>((p.M * p.K + 63) / 64 * 64);
    const size_t per_group = static_cast<size_t>(p.M * groups) * 4;
    if (p.scratch->size() < codes + 3 * per_group) p.scratch->resize(codes + 3 * per_group);
    int8_t* q = reinterpret_cast<int8_t*>(p.scratch->data());
    float* scale = reinterpret_cast<float*>(p.scratch->data() + codes);
    int32_t* sum = reinterpret_cast<int32_t*>(p.scratch->data() + codes + per_group);
    float* shift = reinterpret_cast<float*>(p.scratch->data() + codes + 2 * per_group);
    quantize_rows(p, q, scale, sum, shift, pool);
    x.q = q;
    x.scale = scale;
    x.sum = sum;
    x.shift = shift;
    x.ld = p.K;
  }
  const MatmulKernel kernel = kernels.matmul(p.w_type, p.exact);
  const int64_t units = panels(p.N);
  const int64_t tasks = (units + kUnits - 1) / kUnits;
  const int64_t row_blocks = (p.M + kRowBlock - 1) / kRowBlock;
  pool.parallel_for(row_blocks * tasks, 1, [&](int64_t begin, int64_t, int) {
    const int64_t m0 = begin / tasks * kRowBlock;
    const int64_t u0 = begin % tasks * kUnits;
    kernel(p, x, m0, m0 + kRowBlock < p.M ? m0 + kRowBlock : p.M, u0,
           u0 + kUnits < units ? u0 + kUnits : units);
  });
}

}  // namespace bc::cpu
