// fill_random: numbers for models without a checkpoint (benchmarks, tests).
#pragma once

#include "random.h"
#include "tensor.h"

namespace bc::cpu {

// The largest deviation that q4 can hold.
constexpr float kMostQ4Deviation = kQ4Deviation * kGridLargest;

// Normal numbers for plain types; for q8 and q4 uniform integers with a scale that gives the
// deviation. The same seed gives the same tensor whatever the number of threads.
void fill_random(Tensor& t, float deviation, uint64_t seed, ThreadPool& pool);

}  // namespace bc::cpu
