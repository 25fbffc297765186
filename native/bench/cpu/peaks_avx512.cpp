#include "peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "peak_loop.h"

namespace bc::bench {
namespace {

double dot_i8(int64_t rounds) {
  const __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(2);
  return 128.0 * peak_loop(rounds, _mm512_setzero_si512(),
                           [&](__m512i sum) { return _mm512_dpbusd_epi32(sum, a, b); });
}

double fma_f32(int64_t rounds) {
  const __m512 a = _mm512_set1_ps(0.5f);
  const __m512 b = _mm512_set1_ps(0.25f);
  return 32.0 * peak_loop(rounds, _mm512_setzero_ps(),
                          [&](__m512 sum) { return _mm512_fmadd_ps(sum, a, b); });
}

uint64_t read(const void* data, int64_t bytes) {
  const auto* p = static_cast<const __m512i*>(data);
  __m512i sums[8] = {};
  for (int64_t i = 0; i < bytes / 64; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] = _mm512_add_epi64(sums[j], _mm512_loadu_si512(p + i + j));
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm512_add_epi64(sums[0], sums[j]);
  alignas(64) uint64_t words[8];
  _mm512_store_si512(words, sums[0]);
  uint64_t sum = 0;
  for (const uint64_t word : words) sum += word;  // wraps, unlike a sum of signed numbers
  return sum;
}

}  // namespace

const PeakLoops avx512_peak_loops = {dot_i8, nullptr, fma_f32, read};

}  // namespace bc::bench
#endif
