#include "peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "peak_loop.h"

namespace bc::bench {
namespace {

double dot_bf16(int64_t rounds) {
  const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f00);  // 0.5
  return 64.0 * peak_loop(rounds, _mm512_setzero_ps(),
                          [&](__m512 sum) { return _mm512_dpbf16_ps(sum, a, a); });
}

double dot_i8(int64_t rounds) { return avx512_peak_loops.dot_i8(rounds); }

double fma_f32(int64_t rounds) { return avx512_peak_loops.fma_f32(rounds); }

uint64_t read(const void* data, int64_t bytes) { return avx512_peak_loops.read(data, bytes); }

}  // namespace

const PeakLoops avx512_bf16_peak_loops = {dot_i8, dot_bf16, fma_f32, read};

}  // namespace bc::bench
#endif
