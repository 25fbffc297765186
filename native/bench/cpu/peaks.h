// What a processor's instructions reach when nothing holds them up (independent accumulators in
// registers, no memory), and what its memory gives to loads that do nothing else. Kernels are compared
// with these figures of the same run.
#pragma once

#include "cpu/isa.h"
#include "thread_pool.h"

namespace bc::bench {

// Loops of one instruction set, each on the thread that calls it. Null where the set has no such
// instruction.
struct PeakLoops {
  // Runs `rounds` rounds and returns the operations done: a multiplication and an addition are two.
  using Loop = double (*)(int64_t rounds);
  Loop dot_i8;
  Loop dot_bf16;
  Loop fma_f32;
  // Sum of 64-bit words; bytes is a multiple of 512.
  uint64_t (*read)(const void* data, int64_t bytes);
};

extern const PeakLoops scalar_peak_loops;
#if defined(__x86_64__)
extern const PeakLoops avx2_peak_loops;
extern const PeakLoops avx2_vnni_peak_loops;
extern const PeakLoops avx512_peak_loops;
extern const PeakLoops avx512_bf16_peak_loops;
#endif

// What all threads of a pool reach together, in operations and bytes per second; 0 if the set has no
// such instruction.
struct Peaks {
  double dot_i8, dot_bf16, fma_f32, read;
};

// bytes: size of the buffer that is read, far more than the last-level cache.
Peaks measure_peaks(cpu::Isa isa, ThreadPool& pool, int64_t bytes, double seconds);

}  // namespace bc::bench
