// What ops that know heads have in common: the checks of their numbers, and the arguments of rope.
#pragma once

#include "api/call.h"

namespace bc {

// The numbers of heads and their size, which the kernels of all backends rely on.
void check_head_size(Call& call, int64_t D);
void check_heads(Call& call, int64_t H, int64_t G);

struct RopeArguments {
  bc_tensor* positions;
  int32_t heads, head_size;
  const double* frequencies;
  float scale;
  bc_tensor* q_norm;
  bc_tensor* k_norm;
  float eps;
};

// The params of rope for T rows of queries, keys and values of this width, without its qkv.
RopeParams checked_rope(Call& call, const RopeArguments& in, int64_t T, int64_t width);

}  // namespace bc
