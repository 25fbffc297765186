// The two ways of attention.cu.
#pragma once

#include "kernels.h"

namespace bc::cuda {

// Sequences of up to so many tokens are split over the cache (attention_decode.cu), longer ones into
// tiles of queries (attention_prefill.cu). Each kernel passes over the other's sequences.
constexpr int64_t kFewQueries = 8;

void attention_prefill(const AttentionParams& p, void* stream);
void attention_prefill_sm90(const AttentionParams& p, void* stream);  // pages of 16-bit elements
void attention_decode(const AttentionParams& p, void* stream);
int64_t attention_decode_scratch_bytes(int64_t T, int64_t B, int64_t P, int64_t H);

}  // namespace bc::cuda
