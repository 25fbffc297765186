// Which kernel multiplies: by the number of tokens and the generation of the GPU.
#include "cuda/matmul/matmul.h"

namespace bc::cuda {

int64_t matmul_scratch_bytes(const MatmulParams& p) {
  if (p.hopper) return p.M <= kHopperDecodeTokens ? 0 : matmul_sm90_scratch_bytes(p);
  return p.M <= kDecodeTokens ? 0 : matmul_tiles_scratch_bytes(p);
}

void matmul(const MatmulParams& p, void* stream) {
  if (p.hopper) {
    p.M <= kHopperDecodeTokens ? matmul_decode_sm90(p, stream) : matmul_sm90(p, stream);
  } else {
    p.M <= kDecodeTokens ? matmul_decode(p, stream) : matmul_tiles(p, stream);
  }
}

}  // namespace bc::cuda
