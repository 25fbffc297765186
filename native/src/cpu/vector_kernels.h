// The instruction-set variants of all kernels but the matrix ones. Each table is in the file
// compiled for that set and is filled by the compiler: no instruction of that set runs before it is
// chosen.
#pragma once

#include "cpu/isa.h"
#include "cpu/kernels.h"
#include "ops.h"

namespace bc::cpu {

// Queries that share the pages they read: consecutive tokens of one sequence, each with the same
// consecutive query heads of one key-value head.
struct QueryTile {
  int64_t sequence;
  int64_t begin, end;   // tokens
  int64_t head, heads;  // the first query head, and how many
};

// A tile of tokens with the same adapter, and their products with its A.
struct LoraProducts {
  const int32_t* tokens;  // [count]
  int64_t count;          // 1 to kLoraTokens
  int32_t adapter;
  float* sums;  // [count,R]: x A^T times the scale
  int64_t ld;
};
constexpr int64_t kLoraTokens = 4;

struct VectorKernels {
  // Tokens [begin, end).
  void (*embed)(const EmbedParams& p, int64_t begin, int64_t end);
  void (*rms_norm)(const RmsNormParams& p, int64_t begin, int64_t end);
  // cosine and sine [D/2] of one token's angles.
  void (*rope)(const RopeParams& p, const float* cosine, const float* sine, int64_t token);
  void (*kv_append)(const KvAppendParams& p, int64_t begin, int64_t end);
  // scratch: attention_scratch(D) floats.
  void (*attention)(const AttentionParams& p, const QueryTile& tile, float* scratch);
  // Columns [begin, end) of one token.
  void (*swiglu)(const SwigluParams& p, int64_t token, int64_t begin, int64_t end);
  // Ranks [begin, end) of a tile's products with A, and columns [begin, end) of its sums with B.
  void (*lora_a)(const LoraParams& p, const LoraProducts& products, int64_t begin, int64_t end);
  void (*lora_b)(const LoraParams& p, const LoraProducts& products, int64_t begin, int64_t end);
  void (*top_k)(const TopKParams& p, int64_t begin, int64_t end);
};

extern const VectorKernels scalar_vector_kernels;
#if defined(__x86_64__)
extern const VectorKernels avx2_vector_kernels;
extern const VectorKernels avx512_vector_kernels;
extern const VectorKernels avx512_bf16_vector_kernels;
#endif

// The kernels of an instruction set that this processor has. Without an argument (kernels.h) they are
// those of isa().
const VectorKernels& vector_kernels(Isa isa);

}  // namespace bc::cpu
