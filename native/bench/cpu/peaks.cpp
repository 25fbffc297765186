#include "peaks.h"

#include <atomic>

#include "memory.h"
#include "stopwatch.h"

namespace bc::bench {
namespace {

uint64_t read(const void* data, int64_t bytes) {
  const auto* words = static_cast<const uint64_t*>(data);
  uint64_t sum = 0;
  for (int64_t i = 0; i < bytes / 8; ++i) sum += words[i];
  return sum;
}

const PeakLoops& peak_loops(cpu::Isa isa) {
#if defined(__x86_64__)
  if (isa == cpu::Isa::avx512_bf16) return avx512_bf16_peak_loops;
  if (isa == cpu::Isa::avx512) return avx512_peak_loops;
  if (isa == cpu::Isa::avx2_vnni) return avx2_vnni_peak_loops;
  if (isa == cpu::Isa::avx2) return avx2_peak_loops;
#else
  static_cast<void>(isa);
#endif
  return scalar_peak_loops;
}

constexpr int64_t kRounds = 20000;  // some 100 microseconds
constexpr int64_t kPieces = 64;     // a thread: those of unequal speed end together
constexpr int64_t kReadPiece = int64_t{1} << 20;

double operations_per_second(PeakLoops::Loop loop, ThreadPool& pool, double seconds) {
  if (loop == nullptr) return 0.0;
  const int64_t pieces = seconds > 0.0 ? kPieces * pool.threads() : pool.threads();
  double operations = 0.0;
  const Time time = measure(
      [&] {
        pool.parallel_for(pieces, 1, [&](int64_t begin, int64_t, int) {
          const double done = loop(kRounds);
          if (begin == 0) operations = done * static_cast<double>(pieces);
        });
      },
      seconds);
  return operations / time.least;
}

}  // namespace

const PeakLoops scalar_peak_loops = {nullptr, nullptr, nullptr, read};

// The best of the samples: a limit is what was reached once.
Peaks measure_peaks(cpu::Isa isa, ThreadPool& pool, int64_t bytes, double seconds) {
  const PeakLoops& loops = peak_loops(isa);
  Memory buffer(bytes);
  buffer.fill(1, pool);
  std::atomic<uint64_t> sum{0};
  const int64_t pieces = bytes / kReadPiece;
  const Time reading = measure(
      [&] {
        pool.parallel_for(pieces, 1, [&](int64_t begin, int64_t, int) {
          sum += loops.read(buffer.bytes() + begin * kReadPiece, kReadPiece);
        });
      },
      seconds);
  return {operations_per_second(loops.dot_i8, pool, seconds),
          operations_per_second(loops.dot_bf16, pool, seconds),
          operations_per_second(loops.fma_f32, pool, seconds),
          static_cast<double>(pieces * kReadPiece) / reading.least};
}

}  // namespace bc::bench
