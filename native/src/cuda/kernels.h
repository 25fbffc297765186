// The ops on a GPU, as ops.h describes them. A stream is a cudaStream_t: no type of the toolkit appears
// here. Facts choose the kernels, and how work is shared out; no bit of a result depends on the number
// of SMs or on shared memory. What the kernels rely on besides is in limits.cpp.
#pragma once

#include <cstdint>

#include "cuda/facts.h"
#include "ops.h"

namespace bc::cuda {

constexpr int64_t kHeadSizes[] = {64, 128};  // D of attention
// Tokens of a sequence up to which attention splits the cache; more are tiles of queries, which round
// differently (attention.cu).
constexpr int64_t kFewQueries = 8;
constexpr int64_t kMaxNormWidth = 16384;               // C of rms_norm
constexpr int64_t kMaxSearchWidth = int64_t{1} << 17;  // V of top_k
constexpr int64_t kMaxTopK = 1024;

void embed(const EmbedParams& p, void* stream);
void rms_norm(const RmsNormParams& p, void* stream);
// Bytes of scratch follow from sizes and types alone; no pointer is looked at. The scratch of every op is
// at a multiple of 16.
int64_t matmul_scratch_bytes(const MatmulParams& p, const Facts& gpu);
void matmul(const MatmulParams& p, const Facts& gpu, void* stream);
void rope(const RopeParams& p, void* stream);
void kv_append(const KvAppendParams& p, void* stream);
void kv_copy(const KvCopyParams& p, void* stream);
int64_t attention_scratch_bytes(const AttentionParams& p);  // as for matmul
void attention(const AttentionParams& p, const Facts& gpu, void* stream);
void swiglu(const SwigluParams& p, void* stream);
int64_t lora_scratch_bytes(int64_t T);
void lora(const LoraParams& p, void* stream);
int64_t top_k_scratch_bytes(int64_t T, int64_t V, int64_t K);
void top_k(const TopKParams& p, void* stream);
int64_t quantize_scratch_bytes(int64_t N, int64_t K);
void quantize(const QuantizeParams& p, const Facts& gpu, void* stream);  // p.error is on the device
void dequantize(const DequantizeParams& p, const Facts& gpu, void* stream);
void convert(const ConvertParams& p, void* stream);
void row_norms(const RowNormsParams& p, void* stream);
void fill_random(const FillRandomParams& p, const Facts& gpu, void* stream);

}  // namespace bc::cuda
