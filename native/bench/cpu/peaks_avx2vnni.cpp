#include "peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "peak_loop.h"

namespace bc::bench {
namespace {

double dot_i8(int64_t rounds) {
  const __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(2);
  return 64.0 * peak_loop(rounds, _mm256_setzero_si256(),
                          [&](__m256i sum) { return _mm256_dpbusd_avx_epi32(sum, a, b); });
}

double fma_f32(int64_t rounds) { return avx2_peak_loops.fma_f32(rounds); }

uint64_t read(const void* data, int64_t bytes) { return avx2_peak_loops.read(data, bytes); }

}  // namespace

const PeakLoops avx2_vnni_peak_loops = {dot_i8, nullptr, fma_f32, read};

}  // namespace bc::bench
#endif
