// matmul of more than 32 tokens in tiles: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k] + bias[n]
//
// Shapes  x [M,K], out [M,N]; row_scale, bias [N] or null; w [N,K] rows of 16 bits, or panels of q8 or
//         q4. K is a multiple of 8; of q8 and q4, of 32. With swiglu out is [M,N/2].
//
// Method  A block has a tile of tokens by rows of w, a warp 32 of these rows and all of the tokens:
//         narrow tiles of 64 x 128, wide ones of 128 x 256. x comes through shared memory, two steps
//         of 32 columns a stage. No two warps share a weight, so weights go straight to registers,
//         some steps ahead, and are unpacked once for all tokens of the tile. Sums of an eighth of K
//         are added up in shared memory, in the order of matmul_decode. Tiles that fill rounds of all
//         SMs are whole; each of the rest may be eight blocks, one for each part of K, whose sums a
//         second kernel adds up in the same order.
//
// Bound   Tensor cores: 2MNK flops. Below about M=150 (q8: 80, q4: 45) the weights from memory bind.
//         docs/matmul-hopper.md, "The other generations", has the clocks of a step, and says why
//         swiglu is part of the product and the residual sum is not.
//
// Limits  matmul_narrow_kernel: 208 registers, 128 threads, 49152 bytes of shared memory
//         matmul_wide_kernel: 255 registers, 256 threads, 163840 bytes of shared memory, on sm_80 sm_90 sm_100
//         matmul_sum_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/matmul/matmul.cpp
#include "cuda/matmul/matmul_tiles.cuh"

namespace bc::cuda {

int64_t matmul_tiles_scratch_bytes(const MatmulParams& p, const Facts& gpu) {
  const Plan plan = plan_of(p, gpu);
  return plan.wide ? scratch_bytes<Wide>(plan) : scratch_bytes<Narrow>(plan);
}

void matmul_tiles(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_weights<Tiled>(p, gpu, stream);
}

}  // namespace bc::cuda
