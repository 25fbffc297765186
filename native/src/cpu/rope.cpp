// rope: angles in double, once per token and step; tokens are shared among the threads
// (rope_kernel.h).
#include <algorithm>
#include <cmath>

#include "cpu/vector_kernels.h"

namespace bc::cpu {
namespace {

// Makes rows for T tokens. New rows hold position 0, whose cosines are 1 and sines 0, times scale.
void grow(RopeAngles& a, const RopeParams& p) {
  const size_t half = static_cast<size_t>(p.D / 2);
  if (a.scale != p.scale || a.frequencies.size() != half ||
      !std::equal(a.frequencies.begin(), a.frequencies.end(), p.frequencies)) {
    a = RopeAngles{};
    a.scale = p.scale;
    a.frequencies.assign(p.frequencies, p.frequencies + half);
  }
  const size_t T = static_cast<size_t>(p.T);
  if (a.positions.size() >= T) return;
  a.turns.resize(T * 2 * half);
  for (size_t t = a.positions.size(); t < T; ++t)
    std::fill_n(a.turns.begin() + static_cast<std::ptrdiff_t>(t * 2 * half), half, p.scale);
  a.positions.resize(T);
}

void turn(float* cosine, float* sine, const RopeAngles& angles, int32_t position) {
  const double scale = static_cast<double>(angles.scale);
  for (size_t k = 0; k < angles.frequencies.size(); ++k) {
    const double angle = position * angles.frequencies[k];
    cosine[k] = static_cast<float>(std::cos(angle) * scale);
    sine[k] = static_cast<float>(std::sin(angle) * scale);
  }
}

}  // namespace

void rope(const RopeParams& p, RopeAngles& angles, ThreadPool& pool, const VectorKernels& kernels) {
  grow(angles, p);
  pool.parallel_for(p.T, 4, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      float* cosine = angles.turns.data() + t * p.D;
      float* sine = cosine + p.D / 2;
      int32_t& known = angles.positions[static_cast<size_t>(t)];
      if (known != p.positions[t]) {
        turn(cosine, sine, angles, p.positions[t]);
        known = p.positions[t];
      }
      kernels.rope(p, cosine, sine, t);
    }
  });
}

}  // namespace bc::cpu
