#include "peaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "peak_loop.h"

namespace bc::bench {
namespace {

// What an int8 dot product takes without VNNI; of the three instructions the first multiplies.
double dot_i8(int64_t rounds) {
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(2);
  const __m256i ones = _mm256_set1_epi16(1);
  return 64.0 * peak_loop(rounds, _mm256_setzero_si256(), [&](__m256i sum) {
           asm volatile("" : "+x"(a));  // not loop-invariant for the compiler
           return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
         });
}

double fma_f32(int64_t rounds) {
  const __m256 a = _mm256_set1_ps(0.5f);
  const __m256 b = _mm256_set1_ps(0.25f);
  return 16.0 * peak_loop(rounds, _mm256_setzero_ps(),
                          [&](__m256 sum) { return _mm256_fmadd_ps(sum, a, b); });
}

uint64_t read(const void* data, int64_t bytes) {
  const auto* p = static_cast<const __m256i*>(data);
  __m256i sums[8] = {};
  for (int64_t i = 0; i < bytes / 32; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] = _mm256_add_epi64(sums[j], _mm256_loadu_si256(p + i + j));
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm256_add_epi64(sums[0], sums[j]);
  alignas(32) uint64_t words[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(words), sums[0]);
  return words[0] + words[1] + words[2] + words[3];
}

}  // namespace

const PeakLoops avx2_peak_loops = {dot_i8, nullptr, fma_f32, read};

}  // namespace bc::bench
#endif
