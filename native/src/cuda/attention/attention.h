// The kernels that attention.cu chooses from.
#pragma once

#include "cuda/cuda.cuh"
#include "cuda/kernels.h"

namespace bc::cuda {

// Sequences of up to kFewQueries tokens are split over the cache (attention_decode.cu), longer ones into
// tiles of queries (attention_prefill.cu). Each kernel passes over the other's sequences.

void attention_prefill(const AttentionParams& p, void* stream);
void attention_prefill_sm90(const AttentionParams& p, const Facts& gpu, void* stream);
void attention_decode(const AttentionParams& p, const Facts& gpu, void* stream);

// The largest squares of the lengths of keys and queries (attention_norms.cu).
struct AttentionNorms {
  static constexpr int64_t kTokens = 128;  // in a chunk of the batch
  static constexpr int kHeadSize = 128;    // the only size that they are found for
  static __host__ __device__ int64_t chunks(int64_t T) { return (T + kTokens - 1) / kTokens; }

  float* keys = nullptr;     // [B,G,P], for the keys of a page; null where they are not known
  float* queries = nullptr;  // [H,chunks]
};
int64_t attention_norms_bytes(const AttentionParams& p);
AttentionNorms attention_norms(const AttentionParams& p, const Facts& gpu,
                               void* stream);  // writes them to p.scratch

int64_t attention_decode_scratch_bytes(const AttentionParams& p);

}  // namespace bc::cuda
