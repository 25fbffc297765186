// Which widths, alignments and types of each op do this build's kernels take?
#include "cuda/limits.h"

#include "cuda/kernels.h"
#include "require.h"

namespace bc::cuda {
namespace {

// Activations are bf16 or f16, in rows that kernels read 16 bytes at a time.
void activation(const char* op, const Operand& x) {
  if (x.type != Type::bf16 && x.type != Type::f16) {
    fail(BC_INVALID_ARGUMENT, "%s: %s has type %s, expected bf16 or f16 on a GPU", op, x.name,
         name_of(x.type));
  }
  require_vectors(op, x);
}

void not_exact(const char* op, bool exact) {
  require(!exact, op, "exact", exact ? 1.0 : 0.0, "0 on a GPU, whose activations have 16 bits");
}

}  // namespace

void check(const char* op, const EmbedParams& p) {
  if (p.out_type != Type::f32 && p.out_type != Type::f16 && p.out_type != Type::bf16) {
    fail(BC_INVALID_ARGUMENT, "%s: out has type %s, expected f32, f16 or bf16", op,
         name_of(p.out_type));
  }
  require_vectors(op, {"out", p.out, p.out_type, p.T, p.C, p.out_ld});
  require_vectors(op, {"table", p.table, p.table_type, p.V, p.C, p.table_ld});
}

void check(const char* op, const RmsNormParams& p) {
  activation(op, {"out", p.out, p.out_type, p.T, p.C, p.out_ld});
  require_vectors(op, {"x", p.x, p.x_type, p.T, p.C, p.x_ld});
  if (p.delta != nullptr) require_vectors(op, {"delta", p.delta, p.out_type, p.T, p.C, p.delta_ld});
  require_vectors(op, {"weight", p.weight, p.weight_type, 1, p.C, p.C});
  require(p.C <= kMaxNormWidth, op, "width of x", number(p.C), "at most 16384 on a GPU");
}

void check(const char* op, const MatmulParams& p) {
  not_exact(op, p.exact);
  activation(op, {"x", p.x, p.x_type, p.M, p.K, p.x_ld});
  if (!is_quantized(p.w_type)) {
    require_type(op, "w", p.w_type, p.x_type);
    require_vectors(op, {"w", p.w, p.w_type, p.N, p.K, p.w_ld});
  }
  if (p.out_type != Type::f32) require_type(op, "out", p.out_type, p.x_type);
}

void check(const char* op, const RopeParams& p) {
  activation(op, {"qkv", p.qkv, p.type, p.T, (p.H + 2 * p.G) * p.D, p.ld});
  require(p.D % 16 == 0, op, "head size", number(p.D), "a multiple of 16 on a GPU");
  if (p.q_norm == nullptr) return;
  // The threads of a head are neighbours in a warp.
  require((p.D & (p.D - 1)) == 0, op, "head size", number(p.D),
          "a power of two on a GPU, with norms");
  require_vectors(op, {"q_norm", p.q_norm, p.norm_type, 1, p.D, p.D});
  require_vectors(op, {"k_norm", p.k_norm, p.norm_type, 1, p.D, p.D});
}

void check(const char* op, const KvAppendParams& p) {
  activation(op, {"qkv", p.qkv, p.qkv_type, p.batch.T, (p.H + 2 * p.G) * p.D, p.ld});
  require(p.pages_type != Type::f32, op, "pages' type", number(static_cast<int>(p.pages_type)),
          "f16 (1), bf16 (2) or i8 (4) on a GPU");
}

void check(const char* op, const AttentionParams& p) {
  not_exact(op, p.exact);
  activation(op, {"out", p.out, p.out_type, p.batch.T, p.H * p.D, p.out_ld});
  activation(op, {"qkv", p.qkv, p.qkv_type, p.batch.T, (p.H + 2 * p.G) * p.D, p.ld});
  require_type(op, "out", p.out_type, p.qkv_type);
  require(p.D == 64 || p.D == 128, op, "head size", number(p.D), "64 or 128 on a GPU");
  if (p.pages_type != Type::i8) require_type(op, "pages", p.pages_type, p.qkv_type);
}

void check(const char* op, const SwigluParams& p) {
  activation(op, {"out", p.out, p.type, p.T, p.F, p.out_ld});
  activation(op, {"gate", p.gate, p.type, p.T, p.F, p.gate_ld});
  activation(op, {"up", p.up, p.type, p.T, p.F, p.up_ld});
}

void check(const char* op, const LoraParams& p) {
  activation(op, {"x", p.x, p.x_type, p.T, p.K, p.x_ld});
  if (p.out_type == Type::f32) return;
  require_type(op, "out", p.out_type, p.x_type);
  activation(op, {"out", p.out, p.out_type, p.T, p.N, p.out_ld});
}

void check(const char* op, const TopKParams& p) {
  // A key holds an index in 17 bits (rank.cuh).
  require_vectors(op, {"x", p.x, Type::f32, p.T, p.V, p.x_ld}, 1);
  require(p.V <= kMaxSearchWidth, op, "width of x", number(p.V), "at most 131072 on a GPU");
  require(p.K <= kMaxTopK, op, "k", number(p.K), "at most 1024 on a GPU");
}

void check(const char* op, const QuantizeParams& p) {
  require_vectors(op, {"w", p.w, p.w_type, p.N, p.K, p.w_ld});
}

void check(const char* op, const DequantizeParams& p) {
  require_vectors(op, {"out", p.out, Type::f32, p.N, p.K, p.out_ld});
  if (!is_quantized(p.w_type)) require_vectors(op, {"w", p.w, p.w_type, p.N, p.K, p.w_ld});
}

void check(const char* op, const ConvertParams& p) {
  if (p.out_ld == p.N && p.x_ld == p.N) return;  // one row, as kernels take it
  require_vectors(op, {"out", p.out, p.out_type, p.M, p.N, p.out_ld});
  require_vectors(op, {"x", p.x, p.x_type, p.M, p.N, p.x_ld});
}

void check(const char* op, const RowNormsParams& p) {
  require_vectors(op, {"w", p.w, p.w_type, p.N, p.K, p.w_ld});
}

}  // namespace bc::cuda
