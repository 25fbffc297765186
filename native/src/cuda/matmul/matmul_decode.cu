// matmul_decode: out[m,n] = row_scale[n] * sum_k x[m,k] w[n,k] + bias[n], for few tokens
//
// Shapes  x [M,K], out [M,N]; row_scale, bias [N] or null; w [N,K] rows of 16 bits, or panels of q8 or
//         q4. M is 1 to 32. K is a multiple of 8; of q8 and q4, of 32. With swiglu out is [M,N/2].
//
// Method  A block has one, two or four panels of 16 rows of w; its 8 warps have an eighth of K each.
//         Weights go from global memory to the registers of the tensor cores, with several steps under
//         way; x comes from L1. The eight sums meet in shared memory and are added in order.
//
//         Every block reads all of x, so more tokens want more panels: the registers of a block then
//         hold one step of x for all of them, and x crosses from L2 less often.
//
//                       tokens   1 to 8   9 to 16   17 to 24   25 to 32
//           panels, q8 and q4         1         2          4          4
//           panels, 16-bit rows       1         1          2          2
//
// Bound   Memory: the weights, 2NK bytes (q8: 1.0625 NK, q4: 0.5625 NK), x 2MK and out 2MN (f32:
//         4MN). M=1, N=4096, K=4096: 33.6 MB, 17.8 MB, 9.5 MB. Each block reads x again, from L1 or
//         L2: 2MK ceil(N/16) bytes for a block of one panel, a half or a quarter of it for two or four.
//         q4, N=15360, K=5120: 44 MB of weights from memory, and from L2 123 MB in all with 16 tokens
//         and with 32 (201 MB with half the panels), where L2 has some three times the rate of memory.
//
// Limits  matmul_decode_kernel: 128 registers, 256 threads, 20480 bytes of shared memory
//         matmul_batch_kernel: 255 registers, 256 threads, 81920 bytes of shared memory
//
// Twin    cpu/matmul/matmul.cpp
#include "cuda/matmul/matmul_decode.cuh"

namespace bc::cuda {

void matmul_decode(const MatmulParams& p, const Facts& gpu, void* stream) {
  for_weights<Decode>(p, gpu, stream);
}

}  // namespace bc::cuda
