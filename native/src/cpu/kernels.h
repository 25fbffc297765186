// The instruction-set variants of the matrix kernels, as in vector_kernels.h.
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

extern const MatrixKernels scalar_matrix_kernels;
#if defined(__x86_64__)
extern const MatrixKernels avx2_matrix_kernels;
extern const MatrixKernels avx2_vnni_matrix_kernels;
extern const MatrixKernels avx512_matrix_kernels;
extern const MatrixKernels avx512_bf16_matrix_kernels;
#endif

// Those of an instruction set that this processor has; without an argument those of isa().
const MatrixKernels& matrix_kernels(Isa isa);
const MatrixKernels& matrix_kernels();

void matmul(const MatmulParams& p, ThreadPool& pool, const MatrixKernels& kernels);
void quantize(QuantizeParams& p, ThreadPool& pool, const MatrixKernels& kernels);

}  // namespace bc::cpu
