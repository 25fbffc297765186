// matmul: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k] + bias[n], by the kernel that suits the number of
// tokens and the generation of the GPU.
//
// Shapes  x [M,K], out [M,N]; row_scale, bias [N] or null; w [N,K] rows of 16 bits, or panels of q8, q4
//         or codes. K is a multiple of 8; of panels, of the group. With swiglu out is [M,N/2].
//
// Method  Up to 32 tokens the weights are read once and spread over the whole GPU (matmul_decode.cu,
//         matmul_decode_sm90.cu), more tokens are multiplied in tiles (matmul_tiles.cu, matmul_sm90.cu).
//         Codes have the kernels of sm_80 on every generation (matmul_decode_codes.cu,
//         matmul_tiles_codes.cu). The kernels of a generation and kind of weights add up K in the same parts and order, so that the bits of a row do
//         not depend on which of them it went to. What that costs: docs/matmul-rows.md.
//
// Bound   That of the kernel: memory for few tokens, the tensor cores for many.
//
// Twin    cpu/matmul/matmul.cpp
#include "cuda/matmul/matmul.h"

namespace bc::cuda {

namespace {

// Whether w is multiplied by wgmma.
bool by_wgmma(const MatmulParams& p, const Facts& gpu) { return gpu.hopper && !is_codes(p.w_type); }

}  // namespace

int64_t matmul_scratch_bytes(const MatmulParams& p, const Facts& gpu) {
  if (by_wgmma(p, gpu)) return p.M <= kHopperDecodeTokens ? 0 : matmul_sm90_scratch_bytes(p, gpu);
  return p.M <= kDecodeTokens ? 0 : matmul_tiles_scratch_bytes(p, gpu);
}

void matmul(const MatmulParams& p, const Facts& gpu, void* stream) {
  if (is_codes(p.w_type)) {
    p.M <= kDecodeTokens ? matmul_decode_codes(p, gpu, stream) : matmul_tiles_codes(p, gpu, stream);
  } else if (by_wgmma(p, gpu)) {
    p.M <= kHopperDecodeTokens ? matmul_decode_sm90(p, gpu, stream) : matmul_sm90(p, gpu, stream);
  } else {
    p.M <= kDecodeTokens ? matmul_decode(p, gpu, stream) : matmul_tiles(p, gpu, stream);
  }
}

}  // namespace bc::cuda
