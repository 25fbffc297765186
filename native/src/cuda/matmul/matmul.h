// The four ways of matmul.cu.
#pragma once

#include "cuda/kernels.h"

namespace bc::cuda {

constexpr int64_t kDecodeTokens = 32;        // matmul_decode takes so many at most
constexpr int64_t kHopperDecodeTokens = 32;  // and so many matmul_decode_sm90

void matmul_decode(const MatmulParams& p, const Facts& gpu, void* stream);
void matmul_tiles(const MatmulParams& p, const Facts& gpu, void* stream);
int64_t matmul_tiles_scratch_bytes(const MatmulParams& p, const Facts& gpu);
void matmul_decode_sm90(const MatmulParams& p, const Facts& gpu, void* stream);
void matmul_sm90(const MatmulParams& p, const Facts& gpu, void* stream);
int64_t matmul_sm90_scratch_bytes(const MatmulParams& p, const Facts& gpu);

}  // namespace bc::cuda
