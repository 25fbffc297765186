// Where K is cut: every kernel sums the parts of K apart, and adds the parts up in order.
#pragma once

#include <cstdint>

#include "cuda/cuda.cuh"

namespace bc::cuda {

// The bounds of up to kCount parts in steps of kColumns columns. They depend on K alone, so that every
// number of tokens, every tile and every share of the work gives the same bits.
template <int kCount, int kColumns>
struct PartsOfK {
  int steps;    // of K; the last may have fewer columns
  int of_part;  // steps of a part; the last may have fewer
  int parts;    // that have steps at all

  __host__ __device__ explicit PartsOfK(int64_t K)
      : steps(static_cast<int>((K + kColumns - 1) / kColumns)),
        of_part((steps + kCount - 1) / kCount),
        parts((steps + of_part - 1) / of_part) {}
  __host__ __device__ int begin(int part) const {
    return part * of_part < steps ? part * of_part : steps;
  }
};

}  // namespace bc::cuda
