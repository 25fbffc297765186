// The instruction-set variants of what calibrated rounding consists of, as in vector_kernels.h.
#pragma once

#include <vector>

#include "cpu/isa.h"
#include "cpu/tile_products.h"
#include "ops.h"

namespace bc::cpu {

// What a thread needs to round the rows of a unit.
struct RoundingRoom {
  std::vector<float> numbers;
};

struct CalibrateKernels {
  // TileProducts::add.
  void (*add_products)(float* out, int64_t out_ld, TileOperand a, int64_t m, TileRows<float> b,
                       int64_t n, float sign);
  // Solves u^T x = b in place for kTile columns: u [n,n] upper triangular, rows u_ld apart, b rows b_ld
  // apart.
  void (*solve)(const float* u, int64_t u_ld, int64_t n, float* b, int64_t b_ld);
  // Rows [begin, end) of a unit, at most kTile; adds to error[0..2].
  void (*round)(const RoundWeightsParams& p, int64_t begin, int64_t end, RoundingRoom& room,
                double* error);
};

extern const CalibrateKernels scalar_calibrate_kernels;
#if defined(__x86_64__)
extern const CalibrateKernels avx2_calibrate_kernels;
extern const CalibrateKernels avx512_calibrate_kernels;
#endif

// The kernels of an instruction set that this processor has; without an argument those of isa().
const CalibrateKernels& calibrate_kernels(Isa isa);
const CalibrateKernels& calibrate_kernels();

}  // namespace bc::cpu
