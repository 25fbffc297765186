// attention: out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached positions
// 0..i of a query at i, or with a window over i - window + 1..i. docs/attention-hopper.md says which
// kernel gets which sequence, and what follows for the bits.
//
// Shapes  qkv [T,(H+2G)D], of which the queries [T,H D] are read; pages [pages,2,G,64,D] of the same
//         type, or i8 with scales [pages,2,G,64]; slopes [H] or none; out [T,H D]. Query head h reads
//         key-value head h / (H / G). D is 64 or 128.
//
// Method  Two kernels, each for the sequences that it suits: attention_decode.cu for those of up to 8
//         tokens, attention_prefill.cu or, on Hopper, attention_prefill_sm90.cu for longer ones. They
//         choose on the device, by offsets, so that a token's result does not depend on what else is
//         in the batch, and a recorded step may be replayed with other offsets. The host knows sizes
//         only and launches the kernels that may find work.
//
// Bound   That of the kernel that a sequence goes to. A block of the other kernel reads two offsets and
//         ends.
//
// Twin    cpu/attention/attention.cpp
#include <algorithm>

#include "cuda/attention/attention.h"

namespace bc::cuda {
namespace {

bool may_be_few(int64_t T, int64_t B) { return B > 1 || T <= kFewQueries; }
bool may_be_many(int64_t T, int64_t B) { return T - B + 1 > kFewQueries; }

}  // namespace

int64_t attention_scratch_bytes(const AttentionParams& p) {
  // The two kernels run one after the other and share the scratch.
  const bool few = may_be_few(p.batch.T, p.batch.B);
  const bool many = may_be_many(p.batch.T, p.batch.B);
  return std::max(few ? attention_decode_scratch_bytes(p) : 0, many ? attention_norms_bytes(p) : 0);
}

void attention(const AttentionParams& p, const Facts& gpu, void* stream) {
  if (may_be_many(p.batch.T, p.batch.B)) {
    gpu.hopper ? attention_prefill_sm90(p, gpu, stream) : attention_prefill(p, stream);
  }
  if (may_be_few(p.batch.T, p.batch.B)) attention_decode(p, gpu, stream);
}

}  // namespace bc::cuda
