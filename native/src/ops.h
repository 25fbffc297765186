// What every op gets: raw pointers and checked sizes. Kernels start from these facts and check
// nothing again.
//
// Letters: T tokens in the call, B sequences, C hidden size, H heads, D head size, F feed-forward
// size, V vocabulary, P page slots of a sequence; out[M,N] = x[M,K] w[N,K]^T. A leading dimension
// (ld) counts elements between rows.
#pragma once

#include <cstdint>
#include <vector>

#include "thread_pool.h"
#include "types.h"

namespace bc {

constexpr int64_t kPageSize = 64;

struct EmbedParams {
  float* out;  // [T,C]
  int64_t out_ld;
  const int32_t* ids;  // [T], each in [0,V)
  const void* table;   // [V,C]
  Type table_type;
  int64_t table_ld;
  int64_t T, C, V;
};

struct RmsNormParams {
  float* out;  // [T,C]
  int64_t out_ld;
  float* x;  // [T,C]
  int64_t x_ld;
  const float* delta;  // [T,C]: x += delta first; null for rms_norm
  int64_t delta_ld;
  const void* weight;  // [C]
  Type weight_type;
  int64_t T, C;
  float eps;
};

struct MatmulParams {
  float* out;  // [M,N]
  int64_t out_ld;
  const float* x;  // [M,K]
  int64_t x_ld;
  const void* w;  // [N,K]: f32, f16 or bf16 rows, or packed panels (quant.h)
  Type w_type;
  int64_t w_ld;
  const float* row_scale;  // [N] or null
  int64_t M, N, K;
  bool exact;                     // keep x in f32
  std::vector<uint8_t>* scratch;  // grows to what x takes when it is rounded
};

// The angles of the last call's tokens: layers of a step share positions. As long as the largest
// batch and not as the longest sequence: 4TD bytes, where a table of all 196608 positions would
// take 100 MB.
struct RopeAngles {
  float base = 0.0f;
  int64_t D = 0;
  std::vector<double> frequencies;  // [D/2]
  std::vector<int32_t> positions;   // [T]
  std::vector<float> turns;         // [T,2,D/2] cosines, then sines
};

struct RopeParams {
  float* qkv;  // [T,3C], rotated in place
  int64_t ld;
  const int32_t* positions;  // [T]
  int64_t T, H, D;
  float base;
  RopeAngles* angles = nullptr;
};

// Sequences of a ragged batch: offsets rise from 0 to T, positions rise by one inside a sequence,
// and every page that positions 0..last of a sequence need is in [0, pages).
struct Ragged {
  const int32_t* positions;  // [T]
  const int32_t* offsets;    // [B+1]
  const int32_t* table;      // [B,P]
  int64_t T, B, P;
  int64_t pages;
};

struct KvAppendParams {
  void* pages;  // [pages,2,H,64,D]
  Type type;
  float* scales;     // [pages,2,H,64] for i8, else null
  const float* qkv;  // [T,3C]
  int64_t ld;
  Ragged batch;
  int64_t H, D;
};

struct AttentionParams {
  float* out;  // [T,C]
  int64_t out_ld;
  const float* qkv;  // [T,3C], of which the queries are read
  int64_t ld;
  const void* pages;  // [pages,2,H,64,D]
  Type type;
  const float* scales;  // [pages,2,H,64] for i8, else null
  Ragged batch;
  const float* slopes;  // [H] or null
  int64_t H, D;
  bool exact = false;                       // multiply in f32 whatever the pages hold
  std::vector<uint8_t>* scratch = nullptr;  // grows to what the threads need
};

struct SwigluParams {
  float* out;  // [T,F]
  int64_t out_ld;
  const float* gate;
  int64_t gate_ld;
  const float* up;
  int64_t up_ld;
  int64_t T, F;
};

struct TopKParams {
  float* values;  // [T,K]
  int32_t* ids;   // [T,K]
  const float* x;
  int64_t x_ld;
  int64_t T, V, K;
};

struct ArgmaxParams {
  int32_t* ids;  // [T]
  const float* x;
  int64_t x_ld;
  int64_t T, V;
};

struct QuantizeParams {
  void* out;  // packed panels (quant.h)
  Type out_type;
  const void* w;  // [N,K]
  Type w_type;
  int64_t w_ld;
  const float* row_scale;  // [N] or null
  int64_t N, K;
  double error[2];  // sum of squared errors, sum of squares; written
};

struct DequantizeParams {
  float* out;  // [N,K]
  int64_t out_ld;
  const void* w;
  Type w_type;
  int64_t w_ld;
  int64_t N, K;
};

struct ConvertParams {
  void* out;  // [M,N]
  Type type;  // f32, f16 or bf16, as is x_type
  int64_t out_ld;
  const void* x;
  Type x_type;
  int64_t x_ld;
  int64_t M, N;
};

struct RowNormsParams {
  float* out;  // [N]
  const void* w;
  Type w_type;
  int64_t w_ld;
  int64_t N, K;
};

namespace cpu {

void embed(const EmbedParams& p, ThreadPool& pool);
void rms_norm(const RmsNormParams& p, ThreadPool& pool);
void matmul(const MatmulParams& p, ThreadPool& pool);
// w has the rows of gate and up in turn, gate first; out is [M,N/2]. memory grows to the sums of 64
// tokens.
void matmul_swiglu(const MatmulParams& p, std::vector<float>& memory, ThreadPool& pool);
void rope(const RopeParams& p, ThreadPool& pool);
void kv_append(const KvAppendParams& p, ThreadPool& pool);
void attention(const AttentionParams& p, ThreadPool& pool);
void swiglu(const SwigluParams& p, ThreadPool& pool);
void top_k(const TopKParams& p, ThreadPool& pool);
void argmax(const ArgmaxParams& p, ThreadPool& pool);
void quantize(QuantizeParams& p, ThreadPool& pool);
void dequantize(const DequantizeParams& p, ThreadPool& pool);
void convert(const ConvertParams& p, ThreadPool& pool);
void row_norms(const RowNormsParams& p, ThreadPool& pool);

}  // namespace cpu
}  // namespace bc
