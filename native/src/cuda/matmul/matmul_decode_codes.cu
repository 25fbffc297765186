// matmul_decode of codes: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k] + bias[n], for few tokens
//
// Shapes  x [M,K], out [M,N]; row_scale, bias [N] or null; w [N,K] codes in panels (codes_layout.h). M is
//         1 to 32. K is a multiple of the group. With swiglu out is [M,N/2].
//
// Method  That of matmul_decode.cu, with blocks of one, two and three panels for up to 8, 16 and 32 tokens:
//         four do not fit into registers. A lane's 16 codes of a block are unpacked in registers (weights_codes.cuh): there is a kernel for
//         each number of bits; the group and the form are data.
//
// Bound   Memory: the weights, as docs/int4-format.md counts their bits, x 2MK and out 2MN (f32: 4MN). M=1,
//         N=4096, K=4096: 6.8 MB for the 3-bit grid of 64, 5.2 MB for the 2-bit grid of 32. Scales of
//         groups of 64 and 128 are read by every block of 32 columns, from L1, and x as matmul_decode.cu
//         says.
//         Issue, counted in the source: 16 rows by 32 columns of the 3-bit grid are 208 bytes and some 60
//         instructions of a warp (25 unpack, 14 are for scales); four schedulers manage 14 bytes a clock,
//         where an A100's memory brings 13 to each SM and an H100's 14.5. The 160 bytes of the 2-bit grid
//         take as many: it reads at 0.8 of these rates. With a zero it is two products and 4 FMAs more.
//
// Limits  matmul_decode_kernel: 128 registers, 256 threads, 20480 bytes of shared memory
//         matmul_batch_kernel: 240 registers, 256 threads, 61440 bytes of shared memory
//
// Twin    cpu/matmul/matmul_codes.h
#include "cuda/matmul/matmul_decode.cuh"
#include "cuda/matmul/weights_codes.cuh"

namespace bc::cuda {

void matmul_decode_codes(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_codes<Decode>(p, gpu, stream);
}

}  // namespace bc::cuda
