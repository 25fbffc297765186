// matmul: out[m,n] = row_scale[n] * sum_k x[m,k] * w[n,k] + bias[n]. Rounds x to what the kernel
// reads, then shares tasks, blocks of rows of x by rows of w, among the threads (matmul_int8.h,
// matmul_plain.h, matmul_exact.h), which scale a sum and add the bias where they store it.
#include <algorithm>

#include "cpu/isa.h"
#include "cpu/matmul/matmul_kernel.h"
#include "cpu/matmul/matrix_kernels.h"
#include "quant.h"

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

// How many tasks there are for each thread.
constexpr int64_t kTasks = 8;
// Groups of 32 columns in a task of rounding x, which takes some microseconds.
constexpr int64_t kRoundGroups = 64;

int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Rounds x into blocks of `rows` rows.
void round_input(const MatmulParams& p, const MatmulKernel& kernel, int64_t rows, uint8_t* out,
                 ThreadPool& pool) {
  const int64_t groups = (p.K + kGroup - 1) / kGroup;
  const int64_t pieces = (groups + kRoundGroups - 1) / kRoundGroups;
  const int64_t blocks = (p.M + rows - 1) / rows;
  // For few rows the work takes less time than waking the other threads.
  const int64_t grain = p.M < 4 ? blocks * pieces : 1;
  pool.parallel_for(blocks * pieces, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t m0 = i / pieces * rows;
      const int64_t g0 = i % pieces * kRoundGroups;
      kernel.round(p, out + m0 * groups * kernel.group_bytes, m0, std::min(m0 + rows, p.M), g0,
                   std::min(g0 + kRoundGroups, groups));
    }
  });
}

}  // namespace

void matmul(const MatmulParams& p, Scratch& scratch, ThreadPool& pool) {
  matmul(p, scratch, pool, matrix_kernels());
}

void matmul(const MatmulParams& p, Scratch& bytes, ThreadPool& pool, const MatrixKernels& kernels) {
  const MatmulKernel kernel = kernels.matmul(p.w_type, p.exact);
  const bool few = p.M <= kernel.few;
  const int64_t rows = few ? p.M : kernel.rows;
  const int64_t units = panels(p.N);
  // Rows are shared evenly among as few blocks as can be; w is read once for each.
  const int64_t blocks = few ? 1 : (p.M + kernel.most_rows - 1) / kernel.most_rows;
  const int64_t block_rows = up((p.M + blocks - 1) / blocks, rows);
  // There are enough tasks that threads of unequal speed end together.
  const int64_t wanted = std::max<int64_t>(units * blocks / (pool.threads() * kTasks), 1);
  const int64_t task_units = std::min(kernel.most_units, wanted);

  const int64_t groups = (p.K + kGroup - 1) / kGroup;
  const int64_t rounded = up(kernel.round == nullptr ? 0 : p.M * groups * kernel.group_bytes, 64);
  const int64_t scratch =
      few ? 0 : up(kernel.scratch + block_rows * task_units * kernel.scratch_sum, 64);
  const size_t needed = static_cast<size_t>(rounded + pool.threads() * scratch + 64);
  if (bytes.size() < needed) bytes.resize(needed);
  uint8_t* memory = reinterpret_cast<uint8_t*>(up(reinterpret_cast<intptr_t>(bytes.data()), 64));
  if (kernel.round != nullptr) round_input(p, kernel, rows, memory, pool);

  const int64_t tasks = (units + task_units - 1) / task_units;
  pool.parallel_for(blocks * tasks, 1, [&](int64_t task, int64_t, int worker) {
    // Tasks that share rows of w follow each other: the last-level cache has them.
    const int64_t m0 = task % blocks * block_rows;
    const int64_t u0 = task / blocks * task_units;
    kernel.run(p, memory, m0, std::min(m0 + block_rows, p.M), u0, std::min(u0 + task_units, units),
               memory + rounded + worker * scratch);
  });
}

}  // namespace bc::cpu
