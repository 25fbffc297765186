// The instruction-set variants of the matrix kernels, as in vector_kernels.h.
#pragma once

#include "cpu/isa.h"
#include "cpu/kernels.h"

namespace bc::cpu {

// How is a kind of weights multiplied? A unit is 16 rows of w.
struct MatmulKernel {
  // Writes groups [g0, g1) of 32 columns of rows [m0, m1), one block of what run reads instead of x
  // (matmul_input.h). Null: it reads x.
  void (*round)(const MatmulParams& p, uint8_t* block, int64_t m0, int64_t m1, int64_t g0,
                int64_t g1);
  int64_t group_bytes;  // of 32 columns of a row in a block
  int64_t few;          // most rows that are one block, for which w is read once
  int64_t rows;         // rows of a block where there are more
  int64_t most_rows;    // most rows of a task where there are more
  int64_t most_units;   // most units of it
  int64_t scratch;      // bytes of scratch that such a task needs
  int64_t scratch_sum;  // bytes that it needs besides for each row and unit
  // Outputs of rows [m0, m1) and units [u0, u1). x: all blocks of the rounded x.
  void (*run)(const MatmulParams& p, const uint8_t* x, int64_t m0, int64_t m1, int64_t u0,
              int64_t u1, uint8_t* scratch);
};

// Panels [begin, end); adds to error[0] and error[1].
using QuantizeKernel = void (*)(const QuantizeParams& p, int64_t begin, int64_t end, double* error);

struct MatrixKernels {
  MatmulKernel (*matmul)(Type w, bool exact_x);
  QuantizeKernel quantize;
};

extern const MatrixKernels scalar_matrix_kernels;
#if defined(__x86_64__)
extern const MatrixKernels avx2_matrix_kernels;
extern const MatrixKernels avx2_vnni_matrix_kernels;
extern const MatrixKernels avx512_matrix_kernels;
extern const MatrixKernels avx512_bf16_matrix_kernels;
#endif

// The kernels of an instruction set that this processor has; without an argument those of isa().
const MatrixKernels& matrix_kernels(Isa isa);
const MatrixKernels& matrix_kernels();

void matmul(const MatmulParams& p, Scratch& scratch, ThreadPool& pool,
            const MatrixKernels& kernels);
void quantize(const QuantizeParams& p, ThreadPool& pool, const MatrixKernels& kernels);

}  // namespace bc::cpu
