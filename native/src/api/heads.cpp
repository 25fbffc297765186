#include "api/heads.h"

namespace bc {

void check_head_size(Call& call, int64_t D) {
  call.require(D > 0 && D % 8 == 0 && D <= kMaxHeadSize, "head size", static_cast<double>(D),
               "a multiple of 8 up to 256");
}

void check_heads(Call& call, int64_t H, int64_t G) {
  call.require(H > 0 && G > 0 && H % G == 0 && H / G <= kMaxGroup, "heads", static_cast<double>(H),
               "1 to 64 times as many as there are key-value heads");
}

RopeParams checked_rope(Call& call, const RopeArguments& in, int64_t T, int64_t width) {
  const Tensor& pos = call.int_input(in.positions, "positions", 1);
  call.shape(pos, "positions", {T});
  const int64_t D = in.head_size;
  check_head_size(call, D);
  call.require(in.heads > 0, "heads", in.heads, "1 or more");
  call.require(width % (2 * D) == in.heads * D % (2 * D), "width of qkv",
               static_cast<double>(width), "that of the heads and an even number more");
  const int64_t G = (width / D - in.heads) / 2;
  check_heads(call, in.heads, G);
  call.require_present(in.frequencies, "frequencies", "half a head size of numbers");
  call.require(in.scale > 0.0f && in.scale < 1e30f, "scale", static_cast<double>(in.scale),
               "more than 0");
  call.require((in.q_norm == nullptr) == (in.k_norm == nullptr), "norms", 1.0, "two or none");
  RopeParams p{};
  p.positions = data<int32_t>(pos);
  p.T = T;
  p.H = in.heads;
  p.G = G;
  p.D = D;
  p.scale = in.scale;
  if (in.q_norm != nullptr) {
    const Tensor& q = call.plain(in.q_norm, "q_norm", 1);
    const Tensor& k = call.plain(in.k_norm, "k_norm", 1);
    call.shape(q, "q_norm", {D});
    call.shape(k, "k_norm", {D});
    call.same_type(k, "k_norm", q.type);
    call.require(in.eps >= 0.0f && in.eps < 1.0f, "eps", static_cast<double>(in.eps), "0 to 1");
    p.q_norm = q.data;
    p.k_norm = k.data;
    p.norm_type = q.type;
    p.eps = in.eps;
  }
  for (int64_t k = 0; k < D / 2; ++k) {
    const double f = in.frequencies[k];
    call.require(f >= 0.0 && f <= 1e6, "frequency", f, "0 to 1e6");
    p.frequencies[k] = f;
  }
  return p;
}

}  // namespace bc
