// The kernels that matmul.cu chooses from.
#pragma once

#include "cuda/kernels.h"

namespace bc::cuda {

// The most tokens that matmul_decode and matmul_decode_sm90 take.
constexpr int64_t kDecodeTokens = 32;
constexpr int64_t kHopperDecodeTokens = 32;

void matmul_decode(const MatmulParams& p, const Facts& gpu, void* stream);
void matmul_tiles(const MatmulParams& p, const Facts& gpu, void* stream);
int64_t matmul_tiles_scratch_bytes(const MatmulParams& p, const Facts& gpu);
// The same for codes.
void matmul_decode_codes(const MatmulParams& p, const Facts& gpu, void* stream);
void matmul_tiles_codes(const MatmulParams& p, const Facts& gpu, void* stream);
void matmul_decode_sm90(const MatmulParams& p, const Facts& gpu, void* stream);
void matmul_sm90(const MatmulParams& p, const Facts& gpu, void* stream);
int64_t matmul_sm90_scratch_bytes(const MatmulParams& p, const Facts& gpu);

}  // namespace bc::cuda
