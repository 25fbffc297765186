// quantize, dequantize, row_norms: the ops that are run on weights once, at load.
#include <cmath>
#include <cstring>
#include <mutex>

#include "cpu/kernels.h"
#include "cpu/matmul/matrix_kernels.h"
#include "quant.h"

namespace bc::cpu {
namespace {

float unpack(const DequantizeParams& p, int64_t n, int64_t k) {
  if (is_codes(p.w_type)) return code_element(p.w, p.w_type, p.K, n, k);
  const int64_t size = group_bytes(p.w_type);
  const uint8_t* group =
      static_cast<const uint8_t*>(p.w) + (n / kPanel * (p.K / kGroup) + k / kGroup) * size;
  const int64_t row = n % kPanel;
  const int64_t column = k % kGroup;
  uint16_t bits;
  std::memcpy(&bits, group + size - kScales + 2 * row, 2);
  if (p.w_type == Type::q8) {
    return to_float(bf16{bits}) *
           static_cast<float>(group[column / 4 * 64 + row * 4 + column % 4] - 128);
  }
  const int64_t half = column % 16;
  const uint8_t byte = group[half / 4 * 64 + row * 4 + half % 4];
  const Q4Grid grid = grid_of(bits);
  return grid.scale * (static_cast<float>(column < 16 ? byte & 15 : byte >> 4) - grid.zero);
}

}  // namespace

void quantize(const QuantizeParams& p, ThreadPool& pool) { quantize(p, pool, matrix_kernels()); }

void quantize(const QuantizeParams& p, ThreadPool& pool, const MatrixKernels& kernels) {
  std::mutex mutex;
  p.error[0] = p.error[1] = 0.0;
  pool.parallel_for(panels(p.N), 4, [&](int64_t begin, int64_t end, int) {
    double error[2] = {};
    kernels.quantize(p, begin, end, error);
    std::lock_guard<std::mutex> lock(mutex);
    p.error[0] += error[0];
    p.error[1] += error[1];
  });
}

void dequantize(const DequantizeParams& p, ThreadPool& pool) {
  pool.parallel_for(p.N, 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t n = begin; n < end; ++n) {
      for (int64_t k = 0; k < p.K; ++k) {
        p.out[n * p.out_ld + k] =
            is_quantized(p.w_type) ? unpack(p, n, k) : float_at(p.w, p.w_type, n * p.w_ld + k);
      }
    }
  });
}

void row_norms(const RowNormsParams& p, ThreadPool& pool) {
  pool.parallel_for(p.N, 64, [&](int64_t begin, int64_t end, int) {
    for (int64_t n = begin; n < end; ++n) {
      double sum = 0.0;
      for (int64_t k = 0; k < p.K; ++k) {
        const double value = static_cast<double>(float_at(p.w, p.w_type, n * p.w_ld + k));
        sum += value * value;
      }
      p.out[n] = static_cast<float>(1.0 / std::fmax(std::sqrt(sum), 1e-12));
    }
  });
}

}  // namespace bc::cpu
