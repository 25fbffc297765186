// What do the ops of training get? As in ops.h, whose letters these are: pointers and sizes that the api
// has checked. Activations and their gradients are f32. A name that begins with d is the derivative of the
// loss with respect to what the rest names.
#pragma once

#include "ops.h"

namespace bc {

// dx (+)= (dy * row_scale) w: what reaches the input of y = (x w^T) * row_scale.
struct MatmulBackwardInputParams {
  float* dx;  // [M,K]
  int64_t dx_ld;
  const float* dy;  // [M,N]
  int64_t dy_ld;
  const void* w;  // [N,K], as of a matmul
  Type w_type;
  int64_t w_ld;
  const float* row_scale;  // [N] or null
  int64_t M, N, K;
  bool accumulate;  // adds to dx
  bool exact;       // multiplies in f32
};

// dw += dy^T x.
struct MatmulBackwardWeightParams {
  float* dw;  // [N,K]
  int64_t dw_ld;
  const float* dy;  // [M,N]
  int64_t dy_ld;
  const float* x;  // [M,K]
  int64_t x_ld;
  int64_t M, N, K;
  bool exact;
};

// For y = x / sqrt(mean(x^2) + eps) * weight.
struct RmsNormBackwardParams {
  float* dx;  // [T,C], added to
  int64_t dx_ld;
  float* dweight;   // [C], added to; or null
  const float* dy;  // [T,C]
  int64_t dy_ld;
  const float* x;  // [T,C]
  int64_t x_ld;
  const void* weight;  // [C]: f32, f16 or bf16
  Type weight_type;
  int64_t T, C;
  float eps;
};

// For y = silu(gate) * up. dgate may be gate and dup up, or either dy.
struct SwigluBackwardParams {
  float* dgate;  // [T,F]
  int64_t dgate_ld;
  float* dup;
  int64_t dup_ld;
  const float* dy;
  int64_t dy_ld;
  const float* gate;
  int64_t gate_ld;
  const float* up;
  int64_t up_ld;
  int64_t T, F;
};

// Rotates the heads of queries and keys back and, where they were normalized, goes on to what they were
// before that.
struct RopeBackwardParams {
  float* dqkv;  // [T,(H+2G)D], of which queries and keys are changed in place
  int64_t dqkv_ld;
  float* dq_norm;  // [D], added to; or null
  float* dk_norm;
  const float* qkv;  // [T,(H+2G)D] before rope; null where there are no norms
  int64_t qkv_ld;
  RopeParams forward;  // positions, sizes, scale, frequencies and norms; its qkv is not used
};

// For attention within samples, which lie end to end: a token sees those of its sample up to itself.
struct AttentionBackwardParams {
  float* dqkv;  // [T,(H+2G)D], written
  int64_t dqkv_ld;
  const float* dout;  // [T,H D]
  int64_t dout_ld;
  const float* out;  // [T,H D]
  int64_t out_ld;
  const float* qkv;  // [T,(H+2G)D]
  int64_t qkv_ld;
  const int32_t* offsets;  // [B+1], rising from 0 to T
  int64_t T, B;
  const float* slopes;  // [H] or null
  int64_t H, G, D;
  int64_t window;  // as of AttentionParams
};

// loss = log(sum(exp(x))) - x[target]; x becomes (softmax(x) - one_hot(target)) * scale, by rows.
struct CrossEntropyParams {
  float* x;  // [T,V], changed in place
  int64_t x_ld;
  float* loss;             // [T]
  const int32_t* targets;  // [T], each in [-1,V); -1 has the loss 0 and no gradient
  const float* scales;     // [T]
  int64_t T, V;
};

// dtable[ids[t],:] += dx[t,:].
struct EmbedBackwardParams {
  float* dtable;  // [V,C]
  int64_t dtable_ld;
  const int32_t* ids;  // [T], each in [0,V)
  const float* dx;     // [T,C]
  int64_t dx_ld;
  int64_t T, C, V;
};

// For a matrix whose rows are multiplied by r = 1 / max(|w|, 1e-12) before use: dw, which holds the
// derivative with respect to r w, becomes that with respect to w: r (dw - (r w . dw) r w).
struct RowNormsBackwardParams {
  float* dw;  // [N,K], changed in place
  int64_t dw_ld;
  const void* w;  // [N,K]: f32, f16 or bf16
  Type w_type;
  int64_t w_ld;
  const float* norms;  // [N]: r
  int64_t N, K;
};

struct ZeroParams {
  float* x;  // [n]
  int64_t n;
};

struct SumOfSquaresParams {
  const float* x;  // [n]
  int64_t n;
  double* sum;  // written
};

// How is a step of AdamW done? With g = gradient * gradient_scale:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   w = w - rate decay w - rate (m / correction1) / (sqrt(v / correction2) + eps)
struct AdamwStep {
  float rate, beta1, beta2, eps, decay;
  float correction1, correction2;  // 1 - beta^step
  float gradient_scale;
  uint64_t seed;  // for what is rounded stochastically
};

// States of 8 bits are in blocks of this many elements, each with the largest magnitude in f32.
constexpr int64_t kStateBlock = 256;

struct AdamwParams {
  void* w;  // [n]: f32; or bf16, which is rounded stochastically
  Type w_type;
  uint16_t* copy;         // [n]: w rounded to the nearest bf16, or null
  const float* gradient;  // [n]
  void* m;                // [n]: f32 or i8
  void* v;                // [n], of the same type
  Type state_type;
  float* m_peaks;  // [ceil(n / kStateBlock)] for i8, else null
  float* v_peaks;
  int64_t n;
  AdamwStep step;
};

}  // namespace bc
