// What a device need not have.
#include "backend.h"

#include "error.h"

namespace bc {
namespace {

[[noreturn]] void absent(const char* op) {
  fail(BC_INVALID_ARGUMENT, "%s: device is a GPU, expected a CPU context", op);
}

}  // namespace

void Backend::run(const SecondMomentsParams&) { absent("second_moments"); }
void Backend::run(const MomentsFactorParams&) { absent("moments_factor"); }
void Backend::run(const RoundWeightsParams&) { absent("round_weights"); }
void Backend::run(const MatmulBackwardInputParams&) { absent("matmul_backward_input"); }
void Backend::run(const MatmulBackwardWeightParams&) { absent("matmul_backward_weight"); }
void Backend::run(const RmsNormBackwardParams&) { absent("rms_norm_backward"); }
void Backend::run(const SwigluBackwardParams&) { absent("swiglu_backward"); }
void Backend::run(const RopeBackwardParams&) { absent("rope_backward"); }
void Backend::run(const AttentionBackwardParams&) { absent("attention_backward"); }
void Backend::run(const CrossEntropyParams&) { absent("cross_entropy"); }
void Backend::run(const EmbedBackwardParams&) { absent("embed_backward"); }
void Backend::run(const RowNormsBackwardParams&) { absent("row_norms_backward"); }
void Backend::run(const ZeroParams&) { absent("zero"); }
void Backend::run(const SumOfSquaresParams&) { absent("sum_of_squares"); }
void Backend::run(const AdamwParams&) { absent("adamw"); }

}  // namespace bc
