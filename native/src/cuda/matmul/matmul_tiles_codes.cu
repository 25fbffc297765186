// matmul of codes and more than 32 tokens in tiles: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k] + bias[n]
//
// Shapes  x [M,K], out [M,N]; row_scale, bias [N] or null; w [N,K] codes in panels (codes_layout.h). K is a
//         multiple of the group. With swiglu out is [M,N/2].
//
// Method  That of matmul_tiles.cu in narrow tiles, which cost a fifth more clocks than wide ones for many
//         tokens and save half of the kernels. Codes are unpacked once for all tokens of a tile
//         (weights_codes.cuh).
//
// Bound   Tensor cores: 2MNK flops, and half as many again where groups have zeros: each warp makes the
//         sums of x for its 32 rows.
//
// Limits  matmul_narrow_kernel: 208 registers, 128 threads, 49152 bytes of shared memory
//         matmul_sum_kernel: 40 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/matmul/matmul_codes.h
#include "cuda/matmul/matmul_tiles.cuh"
#include "cuda/matmul/weights_codes.cuh"

namespace bc::cuda {

void matmul_tiles_codes(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_codes<Tiled>(p, gpu, stream);
}

}  // namespace bc::cuda
