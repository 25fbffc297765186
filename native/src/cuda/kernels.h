// What the CUDA ops get: raw device pointers and checked sizes, with the letters of ../ops.h. No
// type of the toolkit appears here; a stream is a cudaStream_t.
//
// Activations are bf16 or f16. The residual stream is f32 or the type of the activations.
#pragma once

#include <cstdint>

#include "../types.h"

namespace bc::cuda {

struct RmsNormParams {
  void* out;  // [T,C]
  int64_t out_ld;
  void* x;  // [T,C], the residual stream
  int64_t x_ld;
  const void* delta;  // [T,C]: x += delta first; null for rms_norm
  int64_t delta_ld;
  const void* weight;  // [C]
  Type type;           // of out and delta: bf16 or f16
  Type x_type;         // f32 or the same
  Type weight_type;    // f32, f16 or bf16
  int64_t T, C;        // C is a multiple of 8, at most 16384; so are the leading dimensions
  float eps;
};

void rms_norm(const RmsNormParams& p, void* stream);

}  // namespace bc::cuda
