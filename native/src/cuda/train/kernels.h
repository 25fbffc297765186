// The ops of training on a GPU, as train.h describes them. Tensors are f32 in rows of any width and at any
// stride: kernels take a number at a time, neighbouring threads neighbouring numbers. No sum depends on the
// order in which blocks run. Bytes of scratch follow from sizes alone; what it held does not matter.
#pragma once

#include <cstdint>

#include "cuda/facts.h"
#include "train.h"

namespace bc::cuda {

int64_t matmul_backward_scratch_bytes(const MatmulBackwardInputParams& p);
void matmul_backward_input(const MatmulBackwardInputParams& p, const Facts& gpu, void* scratch,
                           void* stream);
void matmul_backward_weight(const MatmulBackwardWeightParams& p, void* stream);
void swiglu_backward(const SwigluBackwardParams& p, void* stream);
int64_t rms_norm_backward_scratch_bytes(const RmsNormBackwardParams& p);
void rms_norm_backward(const RmsNormBackwardParams& p, void* scratch, void* stream);

int64_t rope_backward_scratch_bytes(const RopeBackwardParams& p);
void rope_backward(const RopeBackwardParams& p, void* scratch, void* stream);
int64_t attention_backward_scratch_bytes(const AttentionBackwardParams& p);
void attention_backward(const AttentionBackwardParams& p, void* scratch, void* stream);
void cross_entropy(const CrossEntropyParams& p, void* stream);
void embed_backward(const EmbedBackwardParams& p, void* stream);
void row_norms_backward(const RowNormsBackwardParams& p, void* stream);
void zero(const ZeroParams& p, void* stream);
int64_t sum_of_squares_scratch_bytes(int64_t n);
void sum_of_squares(const SumOfSquaresParams& p, void* scratch,
                    void* stream);  // p.sum is on the device
void adamw(const AdamwParams& p, void* stream);

// out[c] += sum over r of rows[r,c], in the order of r: rows [R,C], ld apart.
void add_rows(float* out, const float* rows, int64_t ld, int64_t R, int64_t C, void* stream);

}  // namespace bc::cuda
