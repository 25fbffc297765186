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

}  // namespace bc
