// The loop of every peak, for the files of the instruction sets.
#pragma once

#include <cstdint>

namespace bc::bench {
namespace {

// 12 accumulators: two instructions of a latency of 5 in every cycle.
constexpr int kAccumulators = 12;

// Runs `rounds` rounds of step(accumulator) on the set's vectors, and returns how many instructions that was.
template <class Vector, class Step>
double peak_loop(int64_t rounds, Vector zero, Step&& step) {
  Vector sums[kAccumulators];
  for (Vector& sum : sums) sum = zero;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int a = 0; a < kAccumulators; ++a) sums[a] = step(sums[a]);
  }
  for (Vector& sum : sums) asm volatile("" : : "x"(sum));
  return static_cast<double>(rounds) * kAccumulators;
}

}  // namespace
}  // namespace bc::bench
