// Ops of baichuan.h that calibration consists of. They run at once, on a CPU context.
#include <algorithm>

#include "api/call.h"
#include "quant.h"

namespace bc {
namespace {

constexpr int64_t kMostGroup = 128;
constexpr int32_t kMostSweeps = 64;

void require_groups(const Call& call, int64_t K) {
  call.require(K % kGroup == 0, "width", number(K), "a multiple of 32");
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_second_moments(bc_context* context, bc_tensor* moments, bc_tensor* x, bc_tensor* y) {
  return guard([&] {
    Call call(context, "second_moments");
    call.require_at_once();
    const Tensor& sums = call.output(moments, "moments", 2, BC_F32);
    const Tensor& in = call.tensor(x, "x", 2, BC_F32);
    const Tensor* exact = call.optional(y, "y", 2, BC_F32);
    const int64_t K = in.shape[1];
    require_groups(call, K);
    call.shape(sums, "moments", {K, K});
    if (exact != nullptr) call.shape(*exact, "y", {in.shape[0], K});
    call.require(sums.storage != in.storage && (exact == nullptr || sums.storage != exact->storage),
                 "moments' storage", 0, "another than that of x and y");
    call.run_or_record([&](Backend& backend) {
      backend.run(SecondMomentsParams{data<float>(sums), sums.ld, data<float>(in), in.ld,
                                      data<float>(exact), exact == nullptr ? 0 : exact->ld,
                                      in.shape[0], K});
    });
  });
}

bc_status bc_moments_factor(bc_context* context, bc_tensor* factor, bc_tensor* moments,
                            float damping, double* damped) {
  return guard([&] {
    Call call(context, "moments_factor");
    call.require_at_once();
    const Tensor& out = call.output(factor, "factor", 2, BC_F32);
    const Tensor& sums = call.output(moments, "moments", 2, BC_F32);
    const int64_t K = sums.shape[1];
    require_groups(call, K);
    call.shape(sums, "moments", {K, K});
    call.shape(out, "factor", {K, K});
    call.require(out.storage != sums.storage, "factor's storage", 0,
                 "another than that of moments");
    call.require(damping > 0.0f && damping <= 1.0f, "damping", static_cast<double>(damping),
                 "more than 0, at most 1");
    double there = 0.0;
    call.run_or_record([&](Backend& backend) {
      backend.run(MomentsFactorParams{data<float>(out), out.ld, data<float>(sums), sums.ld, K,
                                      damping, &there});
    });
    if (damped != nullptr) *damped = there;
  });
}

bc_status bc_round_weights(bc_context* context, bc_tensor* codes, bc_tensor* scales,
                           bc_tensor* zeros, bc_tensor* w, bc_tensor* row_scale, bc_tensor* moments,
                           bc_tensor* factor, bc_tensor* cross, float share, int32_t bits,
                           int32_t sweeps, double* error) {
  return guard([&] {
    Call call(context, "round_weights");
    call.require_at_once();
    const Tensor& q = call.output(codes, "codes", 2, BC_I8);
    const Tensor& s = call.output(scales, "scales", 2, BC_F32);
    const Tensor& z = call.output(zeros, "zeros", 2, BC_F32);
    const Tensor& in = call.plain(w, "w", 2);
    const Tensor* by = call.optional(row_scale, "row_scale", 1, BC_F32);
    const Tensor& sums = call.tensor(moments, "moments", 2, BC_F32);
    const Tensor& u = call.tensor(factor, "factor", 2, BC_F32);
    const Tensor* d = call.optional(cross, "cross", 2, BC_F32);
    const int64_t N = in.shape[0];
    const int64_t K = in.shape[1];
    require_groups(call, K);
    const int64_t groups = s.shape[1];
    const int64_t group = K % groups == 0 ? K / groups : 0;
    call.require(group >= kGroup && group <= kMostGroup && group % kGroup == 0, "groups of a row",
                 number(groups), "groups of 32, 64, 96 or 128 columns");
    call.shape(q, "codes", {N, K});
    call.shape(s, "scales", {N, groups});
    call.shape(z, "zeros", {N, groups});
    if (by != nullptr) call.shape(*by, "row_scale", {N});
    call.shape(sums, "moments", {K, K});
    call.shape(u, "factor", {K, K});
    if (d != nullptr) call.shape(*d, "cross", {K, K});
    call.require(s.ld == groups && z.ld == groups, "rows of scales and zeros", number(s.ld),
                 "rows without gaps");
    call.require(bits >= 2 && bits <= 4, "bits", static_cast<double>(bits), "2, 3 or 4");
    call.require(share >= 0.0f && share <= 1.0f, "share", static_cast<double>(share), "0 to 1");
    call.require(sweeps >= 0 && sweeps <= kMostSweeps, "sweeps", static_cast<double>(sweeps),
                 "0 to 64");
    for (const Tensor* written : {&q, &s, &z}) {
      for (const Tensor* read : {&in, &sums, &u, d == nullptr ? &u : d})
        call.require(written->storage != read->storage, "storage of an output", 0,
                     "another than that of an input");
    }
    double errors[3] = {};
    call.run_or_record([&](Backend& backend) {
      backend.run(RoundWeightsParams{data<int8_t>(q),
                                     q.ld,
                                     data<float>(s),
                                     data<float>(z),
                                     in.data,
                                     in.type,
                                     in.ld,
                                     data<float>(by),
                                     data<float>(sums),
                                     sums.ld,
                                     data<float>(u),
                                     u.ld,
                                     data<float>(d),
                                     d == nullptr ? 0 : d->ld,
                                     share,
                                     N,
                                     K,
                                     group,
                                     bits,
                                     sweeps,
                                     errors,
                                     nullptr});
    });
    if (error != nullptr) std::copy(errors, errors + 3, error);
  });
}

}  // extern "C"
