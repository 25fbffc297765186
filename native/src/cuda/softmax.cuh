// Softmax of a row that comes in tiles: the maximum so far, and sums relative to it.
//
// Source  Milakov & Gimelshein 2018, arXiv:1805.02867
#pragma once

#include "cuda/ptx/ptx.cuh"

namespace bc::cuda {

constexpr float kLog2E = 1.4426950408889634f;

// Scores are in units of log2: multiplied by kLog2E before they come here.
struct OnlineSoftmax {
  float max = -INFINITY;
  float sum = 0.0f;  // the sum of weight() so far

  // Takes the maximum of the next tile. Returns the factor that everything summed so far is multiplied by.
  __device__ __forceinline__ float raise(float tile_max) {
    const float higher = fmaxf(max, tile_max);
    const float factor = max == higher ? 1.0f : ptx::ex2(max - higher);
    max = higher;
    sum *= factor;
    return factor;
  }

  // 0 if the score is -inf, even if all scores so far are.
  __device__ __forceinline__ float weight(float score) const {
    return ptx::ex2(score - (max == -INFINITY ? 0.0f : max));
  }
};

}  // namespace bc::cuda
