// rope: angles in double, once per token and step; tokens are shared among the threads
// (rope_kernel.h).
#include <algorithm>
#include <cmath>

#include "cpu/vector_kernels.h"

namespace bc::cpu {
namespace {

// Rows for T tokens. New ones are those of position 0, whose cosines are 1 and sines 0.
void grow(RopeAngles& a, const RopeParams& p) {
  const size_t half = static_cast<size_t>(p.D / 2);
  if (a.base != p.base || a.D != p.D) {
    a = RopeAngles{};
    a.base = p.base;
    a.D = p.D;
    for (size_t k = 0; k < half; ++k) {
      a.frequencies.push_back(std::pow(static_cast<double>(p.base),
                                       -2.0 * static_cast<double>(k) / static_cast<double>(p.D)));
    }
  }
  const size_t T = static_cast<size_t>(p.T);
  if (a.positions.size() >= T) return;
  a.turns.resize(T * 2 * half);
  for (size_t t = a.positions.size(); t < T; ++t)
    std::fill_n(a.turns.begin() + static_cast<std::ptrdiff_t>(t * 2 * half), half, 1.0f);
  a.positions.resize(T);
}

void turn(float* cosine, float* sine, const std::vector<double>& frequencies, int32_t position) {
  for (size_t k = 0; k < frequencies.size(); ++k) {
    const double angle = position * frequencies[k];
    cosine[k] = static_cast<float>(std::cos(angle));
    sine[k] = static_cast<float>(std::sin(angle));
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
        turn(cosine, sine, angles.frequencies, p.positions[t]);
        known = p.positions[t];
      }
      kernels.rope(p, cosine, sine, t);
    }
  });
}

void rope(const RopeParams& p, RopeAngles& angles, ThreadPool& pool) {
  rope(p, angles, pool, vector_kernels());
}

}  // namespace bc::cpu
