// matmul_backward_input, matmul_backward_weight: dx (+)= (dy * row_scale) w and dw += dy^T x.
//
// Shapes  dx, x [M,K]; dy [M,N]; dw [N,K], all f32; w [N,K] f32, f16, bf16 or packed as a matmul's; row_scale
//         [N] or none. Scratch has 4096 rows of packed weights in f32.
// Method  Tiles of 128 by 128 sums. In f32 (tile_products.cuh) where that is asked for, and for weights in f32;
//         else both operands are rounded to bf16 for the tensor cores, which sum in f32 (pair_products.cuh).
//         Packed weights are decoded (dequantize.cu) and multiplied 4096 rows at a time; dx is read and
//         written again for each of these parts, 8 bytes for 8192 operations. An output's additions are in
//         an order that N or M alone decides.
// Bound   Compute: M N K products. M=2048, N=K=4096 on an H100: 1.03 ms in f32 at 66.9 TFLOP/s, 0.07 ms in
//         bf16 at 989. Tiles ask for operands again, MNK/16 bytes in all, most of them from L2.
//
// Limits  matmul_backward_input_kernel: 128 registers, 256 threads, 16896 bytes of shared memory
//         matmul_backward_weight_kernel: 128 registers, 256 threads, 16896 bytes of shared memory
//         matmul_backward_input_pairs_kernel: 128 registers, 256 threads, 16384 bytes of shared memory
//         matmul_backward_weight_pairs_kernel: 128 registers, 256 threads, 16384 bytes of shared memory
//
// Twin    cpu/train/matmul_backward.cpp
#include "cuda/kernels.h"
#include "cuda/train/kernels.h"
#include "cuda/train/pair_products.cuh"
#include "cuda/train/tile_products.cuh"
#include "quant.h"

namespace bc::cuda {
namespace {

constexpr int kTile = 128;
constexpr size_t kTileBytes = kSliceFloats<kTile> * sizeof(float);
constexpr int64_t kRows = 4096;  // of packed weights that are decoded at once: whole panels
constexpr int kBlocks = 2;       // of an SM, for which registers are left

template <class W, bool kAdd>
__global__ void __launch_bounds__(kTileThreads, kBlocks)
    matmul_backward_input_kernel(MatmulBackwardInputParams p) {
  const int64_t k0 = int64_t{blockIdx.x} * kTile;
  const int64_t m0 = int64_t{blockIdx.y} * kTile;
  const OperandColumns<kTile> dy(p.dy, p.dy_ld, p.N, p.M, m0, p.row_scale);
  const OperandRows<kTile, W> w(static_cast<const W*>(p.w), p.w_ld, p.N, p.K, k0);
  SlicePlaces<kTile> places;
  store_tile<kAdd>(tile_products(dy, w, p.N, places), p.dx, p.dx_ld, p.M, p.K, m0, k0);
}

__global__ void __launch_bounds__(kTileThreads, kBlocks)
    matmul_backward_weight_kernel(MatmulBackwardWeightParams p) {
  const int64_t k0 = int64_t{blockIdx.x} * kTile;
  const int64_t n0 = int64_t{blockIdx.y} * kTile;
  const OperandRows<kTile, float> dy(p.dy, p.dy_ld, p.M, p.N, n0);
  const OperandRows<kTile, float> x(p.x, p.x_ld, p.M, p.K, k0);
  SlicePlaces<kTile> places;
  store_tile<true>(tile_products(dy, x, p.M, places), p.dw, p.dw_ld, p.N, p.K, n0, k0);
}

template <class W, bool kAdd>
__global__ void __launch_bounds__(kPairThreads, kBlocks)
    matmul_backward_input_pairs_kernel(MatmulBackwardInputParams p) {
  const int64_t k0 = int64_t{blockIdx.x} * kPairTile;
  const int64_t m0 = int64_t{blockIdx.y} * kPairTile;
  const PairColumns dy(p.dy, p.dy_ld, p.N, p.M, m0, p.row_scale);
  const PairRows<W> w(static_cast<const W*>(p.w), p.w_ld, p.N, p.K, k0);
  PairSums sums;
  pair_products(sums, dy, w, p.N);
  store_pairs<kAdd>(sums, p.dx, p.dx_ld, p.M, p.K, m0, k0);
}

__global__ void __launch_bounds__(kPairThreads, kBlocks)
    matmul_backward_weight_pairs_kernel(MatmulBackwardWeightParams p) {
  const int64_t k0 = int64_t{blockIdx.x} * kPairTile;
  const int64_t n0 = int64_t{blockIdx.y} * kPairTile;
  const PairRows<float> dy(p.dy, p.dy_ld, p.M, p.N, n0);
  const PairRows<float> x(p.x, p.x_ld, p.M, p.K, k0);
  PairSums sums;
  pair_products(sums, dy, x, p.M);
  store_pairs<true>(sums, p.dw, p.dw_ld, p.N, p.K, n0, k0);
}

static_assert(kPairTile == kTile && kPairThreads == kTileThreads, "both have the same grids");

Launch tiles(int64_t rows, int64_t columns, size_t shared_bytes, void* stream) {
  const dim3 grid(static_cast<unsigned>((columns + kTile - 1) / kTile),
                  static_cast<unsigned>((rows + kTile - 1) / kTile));
  return {grid, dim3(kTileThreads), shared_bytes, stream};
}

template <class W, bool kAdd>
void launch_input(const MatmulBackwardInputParams& p, bool pairs, void* stream) {
  if (pairs) {
    launch<matmul_backward_input_pairs_kernel<W, kAdd>>(tiles(p.M, p.K, kPairBytes, stream), p);
  } else {
    launch<matmul_backward_input_kernel<W, kAdd>>(tiles(p.M, p.K, kTileBytes, stream), p);
  }
}

template <class W>
void launch_input(const MatmulBackwardInputParams& p, bool pairs, void* stream) {
  p.accumulate ? launch_input<W, true>(p, pairs, stream) : launch_input<W, false>(p, pairs, stream);
}

int64_t rows_at_once(const MatmulBackwardInputParams& p) { return p.N < kRows ? p.N : kRows; }

}  // namespace

int64_t matmul_backward_scratch_bytes(const MatmulBackwardInputParams& p) {
  return is_quantized(p.w_type) ? rows_at_once(p) * p.K * static_cast<int64_t>(sizeof(float)) : 0;
}

void matmul_backward_input(const MatmulBackwardInputParams& p, const Facts& gpu, void* scratch,
                           void* stream) {
  const bool pairs = !p.exact && p.w_type != Type::f32;
  if (!is_quantized(p.w_type)) {
    return for_plain(p.w_type, [&](auto w) { launch_input<decltype(w)>(p, pairs, stream); });
  }
  auto* const decoded = static_cast<float*>(scratch);
  for (int64_t n0 = 0; n0 < p.N; n0 += kRows) {
    MatmulBackwardInputParams part = p;
    part.N = p.N - n0 < kRows ? p.N - n0 : kRows;
    const uint8_t* const from = static_cast<const uint8_t*>(p.w) + packed_bytes(p.w_type, n0, p.K);
    dequantize({decoded, p.K, from, p.w_type, 0, part.N, p.K}, gpu, stream);
    part.dy += n0;
    part.w = decoded;
    part.w_ld = p.K;
    if (p.row_scale != nullptr) part.row_scale += n0;
    part.accumulate = p.accumulate || n0 > 0;
    launch_input<float>(part, pairs, stream);
  }
}

void matmul_backward_weight(const MatmulBackwardWeightParams& p, void* stream) {
  if (p.exact) {
    launch<matmul_backward_weight_kernel>(tiles(p.N, p.K, kTileBytes, stream), p);
  } else {
    launch<matmul_backward_weight_pairs_kernel>(tiles(p.N, p.K, kPairBytes, stream), p);
  }
}

}  // namespace bc::cuda
