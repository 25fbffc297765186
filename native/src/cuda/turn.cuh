// Cosine and sine of the angles of rope, which are counted in quarter turns.
#pragma once

#include "cuda/cuda.cuh"
#include "ops.h"

namespace bc::cuda {

struct Turn {
  float cosine, sine;
};

// Taylor's series on [-pi/4, pi/4]; the first terms left out are below 2^-29.
__device__ __forceinline__ Turn turn(double quarters) {
  const double whole = rint(quarters);
  const auto x = static_cast<float>((quarters - whole) * 1.5707963267948966);
  const float square = x * x;
  float s = fmaf(square, 1.0f / 362880, -1.0f / 5040);
  s = fmaf(square, s, 1.0f / 120);
  s = fmaf(square, s, -1.0f / 6);
  s = fmaf(x * square, s, x);
  float c = fmaf(square, -1.0f / 3628800, 1.0f / 40320);
  c = fmaf(square, c, -1.0f / 720);
  c = fmaf(square, c, 1.0f / 24);
  c = fmaf(square, c, -0.5f);
  c = fmaf(square, c, 1.0f);
  // Each quarter turn makes (c, s) into (-s, c).
  const auto quadrant = static_cast<int64_t>(whole) & 3;
  const float cosine = (quadrant & 1) != 0 ? s : c;
  const float sine = (quadrant & 1) != 0 ? c : s;
  return {quadrant == 1 || quadrant == 2 ? -cosine : cosine, quadrant >= 2 ? -sine : sine};
}

// The same op with its frequencies in quarter turns.
inline RopeParams quarters(RopeParams p) {
  for (double& f : p.frequencies) f *= 0.6366197723675814;  // 2 / pi
  return p;
}

}  // namespace bc::cuda
