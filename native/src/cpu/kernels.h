// The instruction-set variants of the matrix kernels; each getter is in the file compiled for that
// set.
#pragma once

#include "../ops.h"
#include "isa.h"

namespace bc::cpu {

struct Input;
using MatmulKernel = void (*)(const MatmulParams& p, const Input& x, int64_t m0, int64_t m1,
                              int64_t u0, int64_t u1);
// Panels [begin, end); adds to error[0] and error[1].
using QuantizeKernel = void (*)(const QuantizeParams& p, int64_t begin, int64_t end, double* error);

struct MatrixKernels {
  MatmulKernel (*matmul)(Type w, bool exact);
  QuantizeKernel quantize;
};

MatrixKernels scalar_matrix_kernels();
#if defined(__x86_64__)
MatrixKernels avx2_matrix_kernels();
MatrixKernels avx512_matrix_kernels();
#endif

// Those of isa(), or of another set that this processor has.
const MatrixKernels& matrix_kernels();
MatrixKernels matrix_kernels(Isa isa);

void matmul(const MatmulParams& p, ThreadPool& pool, const MatrixKernels& kernels);
void quantize(QuantizeParams& p, ThreadPool& pool, const MatrixKernels& kernels);

}  // namespace bc::cpu
