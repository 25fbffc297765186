// Which kernel multiplies: by the number of tokens and the generation of the GPU.
#include "cuda/matmul/matmul.h"

namespace bc::cuda {

int64_t matmul_scratch_bytes(const MatmulParams& p, const Facts& gpu) {
  if (gpu.hopper) return p.M <= kHopperDecodeTokens ? 0 : matmul_sm90_scratch_bytes(p, gpu);
  return p.M <= kDecodeTokens ? 0 : matmul_tiles_scratch_bytes(p, gpu);
}

void matmul(const MatmulParams& p, const Facts& gpu, void* stream) {
  if (gpu.hopper) {
    p.M <= kHopperDecodeTokens ? matmul_decode_sm90(p, gpu, stream) : matmul_sm90(p, gpu, stream);
  } else {
    p.M <= kDecodeTokens ? matmul_decode(p, gpu, stream) : matmul_tiles(p, gpu, stream);
  }
}

}  // namespace bc::cuda
