// rope: angles in double, once per token and step; tokens are shared among the threads
// (rope_kernel.h).
#include <algorithm>
#include <cmath>

#include "cpu/vector_kernels.h"

namespace bc::cpu {
namespace {

void turn(float* cosine, float* sine, const RopeAngles& angles, int32_t position) {
  const double scale = static_cast<double>(angles.scale);
  for (size_t k = 0; k < angles.frequencies.size(); ++k) {
    const double angle = position * angles.frequencies[k];
    cosine[k] = static_cast<float>(std::cos(angle) * scale);
    sine[k] = static_cast<float>(std::sin(angle) * scale);
  }
}

}  // namespace

void prepare_angles(RopeAngles& a, const RopeParams& p) {
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
  // Position 0, whose cosines are 1 and sines 0, times scale.
  for (size_t t = a.positions.size(); t < T; ++t)
    std::fill_n(a.turns.begin() + static_cast<std::ptrdiff_t>(t * 2 * half), half, p.scale);
  a.positions.resize(T);
}

const float* angles_of(RopeAngles& angles, const RopeParams& p, int64_t t) {
  float* const cosine = angles.turns.data() + t * p.D;
  int32_t& known = angles.positions[static_cast<size_t>(t)];
  if (known != p.positions[t]) {
    turn(cosine, cosine + p.D / 2, angles, p.positions[t]);
    known = p.positions[t];
  }
  return cosine;
}

void rope(const RopeParams& p, RopeAngles& angles, ThreadPool& pool, const VectorKernels& kernels) {
  prepare_angles(angles, p);
  pool.parallel_for(p.T, 4, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      const float* const cosine = angles_of(angles, p, t);
      kernels.rope(p, cosine, cosine + p.D / 2, t);
    }
  });
}

}  // namespace bc::cpu
