// What the CUDA ops get: raw device pointers and checked sizes, with the letters of ../ops.h. No
// type of the toolkit appears here; a stream is a cudaStream_t.
//
// Activations are bf16 or f16. The residual stream is f32 or the type of the activations.
#pragma once

#include <cstdint>

#include "ops.h"
#include "types.h"

namespace bc::cuda {

// What the kernels hold; everything else is refused before they are called.
constexpr int kHeadSize = 128;                         // of attention
constexpr int64_t kMaxNormWidth = 16384;               // C of rms_norm
constexpr int64_t kMaxSearchWidth = int64_t{1} << 17;  // V of argmax and top_k
constexpr int64_t kMaxTopK = 1024;

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
  int64_t T, C;        // C is a multiple of 8, up to kMaxNormWidth; so are the leading dimensions
  float eps;
};

// What becomes of the sums before they are stored.
//   swiglu  w has the rows of gate and up in turn, gate first: row 2f and row 2f + 1 give
//           out[m,f] = silu(gate) * up, with F = N / 2 columns.
enum class Epilogue { none, swiglu };

// out = (x w^T) * row_scale. A row of out depends on its row of x alone, to the last bit: not on M,
// nor on where in the batch the row stands, nor on the GPU.
struct MatmulParams {
  void* out;  // [M,N]; of swiglu [M,N/2]
  int64_t out_ld;
  const void* x;           // [M,K]
  int64_t x_ld;            // a multiple of 8
  const void* w;           // [N,K]: rows of the type of x, or panels of q8 or q4 (quant_layout.h)
  int64_t w_ld;            // of rows: a multiple of 8
  const float* row_scale;  // [N] or null
  Type type;               // of x: bf16 or f16
  Type out_type;           // f32 or the same
  Type w_type;             // the same, q8 or q4
  int64_t M, N, K;         // K is a multiple of 8; of q8 and q4, of 32. x and w lie at 16 bytes
  Epilogue epilogue;
  int processors;         // of the GPU, and the bytes of shared memory that a block may have there:
  int64_t shared_memory;  // they choose how the work is shared out, never a result
  bool early;             // no kernel writes w: it may be read while earlier ones still run
  void* scratch;          // matmul_scratch_bytes(p), at a multiple of 16
  bool hopper = false;    // kernels of sm_90a; q8 and q4 are in their order (quant_layout.h)
};

struct RopeParams {
  void* qkv;  // [T,3C], rotated in place
  int64_t ld;
  const int32_t* positions;  // [T], on the device
  Type type;                 // bf16 or f16
  int64_t T, H, D;           // D is a multiple of 16, at most 256; ld is a multiple of 8
  float base;
};

struct KvAppendParams {
  void* pages;      // [pages,2,H,64,D]
  Type pages_type;  // bf16, f16 or i8
  float* scales;    // [pages,2,H,64] for i8, else null
  const void* qkv;  // [T,3C], of which the keys and values are read
  int64_t ld;
  Type type;     // of qkv: bf16 or f16
  Ragged batch;  // on the device
  int64_t H, D;  // D is a multiple of 16, at most 256; ld is a multiple of 8
};

struct AttentionParams {
  void* out;  // [T,C]
  int64_t out_ld;
  const void* qkv;  // [T,3C], of which the queries are read
  int64_t ld;
  Type type;            // of out and qkv: bf16 or f16
  const void* pages;    // [pages,2,H,64,D]
  Type pages_type;      // the same, or i8
  const float* scales;  // [pages,2,H,64] for i8, else null
  Ragged batch;         // on the device; every sequence has a token
  const float* slopes;  // [H], on the device, or null
  int64_t H, D;         // D is kHeadSize; the leading dimensions are multiples of 8
  void* scratch;        // attention_scratch_bytes(T, B, P, H), at a multiple of 16
  bool hopper = false;  // kernels of sm_90a
  int processors = 0;   // of the GPU: they choose how the work is shared out, never a result
};

struct SwigluParams {
  void* out;  // [T,F]; may be gate or up
  int64_t out_ld;
  const void* gate;
  int64_t gate_ld;
  const void* up;
  int64_t up_ld;
  Type type;     // of all three: bf16 or f16
  int64_t T, F;  // F and the leading dimensions are multiples of 8
};

struct EmbedParams {
  void* out;  // [T,C]
  int64_t out_ld;
  const int32_t* ids;  // [T], each in [0,V), on the device
  const void* table;   // [V,C]
  int64_t table_ld;
  Type type;        // of out: f32, f16 or bf16
  Type table_type;  // f32, f16 or bf16
  int64_t T, C;     // C and the leading dimensions are multiples of 8
};

struct ArgmaxParams {
  int32_t* ids;  // [T]
  const float* x;
  int64_t x_ld;   // a multiple of 4
  int64_t T, V;   // V <= kMaxSearchWidth
  void* scratch;  // argmax_scratch_bytes(T, V), at a multiple of 8
};

struct TopKParams {
  float* values;  // [T,K]
  int32_t* ids;   // [T,K]
  const float* x;
  int64_t x_ld;     // a multiple of 4
  int64_t T, V, K;  // K <= V, K <= kMaxTopK, V <= kMaxSearchWidth
  void* scratch;    // top_k_scratch_bytes(T, V, K), at a multiple of 8
};

struct RowNormsParams {
  float* out;  // [N]
  const void* w;
  int64_t w_ld;
  Type w_type;   // f32, f16 or bf16
  int64_t N, K;  // K and w_ld are multiples of 8
};

struct QuantizeParams {
  void* out;               // packed panels (quant_layout.h), at a multiple of 16
  Type out_type;           // q8 or q4
  const void* w;           // [N,K], at a multiple of 16
  int64_t w_ld;            // a multiple of 8
  Type w_type;             // f32, f16 or bf16
  const float* row_scale;  // [N], on the device, or null
  int64_t N, K;            // K is a multiple of 32
  double* error;           // [2], on the device: sum of squared errors, sum of squares
  void* scratch;           // quantize_scratch_bytes(N, K), at a multiple of 8
  bool hopper = false;     // the order of its kernels
};

struct DequantizeParams {
  float* out;      // [N,K], at a multiple of 16
  int64_t out_ld;  // a multiple of 8
  const void* w;   // rows of f32, f16 or bf16, or panels of q8 or q4 (quant_layout.h), likewise
  int64_t w_ld;    // of rows: a multiple of 8
  Type w_type;
  int64_t N, K;         // K is a multiple of 32 for q8 and q4
  bool hopper = false;  // packed weights are in the order of its kernels
};

struct ConvertParams {
  void* out;  // [M,N], at a multiple of 16, as is x; they do not overlap
  int64_t out_ld;
  const void* x;
  int64_t x_ld;
  Type type;  // f32, f16 or bf16, as is x_type
  Type x_type;
  int64_t M, N;  // the leading dimensions are multiples of 8, or both are N
};

struct FillRandomParams {
  void* out;  // at a multiple of 16
  int64_t bytes;
  Type type;  // f32, f16, bf16, q8 or q4 (quant_layout.h)
  float deviation;
  uint64_t seed;
  bool hopper = false;  // q8 and q4 in the order of its kernels
};

void rms_norm(const RmsNormParams& p, void* stream);
int64_t matmul_scratch_bytes(const MatmulParams& p);  // by sizes and types: no pointer is looked at
void matmul(const MatmulParams& p, void* stream);
void rope(const RopeParams& p, void* stream);
void kv_append(const KvAppendParams& p, void* stream);
int64_t attention_scratch_bytes(int64_t T, int64_t B, int64_t P, int64_t H);
void attention(const AttentionParams& p, void* stream);
void swiglu(const SwigluParams& p, void* stream);
void embed(const EmbedParams& p, void* stream);
int64_t argmax_scratch_bytes(int64_t T, int64_t V);
void argmax(const ArgmaxParams& p, void* stream);
int64_t top_k_scratch_bytes(int64_t T, int64_t V, int64_t K);
void top_k(const TopKParams& p, void* stream);
void row_norms(const RowNormsParams& p, void* stream);
int64_t quantize_scratch_bytes(int64_t N, int64_t K);
void quantize(const QuantizeParams& p, void* stream);
void dequantize(const DequantizeParams& p, void* stream);
void convert(const ConvertParams& p, void* stream);
void fill_random(const FillRandomParams& p, void* stream);

}  // namespace bc::cuda
