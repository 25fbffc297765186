// What the kernels rely on and do not check: each function fails with BC_INVALID_ARGUMENT, in the name of
// the op.
#pragma once

#include "ops.h"

namespace bc::cuda {

void check(const char* op, const EmbedParams& p);
void check(const char* op, const RmsNormParams& p);
void check(const char* op, const MatmulParams& p);
void check(const char* op, const RopeParams& p);
void check(const char* op, const KvAppendParams& p);
void check(const char* op, const AttentionParams& p);
void check(const char* op, const SwigluParams& p);
void check(const char* op, const LoraParams& p);
void check(const char* op, const TopKParams& p);
void check(const char* op, const QuantizeParams& p);
void check(const char* op, const DequantizeParams& p);
void check(const char* op, const ConvertParams& p);
void check(const char* op, const RowNormsParams& p);

}  // namespace bc::cuda
