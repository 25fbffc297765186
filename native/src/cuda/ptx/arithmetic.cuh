// Bits, conversions and arithmetic inside one thread.
#pragma once

#include "cuda/cuda.cuh"

namespace bc::cuda::ptx {

// --- Where am I ----------------------------------------------------------------------------------

__device__ __forceinline__ uint32_t lane_id() {
#ifdef __CUDACC__
  uint32_t lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  return lane;
#else
  return simt::lane();
#endif
}

// --- Bits ----------------------------------------------------------------------------------------

__device__ __forceinline__ uint32_t bits(float f) {
#ifdef __CUDACC__
  return __float_as_uint(f);
#else
  return bits_of(f);
#endif
}

__device__ __forceinline__ float from_bits(uint32_t u) {
#ifdef __CUDACC__
  return __uint_as_float(u);
#else
  return float_from_bits(u);
#endif
}

// Any function of three bits. It is named by its result for 0xf0, 0xcc and 0xaa.
template <uint8_t kTable>
__device__ __forceinline__ uint32_t lop3(uint32_t a, uint32_t b, uint32_t c) {
#ifdef __CUDACC__
  uint32_t d;
  asm("lop3.b32 %0, %1, %2, %3, %4;" : "=r"(d) : "r"(a), "r"(b), "r"(c), "n"(kTable));
  return d;
#else
  simt::executed(simt::Pipe::alu);
  uint32_t d = 0;
  for (uint32_t i = 0; i < 8; ++i) {
    if ((kTable >> i & 1u) == 0) continue;
    d |= ((i & 4u) != 0 ? a : ~a) & ((i & 2u) != 0 ? b : ~b) & ((i & 1u) != 0 ? c : ~c);
  }
  return d;
#endif
}

// How many bits are set.
__device__ __forceinline__ int32_t popc(uint32_t x) {
#ifdef __CUDACC__
  return __popc(x);
#else
  simt::executed(simt::Pipe::mufu);
  return __builtin_popcount(x);
#endif
}

// Byte i of the result is byte (selector >> 4i) & 7 of b:a, or its sign repeated when bit 3 is set.
__device__ __forceinline__ uint32_t prmt(uint32_t a, uint32_t b, uint32_t selector) {
#ifdef __CUDACC__
  uint32_t d;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(selector));
  return d;
#else
  simt::executed(simt::Pipe::alu);
  const uint64_t both = uint64_t{b} << 32 | a;
  uint32_t d = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t s = selector >> 4 * i;
    uint32_t byte = static_cast<uint32_t>(both >> 8 * (s & 7u)) & 0xffu;
    if ((s & 8u) != 0) byte = (byte & 0x80u) != 0 ? 0xffu : 0;
    d |= byte << 8 * i;
  }
  return d;
#endif
}

// c + the sum of the four products of signed bytes.
__device__ __forceinline__ int32_t dp4a(uint32_t a, uint32_t b, int32_t c) {
#ifdef __CUDACC__
  int32_t d;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
#else
  simt::executed(simt::Pipe::alu);
  uint32_t d = static_cast<uint32_t>(c);
  for (uint32_t i = 0; i < 4; ++i)
    d += static_cast<uint32_t>(static_cast<int8_t>(a >> 8 * i) * static_cast<int8_t>(b >> 8 * i));
  return static_cast<int32_t>(d);
#endif
}

// --- Conversions ---------------------------------------------------------------------------------

#ifndef __CUDACC__
// The hardware makes every NaN the canonical one.
inline uint32_t bf16_bits(float f) { return std::isnan(f) ? 0x7fffu : to_bf16(f).bits; }
inline uint32_t f16_bits(float f) { return std::isnan(f) ? 0x7fffu : to_f16(f).bits; }
#endif

// Two floats rounded to nearest even, low in the lower half.
__device__ __forceinline__ uint32_t cvt_bf16x2(float low, float high) {
#ifdef __CUDACC__
  uint32_t d;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
#else
  simt::executed(simt::Pipe::alu);
  return bf16_bits(high) << 16 | bf16_bits(low);
#endif
}

__device__ __forceinline__ uint32_t cvt_f16x2(float low, float high) {
#ifdef __CUDACC__
  uint32_t d;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
#else
  simt::executed(simt::Pipe::alu);
  return f16_bits(high) << 16 | f16_bits(low);
#endif
}

__device__ __forceinline__ uint16_t cvt_bf16(float x) {
#ifdef __CUDACC__
  uint16_t d;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(d) : "f"(x));
  return d;
#else
  simt::executed(simt::Pipe::alu);
  return static_cast<uint16_t>(bf16_bits(x));
#endif
}

__device__ __forceinline__ uint16_t cvt_f16(float x) {
#ifdef __CUDACC__
  uint16_t d;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(d) : "f"(x));
  return d;
#else
  simt::executed(simt::Pipe::alu);
  return static_cast<uint16_t>(f16_bits(x));
#endif
}

__device__ __forceinline__ float cvt_f32_f16(uint16_t x) {
#ifdef __CUDACC__
  float d;
  asm("cvt.f32.f16 %0, %1;" : "=f"(d) : "h"(x));
  return d;
#else
  simt::executed(simt::Pipe::fma);
  return to_float(f16{x});
#endif
}

// A bf16 is the upper half of a float.
__device__ __forceinline__ float cvt_f32_bf16(uint16_t x) { return from_bits(uint32_t{x} << 16); }

// Rounds to nearest even and clamps to [-128, 127]; a NaN becomes 0.
__device__ __forceinline__ int32_t cvt_s8(float x) {
#ifdef __CUDACC__
  int32_t d;
  asm("cvt.rni.sat.s8.f32 %0, %1;" : "=r"(d) : "f"(x));
  return d;
#else
  simt::executed(simt::Pipe::mufu);
  if (std::isnan(x)) return 0;
  return static_cast<int32_t>(std::nearbyint(std::fmin(std::fmax(x, -128.0f), 127.0f)));
#endif
}

// a b + c for the two bf16 of a register, each rounded once.
__device__ __forceinline__ uint32_t fma_bf16x2(uint32_t a, uint32_t b, uint32_t c) {
#ifdef __CUDACC__
  uint32_t d;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
#else
  simt::executed(simt::Pipe::fma);
  const auto one = [](uint32_t x, uint32_t y, uint32_t z) {
    const auto f = [](uint32_t u) { return static_cast<double>(float_from_bits(u << 16)); };
    // Exact in double for the 8-bit significands unless the exponents lie far apart.
    return static_cast<float>(std::fma(f(x), f(y), f(z)));
  };
  return cvt_bf16x2(one(a & 0xffffu, b & 0xffffu, c & 0xffffu), one(a >> 16, b >> 16, c >> 16));
#endif
}

// The same for f16.
__device__ __forceinline__ uint32_t fma_f16x2(uint32_t a, uint32_t b, uint32_t c) {
#ifdef __CUDACC__
  uint32_t d;
  asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
#else
  simt::executed(simt::Pipe::fma);
  const auto one = [](uint32_t x, uint32_t y, uint32_t z) {
    const auto f = [](uint32_t u) {
      return static_cast<double>(to_float(f16{static_cast<uint16_t>(u)}));
    };
    return static_cast<float>(std::fma(f(x), f(y), f(z)));
  };
  return cvt_f16x2(one(a & 0xffffu, b & 0xffffu, c & 0xffffu), one(a >> 16, b >> 16, c >> 16));
#endif
}

// --- Arithmetic that the compiler leaves as it stands --------------------------------------------
// Each result is rounded to nearest even; a product is not fused with a sum that follows it.

__device__ __forceinline__ float add_rn(float a, float b) {
#ifdef __CUDACC__
  return __fadd_rn(a, b);
#else
  return a + b;
#endif
}

__device__ __forceinline__ float sub_rn(float a, float b) {
#ifdef __CUDACC__
  return __fsub_rn(a, b);
#else
  return a - b;
#endif
}

__device__ __forceinline__ float mul_rn(float a, float b) {
#ifdef __CUDACC__
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}

__device__ __forceinline__ float div_rn(float a, float b) {
#ifdef __CUDACC__
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}

// --- Approximations, subnormals flushed to zero --------------------------------------------------

#ifndef __CUDACC__
inline float flushed(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}
#endif

// 2^x, relative error 2^-22.
__device__ __forceinline__ float ex2(float x) {
#ifdef __CUDACC__
  float d;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
#else
  simt::executed(simt::Pipe::mufu);
  return flushed(std::exp2(flushed(x)));
#endif
}

// log2 x.
__device__ __forceinline__ float lg2(float x) {
#ifdef __CUDACC__
  float d;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
#else
  simt::executed(simt::Pipe::mufu);
  return std::log2(flushed(x));
#endif
}

// 1 / x, error 1 unit in the last place.
__device__ __forceinline__ float rcp(float x) {
#ifdef __CUDACC__
  float d;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
#else
  simt::executed(simt::Pipe::mufu);
  return flushed(1.0f / flushed(x));
#endif
}

// 1 / sqrt(x), relative error 2^-22.
__device__ __forceinline__ float rsqrt(float x) {
#ifdef __CUDACC__
  float d;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(d) : "f"(x));
  return d;
#else
  simt::executed(simt::Pipe::mufu);
  return 1.0f / std::sqrt(flushed(x));
#endif
}

}  // namespace bc::cuda::ptx
