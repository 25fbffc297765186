// ldmatrix and mma.sync on registers, by the fragment tables of the PTX ISA ("Matrix Multiply-
// Accumulate Instructions": m16n8k16 for 16-bit types, m16n8k32 for 8-bit integers). With g = lane
// / 4 and t = lane % 4:
//
//   16-bit  A[16,16]  register r holds A[g + 8 (r % 2)][2t + 8 (r / 2) + 0..1]
//           B[16,8]   register r holds B[2t + 8r + 0..1][g]
//   8-bit   A[16,32]  register r holds A[g + 8 (r % 2)][4t + 16 (r / 2) + 0..3]
//           B[32,8]   register r holds B[4t + 16r + 0..3][g]
//   C, D[16,8]        register r holds D[g + 8 (r / 2)][2t + r % 2]
#include "machine.h"

namespace simt {
namespace {

struct MatrixLoad {
  uint32_t row;
  uint32_t* registers;
};

// Lane 8i + r names row r of matrix i. Lane l receives, of each matrix, elements 2 (l % 4) and the
// next one of row l / 4, or of column l / 4 when transposed.
void load_matrices(Warp& warp) {
  const int count = static_cast<int>(warp.detail & 7);
  const bool transposed = warp.detail >= 8;
  for (int i = 0; i < count; ++i) {
    uint16_t matrix[8][8];
    uint32_t rows[8];
    for (int r = 0; r < 8; ++r) {
      Thread& thread = warp.threads[8 * i + r];
      rows[r] = static_cast<MatrixLoad*>(thread.posted)->row;
      read_rows(thread, rows[r], matrix[r], warp.site);
    }
    count_row_reads(rows, warp.site);
    for (uint32_t l = 0; l < kLanes; ++l) {
      const uint32_t g = l / 4;
      const uint32_t t = l % 4 * 2;
      const uint32_t low = transposed ? matrix[t][g] : matrix[g][t];
      const uint32_t high = transposed ? matrix[t + 1][g] : matrix[g][t + 1];
      static_cast<MatrixLoad*>(warp.threads[l].posted)->registers[i] = low | high << 16;
    }
  }
}

struct Product {
  void* d;
  const uint32_t* a;
  const uint32_t* b;
};

float from_bits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

// 2^112 moves the exponent from f16's bias to f32's and makes subnormals normal.
float f16_value(uint32_t h) {
  const float magnitude = from_bits((h & 0x7fffu) << 13) * 0x1p112f;
  const float finite =
      (h & 0x7c00u) == 0x7c00u ? from_bits((h & 0x3ffu) << 13 | 0x7f800000u) : magnitude;
  return (h & 0x8000u) != 0 ? -finite : finite;
}

// A row of b or d, as a vector of GCC and clang, because most of the time is spent in this loop.
typedef float Row __attribute__((vector_size(32)));

template <bool kBf16>
void multiply_16(Warp& warp) {
  const auto value = [](uint32_t h) { return kBf16 ? from_bits(h << 16) : f16_value(h); };
  float a[16][16];
  Row b[16];
  for (uint32_t l = 0; l < kLanes; ++l) {
    const uint32_t g = l / 4;
    const uint32_t t = l % 4;
    const auto& p = *static_cast<Product*>(warp.threads[l].posted);
    for (uint32_t r = 0; r < 4; ++r) {
      a[g + 8 * (r % 2)][2 * t + 8 * (r / 2)] = value(p.a[r] & 0xffffu);
      a[g + 8 * (r % 2)][2 * t + 8 * (r / 2) + 1] = value(p.a[r] >> 16);
    }
    for (uint32_t r = 0; r < 2; ++r) {
      b[2 * t + 8 * r][g] = value(p.b[r] & 0xffffu);
      b[2 * t + 8 * r + 1][g] = value(p.b[r] >> 16);
    }
  }
  Row sum[16];
  for (int m = 0; m < 16; ++m) {
    Row row = {};
    for (int k = 0; k < 16; ++k) row += a[m][k] * b[k];
    sum[m] = row;
  }
  for (uint32_t l = 0; l < kLanes; ++l) {
    auto* d = static_cast<float*>(static_cast<Product*>(warp.threads[l].posted)->d);
    for (uint32_t r = 0; r < 4; ++r) d[r] += sum[l / 4 + 8 * (r / 2)][2 * (l % 4) + r % 2];
  }
  ++(kBf16 ? counters().mma_bf16 : counters().mma_f16);
}

void multiply_s8(Warp& warp) {
  int32_t a[16][32];
  int32_t b[32][8];
  for (uint32_t l = 0; l < kLanes; ++l) {
    const uint32_t g = l / 4;
    const uint32_t t = l % 4;
    const auto& p = *static_cast<Product*>(warp.threads[l].posted);
    for (uint32_t i = 0; i < 4; ++i) {
      for (uint32_t r = 0; r < 4; ++r)
        a[g + 8 * (r % 2)][4 * t + 16 * (r / 2) + i] = static_cast<int8_t>(p.a[r] >> 8 * i);
      for (uint32_t r = 0; r < 2; ++r)
        b[4 * t + 16 * r + i][g] = static_cast<int8_t>(p.b[r] >> 8 * i);
    }
  }
  int32_t sum[16][8] = {};
  for (int m = 0; m < 16; ++m) {
    for (int k = 0; k < 32; ++k) {
      for (int n = 0; n < 8; ++n) sum[m][n] += a[m][k] * b[k][n];
    }
  }
  for (uint32_t l = 0; l < kLanes; ++l) {
    auto* d = static_cast<uint32_t*>(static_cast<Product*>(warp.threads[l].posted)->d);
    for (uint32_t r = 0; r < 4; ++r)
      d[r] += static_cast<uint32_t>(sum[l / 4 + 8 * (r / 2)][2 * (l % 4) + r % 2]);
  }
  ++counters().mma_s8;
}

}  // namespace

void load_matrix(uint32_t* registers, uint32_t row, int count, bool transposed, Site site) {
  MatrixLoad load{row, registers};
  meet(transposed ? "ldmatrix.trans" : "ldmatrix", count + (transposed ? 8 : 0), &load,
       load_matrices, site);
}

void mma_m16n8(Mma kind, void* d, const uint32_t* a, const uint32_t* b, Site site) {
  Product product{d, a, b};
  switch (kind) {
    case Mma::bf16:
      return meet("mma.m16n8k16.bf16", 0, &product, multiply_16<true>, site);
    case Mma::f16:
      return meet("mma.m16n8k16.f16", 0, &product, multiply_16<false>, site);
    case Mma::s8:
      return meet("mma.m16n8k32.s8", 0, &product, multiply_s8, site);
  }
}

}  // namespace simt
