// convert: out[m,n] = x[m,n] in another type, rounded to nearest even.
//
// Shapes  x, out [M,N] f32, f16 or bf16.
// Method  Through f32, which holds every number of the three, so that nothing is rounded twice.
// Bound   Memory: MN (x + out) bytes.
#include <algorithm>

#include "cpu/kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kPiece = 1 << 16;  // elements that a thread takes at a time

float widen(float x) { return x; }
float widen(f16 x) { return to_float(x); }
float widen(bf16 x) { return to_float(x); }

void narrow(float x, float* out) { *out = x; }
void narrow(float x, f16* out) { *out = to_f16(x); }
void narrow(float x, bf16* out) { *out = to_bf16(x); }

template <class T, class X>
void convert_all(const ConvertParams& p, ThreadPool& pool) {
  const int64_t pieces = (p.N + kPiece - 1) / kPiece;  // of a row
  if (pieces == 0) return;
  const int64_t grain = std::max<int64_t>(1, kPiece / p.N);
  pool.parallel_for(p.M * pieces, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t m = i / pieces;
      const int64_t n0 = i % pieces * kPiece;
      const int64_t n1 = std::min(n0 + kPiece, p.N);
      const X* x = static_cast<const X*>(p.x) + m * p.x_ld;
      T* out = static_cast<T*>(p.out) + m * p.out_ld;
      for (int64_t n = n0; n < n1; ++n) narrow(widen(x[n]), out + n);
    }
  });
}

template <class T>
void for_input(const ConvertParams& p, ThreadPool& pool) {
  switch (p.x_type) {
    case Type::f32:
      return convert_all<T, float>(p, pool);
    case Type::f16:
      return convert_all<T, f16>(p, pool);
    default:
      return convert_all<T, bf16>(p, pool);
  }
}

}  // namespace

void convert(const ConvertParams& p, ThreadPool& pool) {
  switch (p.out_type) {
    case Type::f32:
      return for_input<float>(p, pool);
    case Type::f16:
      return for_input<f16>(p, pool);
    default:
      return for_input<bf16>(p, pool);
  }
}

}  // namespace bc::cpu
