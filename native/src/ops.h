// What does every op get, on every device? Raw pointers, sizes, and the type of each operand. The api
// has checked that shapes agree, and a backend checks what it needs besides (backend.h). Kernels start
// from these facts and check nothing again.
//
// Letters: T tokens in the call, B sequences, C hidden size, H query heads, G key-value heads, each
// of which serves H / G query heads that follow each other, D head size, F feed-forward size, V
// vocabulary, P page slots of a sequence; out[M,N] = x[M,K] w[N,K]^T. A row of qkv has the H
// queries, then the G keys, then the G values: (H + 2G) D numbers; H D need not be C. A leading
// dimension (ld) counts elements between rows. Memory is the device's, except where a comment says
// that it is the host's.
//
// Activations are f32 on the CPU, and bf16 or f16 on a GPU, where the residual stream may be f32.
#pragma once

#include <cstdint>

#include "types.h"

namespace bc {

constexpr int64_t kPageSize = 64;
constexpr int64_t kMaxHeadSize = 256;
// Most query heads of a key-value head: a tile of attention has the rows of all of them.
constexpr int64_t kMaxGroup = 64;

struct EmbedParams {
  void* out;  // [T,C]
  Type out_type;
  int64_t out_ld;
  const int32_t* ids;  // [T], each in [0,V)
  const void* table;   // [V,C]: f32, f16 or bf16
  Type table_type;
  int64_t table_ld;
  int64_t T, C, V;
};

struct RmsNormParams {
  void* out;  // [T,C]
  Type out_type;
  int64_t out_ld;
  void* x;  // [T,C], the residual stream
  Type x_type;
  int64_t x_ld;
  const void* delta;  // [T,C], of the type of out: x += delta first; null for rms_norm
  int64_t delta_ld;
  const void* weight;  // [C]: f32, f16 or bf16
  Type weight_type;
  int64_t T, C;
  float eps;
  bool weight_at_rest = false;  // as w_at_rest of MatmulParams
};

// How sums are changed before they are stored.
//   swiglu  w has the rows of gate and up in turn, gate first: row 2f and row 2f + 1 give
//           out[m,f] = silu(gate) * up, with F = N / 2 columns.
enum class Epilogue { none, swiglu };

// out = (x w^T) * row_scale + bias, before the epilogue. A row of out depends on its row of x alone, to
// the last bit: not on M, nor on where in the batch the row stands, nor on how many threads or SMs
// there are.
struct MatmulParams {
  void* out;  // [M,N]; of swiglu [M,N/2]
  Type out_type;
  int64_t out_ld;
  const void* x;  // [M,K]
  Type x_type;
  int64_t x_ld;
  const void* w;  // [N,K]: rows of f32, f16 or bf16, or packed panels (quant.h)
  Type w_type;
  int64_t w_ld;
  const float* row_scale;  // [N] or null
  const float* bias;       // [N] or null
  int64_t M, N, K;
  Epilogue epilogue;
  bool exact;      // keeps x in f32 where weights are multiplied in another type
  bool w_at_rest;  // no op that may still run writes w: it may be read before those have ended
  void* scratch;
};

// Where there are norms, each query and key head first becomes head / sqrt(mean(head^2) + eps) * norm.
// Then its pairs (x_k, x_{k+D/2}) turn by the angle position * frequencies[k] and are multiplied by
// scale.
struct RopeParams {
  void* qkv;  // [T,(H+2G)D], queries and keys changed in place
  Type type;
  int64_t ld;
  const int32_t* positions;  // [T]
  int64_t T, H, G, D;
  float scale;         // of cosines and sines: 1, or YaRN's factor
  const void* q_norm;  // [D]: f32, f16 or bf16; null where there are no norms
  const void* k_norm;  // [D], of the same type
  Type norm_type;
  float eps;
  double frequencies[kMaxHeadSize / 2];  // [D/2], radians from a position to the next
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
  void* pages;      // [pages,2,G,64,D]
  Type pages_type;  // f32, f16, bf16 or i8
  float* scales;    // [pages,2,G,64] for i8, else null
  const void* qkv;  // [T,(H+2G)D], of which the keys and values are read
  Type qkv_type;
  int64_t ld;
  Ragged batch;
  int64_t H, G, D;
};

// Copies a page of the cache to another.
struct KvCopyParams {
  uint8_t* pages;       // [pages, page_bytes], page_bytes a multiple of 1024
  int64_t page_bytes;   // 2 G 64 D elements
  float* scales;        // [pages, page_scales] for i8, else null
  int64_t page_scales;  // 2 G 64
  int64_t from, to;
};

struct AttentionParams {
  void* out;  // [T,H D]
  Type out_type;
  int64_t out_ld;
  const void* qkv;  // [T,(H+2G)D], of which the queries are read
  Type qkv_type;
  int64_t ld;
  const void* pages;  // [pages,2,G,64,D]
  Type pages_type;
  const float* scales;  // [pages,2,G,64] for i8, else null
  Ragged batch;
  const float* slopes;  // [H] or null
  int64_t H, G, D;
  int64_t window;  // a query at i sees positions i - window + 1 to i; 0: all up to i
  bool exact;      // multiplies in f32 whatever the pages hold
  void* scratch;
};

struct SwigluParams {
  void* out;  // [T,F]; may be gate or up
  int64_t out_ld;
  const void* gate;
  int64_t gate_ld;
  const void* up;
  int64_t up_ld;
  Type type;  // of all three
  int64_t T, F;
};

// Adapters of low rank, in a table of rows of four numbers: the rank R, 0 to kMaxLoraRank; the type of the
// elements; and where A [R,K] and B [R,N] begin in the pool, in units of kPoolUnit bytes.
constexpr int64_t kMaxLoraRank = 512;
constexpr int64_t kPoolUnit = 64;
enum AdapterField { kRank, kElements, kBeginA, kBeginB, kAdapterFields };

// out += scales[s] * (x A^T) B for the adapter s of each token; -1 for none. A row of out depends on its
// row of x and its adapter alone, to the last bit.
struct LoraParams {
  void* out;  // [T,N], changed in place
  Type out_type;
  int64_t out_ld;
  const void* x;  // [T,K]
  Type x_type;
  int64_t x_ld;
  const uint8_t* pool;
  const int32_t* table;       // [S,4]
  const float* scales;        // [S]
  const int32_t* adapter_of;  // [T], each in [-1,S)
  int64_t T, N, K;
  void* scratch;
};

// A masked row takes part with the numbers that its mask allows: bit v % 32 of word v / 32 is set for
// v, and bits from V on do not count. Places without a number hold -inf and id -1.
struct TopKParams {
  float* values;  // [T,K]
  int32_t* ids;   // [T,K]
  const float* x;
  int64_t x_ld;
  int64_t T, V, K;
  void* scratch;
  const uint32_t* masks = nullptr;  // [M,ceil(V/32)] or null
  int64_t masks_ld = 0;
  const int32_t* mask_of = nullptr;  // [T] with masks: each in [-1,M), -1 for a row without a mask
};

struct QuantizeParams {
  void* out;  // packed panels
  Type out_type;
  const void* w;  // [N,K]: f32, f16 or bf16
  Type w_type;
  int64_t w_ld;
  const float* row_scale;  // [N] or null
  int64_t N, K;
  double* error;  // [2]: sum of squared errors, sum of squares; written
  void* scratch;
};

// What calibration computes with, on the CPU alone (docs/calibration.md). Moments are sums of x^T x.
struct SecondMomentsParams {
  float* sums;  // [K,K], of which the diagonal and what is above it are added to; with y all of it
  int64_t sums_ld;
  const float* x;  // [T,K]
  int64_t x_ld;
  const float* y;  // [T,K], for sums of (y - x)^T x, or null
  int64_t y_ld;
  int64_t T, K;
};

struct MomentsFactorParams {
  float* factor;  // [K,K]: upper triangular, in the order of the moments' diagonal
  int64_t factor_ld;
  float* moments;  // [K,K]: made symmetric, and damped
  int64_t moments_ld;
  int64_t K;
  float damping;   // of the mean of the diagonal, added to it
  double* damped;  // the damping that there is a factor for; written
};

struct RoundWeightsParams {
  int8_t* codes;  // [N,K]
  int64_t codes_ld;
  float* scales;  // [N,K/group]
  float* zeros;   // [N,K/group]
  const void* w;  // [N,K]: f32, f16 or bf16
  Type w_type;
  int64_t w_ld;
  const float* row_scale;  // [N] or null
  const float* moments;    // [K,K], with their factor
  int64_t moments_ld;
  const float* factor;
  int64_t factor_ld;
  const float* cross;  // [K,K]: (y - x)^T x, or null
  int64_t cross_ld;
  float share;  // of the correction by them
  int64_t N, K, group;
  int32_t bits, sweeps;
  double* error;         // [3]: ||w - q||^2, ||w||^2, the loss; written
  const int32_t* order;  // [K] the column at each place of the factor; the op sets it
};

// Rows of a packed matrix become codes that are given, from 0 to 2^bits - 1.
struct PackCodesParams {
  uint8_t* out;  // the panels of rows [row, row + N) of a matrix of codes or q4
  Type out_type;
  const uint8_t* codes;  // [N,K]
  int64_t codes_ld;
  const void* scales;  // [N,K / group]: f32, f16 or bf16
  Type scales_type;
  int64_t scales_ld;
  const void* zeros;  // likewise; null for the symmetric form
  Type zeros_type;
  int64_t zeros_ld;
  int64_t N, K;
};

struct DequantizeParams {
  float* out;  // [N,K]
  int64_t out_ld;
  const void* w;  // as of a matmul
  Type w_type;
  int64_t w_ld;
  int64_t N, K;
};

struct ConvertParams {
  void* out;  // [M,N]: f32, f16 or bf16, as is x; they do not overlap
  Type out_type;
  int64_t out_ld;
  const void* x;
  Type x_type;
  int64_t x_ld;
  int64_t M, N;
};

struct RowNormsParams {
  float* out;     // [N]: 1 / length of a row
  const void* w;  // [N,K]: f32, f16 or bf16
  Type w_type;
  int64_t w_ld;
  int64_t N, K;
};

// Normal numbers for plain types; for others uniform integers with a scale that gives the deviation.
struct FillRandomParams {
  void* out;
  Type type;  // f32, f16, bf16, q8, q4 or codes
  int64_t bytes;
  float deviation;
  uint64_t seed;
};

}  // namespace bc
