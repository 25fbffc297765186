// All inline PTX: one instruction per function, named after it. Each has a host half, which the
// SIMT emulator carries out as the PTX ISA says. sm_80 and up; what needs sm_90 says so.
//
// Instructions of a whole warp (ldmatrix, mma, shuffles, votes) are always of all 32 lanes.
#pragma once

#include "cuda.cuh"

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

// Any function of three bits, given as what it makes of 0xf0, 0xcc and 0xaa.
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

// Bits that are set.
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

// Nearest even, to [-128, 127]; NaN becomes 0.
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

// a b + c of two bf16 in a register, rounded once.
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

// The same of f16.
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
// Rounded to nearest even each; a product is not fused with the sum behind it.

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

// --- Lanes of a warp exchange registers ----------------------------------------------------------

// The value of lane `source`.
__device__ __forceinline__ uint32_t shfl_idx(uint32_t x, uint32_t source SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_sync(0xffffffffu, x, static_cast<int>(source));
#else
  return simt::exchange("shfl.idx", x, site)[source % 32];
#endif
}

// The value of lane (mine ^ mask).
__device__ __forceinline__ uint32_t shfl_bfly(uint32_t x, uint32_t mask SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_xor_sync(0xffffffffu, x, static_cast<int>(mask));
#else
  return simt::exchange("shfl.bfly", x, site)[(simt::lane() ^ mask) % 32];
#endif
}

// The value of the lane `delta` above, or my own where there is none.
__device__ __forceinline__ uint32_t shfl_down(uint32_t x, uint32_t delta SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_down_sync(0xffffffffu, x, delta);
#else
  const uint32_t source = simt::lane() + delta;
  return simt::exchange("shfl.down", x, site)[source < 32 ? source : simt::lane()];
#endif
}

// The value of the lane `delta` below, or my own where there is none.
__device__ __forceinline__ uint32_t shfl_up(uint32_t x, uint32_t delta SIMT_SITE) {
#ifdef __CUDACC__
  return __shfl_up_sync(0xffffffffu, x, delta);
#else
  const uint32_t lane = simt::lane();
  return simt::exchange("shfl.up", x, site)[lane >= delta ? lane - delta : lane];
#endif
}

// The same for floats and signed integers.
__device__ __forceinline__ float shfl_idx(float x, uint32_t source SIMT_SITE) {
  return from_bits(shfl_idx(bits(x), source SIMT_PASS));
}
__device__ __forceinline__ float shfl_bfly(float x, uint32_t mask SIMT_SITE) {
  return from_bits(shfl_bfly(bits(x), mask SIMT_PASS));
}
__device__ __forceinline__ float shfl_down(float x, uint32_t delta SIMT_SITE) {
  return from_bits(shfl_down(bits(x), delta SIMT_PASS));
}
__device__ __forceinline__ float shfl_up(float x, uint32_t delta SIMT_SITE) {
  return from_bits(shfl_up(bits(x), delta SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_idx(int32_t x, uint32_t source SIMT_SITE) {
  return static_cast<int32_t>(shfl_idx(static_cast<uint32_t>(x), source SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_bfly(int32_t x, uint32_t mask SIMT_SITE) {
  return static_cast<int32_t>(shfl_bfly(static_cast<uint32_t>(x), mask SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_down(int32_t x, uint32_t delta SIMT_SITE) {
  return static_cast<int32_t>(shfl_down(static_cast<uint32_t>(x), delta SIMT_PASS));
}
__device__ __forceinline__ int32_t shfl_up(int32_t x, uint32_t delta SIMT_SITE) {
  return static_cast<int32_t>(shfl_up(static_cast<uint32_t>(x), delta SIMT_PASS));
}

// Bit l is lane l's answer.
__device__ __forceinline__ uint32_t vote_ballot(bool yes SIMT_SITE) {
#ifdef __CUDACC__
  return __ballot_sync(0xffffffffu, yes);
#else
  const uint32_t* answers = simt::exchange("vote.ballot", yes ? 1 : 0, site);
  uint32_t ballot = 0;
  for (uint32_t l = 0; l < 32; ++l) ballot |= answers[l] << l;
  return ballot;
#endif
}

__device__ __forceinline__ bool vote_any(bool yes SIMT_SITE) {
#ifdef __CUDACC__
  return __any_sync(0xffffffffu, yes) != 0;
#else
  return vote_ballot(yes, site) != 0;
#endif
}

__device__ __forceinline__ bool vote_all(bool yes SIMT_SITE) {
#ifdef __CUDACC__
  return __all_sync(0xffffffffu, yes) != 0;
#else
  return vote_ballot(yes, site) == 0xffffffffu;
#endif
}

__device__ __forceinline__ int32_t redux_add(int32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return __reduce_add_sync(0xffffffffu, x);
#else
  const uint32_t* values = simt::exchange("redux.add", static_cast<uint32_t>(x), site);
  uint32_t sum = 0;
  for (uint32_t l = 0; l < 32; ++l) sum += values[l];
  return static_cast<int32_t>(sum);
#endif
}

__device__ __forceinline__ uint32_t redux_max(uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return __reduce_max_sync(0xffffffffu, x);
#else
  const uint32_t* values = simt::exchange("redux.max", x, site);
  uint32_t max = 0;
  for (uint32_t l = 0; l < 32; ++l) max = values[l] > max ? values[l] : max;
  return max;
#endif
}

__device__ __forceinline__ uint32_t redux_min(uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return __reduce_min_sync(0xffffffffu, x);
#else
  const uint32_t* values = simt::exchange("redux.min", x, site);
  uint32_t min = 0xffffffffu;
  for (uint32_t l = 0; l < 32; ++l) min = values[l] < min ? values[l] : min;
  return min;
#endif
}

// --- Barriers ------------------------------------------------------------------------------------
// __syncthreads() and __syncwarp() are CUDA's own.

// Named barrier 1 to 15 of `threads` threads, a multiple of 32. 0 is __syncthreads().
__device__ __forceinline__ void bar_sync(int id, int threads SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
  simt::barrier_sync(id, threads, site);
#endif
}

// Counts at the barrier without waiting.
__device__ __forceinline__ void bar_arrive(int id, int threads SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
  simt::barrier_arrive(id, threads, site);
#endif
}

// `count` arrivals end a phase. Other threads may use it after the next barrier.
__device__ __forceinline__ void mbarrier_init(Shared<uint64_t> at, uint32_t count SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(at.address()), "r"(count) : "memory");
#else
  simt::mbarrier_init(at.address(), count, site);
#endif
}

__device__ __forceinline__ void mbarrier_arrive(Shared<uint64_t> at SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("{ .reg .b64 t; mbarrier.arrive.shared.b64 t, [%0]; }" ::"r"(at.address())
               : "memory");
#else
  simt::mbarrier_arrive(at.address(), 0, site);
#endif
}

// Arrives and announces bytes that asynchronous copies will bring in this phase. sm_90.
__device__ __forceinline__ void mbarrier_arrive_expect_tx(Shared<uint64_t> at,
                                                          uint32_t bytes SIMT_SITE) {
#ifdef __CUDACC__
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{ .reg .b64 t; mbarrier.arrive.expect_tx.shared.b64 t, [%0], %1; }" ::"r"(at.address()),
      "r"(bytes)
      : "memory");
#else
  __trap();
#endif
#else
  simt::mbarrier_arrive(at.address(), bytes, site);
#endif
}

// Whether the phase of this parity (0 first, then 1, 0, ...) is over; may wait a while before it
// says no. Loop over it.
__device__ __forceinline__ bool mbarrier_try_wait_parity(Shared<uint64_t> at,
                                                         uint32_t parity SIMT_SITE) {
#ifdef __CUDACC__
  uint32_t done;
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
      : "=r"(done)
      : "r"(at.address()), "r"(parity)
      : "memory");
#else
  asm volatile(
      "{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
      : "=r"(done)
      : "r"(at.address()), "r"(parity)
      : "memory");
#endif
  return done != 0;
#else
  simt::mbarrier_wait(at.address(), parity, site);
  return true;
#endif
}

// --- Between kernels (sm_90; earlier devices start kernels one after another) --------------------

// Waits until the kernels before this one are done and their writes are visible.
__device__ __forceinline__ void griddepcontrol_wait(SIMT_SITE_ONLY) {
#ifndef __CUDACC__
  simt::wait_for_earlier_kernels(site);
#elif __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Lets the next kernel start when all blocks have called it.
__device__ __forceinline__ void griddepcontrol_launch_dependents() {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// --- Global memory: registers of 4, 8 and 16 bytes, shorts and bytes -----------------------------

// What a load brings, as words.
template <int kBytes>
struct alignas(kBytes) Words {
  uint32_t w[kBytes / 4];
};
template <>
struct alignas(2) Words<2> {
  uint16_t w[1];
};
template <>
struct Words<1> {
  uint8_t w[1];
};

template <int kBytes>
__device__ __forceinline__ Words<kBytes> ld_global(const void* from SIMT_SITE) {
#ifdef __CUDACC__
  // A dereference and no asm, so that the compiler may move it.
  return *static_cast<const Words<kBytes>*>(from);
#else
  Words<kBytes> d;
  simt::global_load(&d, from, kBytes, site);
  return d;
#endif
}

// Of data that is read once: past L1, and not ordered with anything. Nobody writes it from the kernel's
// start to its end: none of the kernels before one that starts early either, not even where it has
// waited for them.
template <int kBytes>
__device__ __forceinline__ Words<kBytes> ld_global_nc_no_allocate(const void* from SIMT_SITE) {
#ifdef __CUDACC__
  Words<kBytes> d;
  if constexpr (kBytes == 16) {
    asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(d.w[0]), "=r"(d.w[1]), "=r"(d.w[2]), "=r"(d.w[3])
        : "l"(from));
  } else if constexpr (kBytes == 8) {
    asm("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];"
        : "=r"(d.w[0]), "=r"(d.w[1])
        : "l"(from));
  } else if constexpr (kBytes == 4) {
    asm("ld.global.nc.L1::no_allocate.u32 %0, [%1];" : "=r"(d.w[0]) : "l"(from));
  } else {
    static_assert(kBytes == 2, "1-byte loads gain nothing here");
    asm("ld.global.nc.L1::no_allocate.u16 %0, [%1];" : "=h"(d.w[0]) : "l"(from));
  }
  return d;
#else
  Words<kBytes> d;
  simt::global_load_constant(&d, from, kBytes, site);
  return d;
#endif
}

// A cache policy for L2: what is loaded with it goes first when room is needed. For weights, which
// are read once a step, so that activations stay.
__device__ __forceinline__ uint64_t createpolicy_evict_first() {
#ifdef __CUDACC__
  uint64_t policy;
  asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  return policy;
#else
  return 0;
#endif
}

// The same load, past L1, with a policy for L2.
__device__ __forceinline__ Words<16> ld_global_nc_hint(const void* from,
                                                       uint64_t policy SIMT_SITE) {
#ifdef __CUDACC__
  Words<16> d;
  asm("ld.global.nc.L1::no_allocate.L2::cache_hint.v4.u32 {%0, %1, %2, %3}, [%4], %5;"
      : "=r"(d.w[0]), "=r"(d.w[1]), "=r"(d.w[2]), "=r"(d.w[3])
      : "l"(from), "l"(policy));
  return d;
#else
  (void)policy;
  Words<16> d;
  simt::global_load_constant(&d, from, 16, site);
  return d;
#endif
}

template <int kBytes>
__device__ __forceinline__ void st_global(void* to, Words<kBytes> x SIMT_SITE) {
#ifdef __CUDACC__
  *static_cast<Words<kBytes>*>(to) = x;
#else
  simt::global_store(to, &x, kBytes, site);
#endif
}

// --- Atomics and flags in global memory ----------------------------------------------------------

#ifndef __CUDACC__
inline uint32_t added(uint32_t old, uint32_t x, uint32_t) { return old + x; }
inline uint32_t float_added(uint32_t old, uint32_t x, uint32_t) {
  return bits(from_bits(old) + from_bits(x));
}
inline uint32_t swapped_if(uint32_t old, uint32_t x, uint32_t expected) {
  return old == expected ? x : old;
}
inline uint32_t larger(uint32_t old, uint32_t x, uint32_t) { return old > x ? old : x; }
#endif

// Relaxed: orders nothing else. The order of float sums changes from run to run.
__device__ __forceinline__ void red_add(float* at, float x SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" ::"l"(at), "f"(x) : "memory");
#else
  simt::global_atomic(at, float_added, bits(x), 0, false, site);
#endif
}

__device__ __forceinline__ void red_add(int32_t* at, int32_t x SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("red.relaxed.gpu.global.add.s32 [%0], %1;" ::"l"(at), "r"(x) : "memory");
#else
  simt::global_atomic(at, added, static_cast<uint32_t>(x), 0, false, site);
#endif
}

// Returns the old value; what this thread knows goes before it, what earlier adders knew after.
__device__ __forceinline__ uint32_t atom_add_acq_rel(uint32_t* at, uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  uint32_t old;
  asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], %2;"
               : "=r"(old)
               : "l"(at), "r"(x)
               : "memory");
  return old;
#else
  return simt::global_atomic(at, added, x, 0, true, site);
#endif
}

__device__ __forceinline__ uint32_t ld_acquire(const uint32_t* from SIMT_SITE) {
#ifdef __CUDACC__
  uint32_t x;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(x) : "l"(from) : "memory");
  return x;
#else
  return simt::load_acquire(from, site);
#endif
}

__device__ __forceinline__ void st_release(uint32_t* to, uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(to), "r"(x) : "memory");
#else
  simt::store_release(to, x, site);
#endif
}

// --- Shared memory -------------------------------------------------------------------------------

__device__ __forceinline__ uint32_t atom_shared_add(Shared<uint32_t> at, uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return atomicAdd(at.pointer(), x);
#else
  return simt::shared_atomic(at.address(), added, x, 0, site);
#endif
}

__device__ __forceinline__ uint32_t atom_shared_max(Shared<uint32_t> at, uint32_t x SIMT_SITE) {
#ifdef __CUDACC__
  return atomicMax(at.pointer(), x);
#else
  return simt::shared_atomic(at.address(), larger, x, 0, site);
#endif
}

// 8x8 matrices of 16-bit elements. Lane 8i + r names row r of matrix i, 16 bytes. Lane l gets
// elements 2 (l % 4) and the next one of row l / 4 of each matrix; .trans: of column l / 4.
template <class T>
__device__ __forceinline__ void ldmatrix_x1(uint32_t (&d)[1], Shared<T> row SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
               : "=r"(d[0])
               : "r"(row.address())
               : "memory");
#else
  simt::load_matrix(d, row.address(), 1, false, site);
#endif
}

template <class T>
__device__ __forceinline__ void ldmatrix_x2(uint32_t (&d)[2], Shared<T> row SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(row.address())
               : "memory");
#else
  simt::load_matrix(d, row.address(), 2, false, site);
#endif
}

template <class T>
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&d)[4], Shared<T> row SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(row.address())
               : "memory");
#else
  simt::load_matrix(d, row.address(), 4, false, site);
#endif
}

template <class T>
__device__ __forceinline__ void ldmatrix_x1_trans(uint32_t (&d)[1], Shared<T> row SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
               : "=r"(d[0])
               : "r"(row.address())
               : "memory");
#else
  simt::load_matrix(d, row.address(), 1, true, site);
#endif
}

template <class T>
__device__ __forceinline__ void ldmatrix_x2_trans(uint32_t (&d)[2], Shared<T> row SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(row.address())
               : "memory");
#else
  simt::load_matrix(d, row.address(), 2, true, site);
#endif
}

template <class T>
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&d)[4], Shared<T> row SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(row.address())
               : "memory");
#else
  simt::load_matrix(d, row.address(), 4, true, site);
#endif
}

// Copies kBytes from global to shared memory without a register between. The first `source_bytes`
// are read, the rest becomes zero. It has happened for this thread after cp_async_wait_group, for
// others after a barrier more. 16 bytes go past L1.
template <int kBytes, class To, class From>
__device__ __forceinline__ void cp_async(Shared<To> to, const From* from,
                                         int source_bytes = kBytes SIMT_SITE) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16, "sizes of cp.async");
#ifdef __CUDACC__
  if constexpr (kBytes == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to.address()), "l"(from),
                 "r"(source_bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to.address()), "l"(from),
                 "n"(kBytes), "r"(source_bytes)
                 : "memory");
  }
#else
  simt::copy_async(to.address(), from, kBytes, source_bytes, site);
#endif
}

// 16 bytes with a policy for L2 (createpolicy_evict_first).
template <class To, class From>
__device__ __forceinline__ void cp_async_16_hint(Shared<To> to, const From* from, int source_bytes,
                                                 uint64_t policy SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile(
      "cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2, %3;" ::"r"(to.address()),
      "l"(from), "r"(source_bytes), "l"(policy)
      : "memory");
#else
  (void)policy;
  simt::copy_async(to.address(), from, 16, source_bytes, site);
#endif
}

// Closes the group of the copies since the last commit; an empty group counts.
__device__ __forceinline__ void cp_async_commit_group(SIMT_SITE_ONLY) {
#ifdef __CUDACC__
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  simt::copy_async_commit(site);
#endif
}

// Waits until at most kLeft of this thread's newest groups are under way.
template <int kLeft>
__device__ __forceinline__ void cp_async_wait_group(SIMT_SITE_ONLY) {
#ifdef __CUDACC__
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
#else
  simt::copy_async_wait(kLeft, site);
#endif
}

// --- Tensor cores --------------------------------------------------------------------------------
// d[16,8] += a[16,k] b[k,8]. Who holds what: mma.cuh.

__device__ __forceinline__ void mma_m16n8k16_bf16(float (&d)[4], const uint32_t (&a)[4],
                                                  const uint32_t (&b)[2] SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  simt::mma_m16n8(simt::Mma::bf16, d, a, b, site);
#endif
}

__device__ __forceinline__ void mma_m16n8k16_f16(float (&d)[4], const uint32_t (&a)[4],
                                                 const uint32_t (&b)[2] SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  simt::mma_m16n8(simt::Mma::f16, d, a, b, site);
#endif
}

__device__ __forceinline__ void mma_m16n8k32_s8(int32_t (&d)[4], const uint32_t (&a)[4],
                                                const uint32_t (&b)[2] SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  simt::mma_m16n8(simt::Mma::s8, d, a, b, site);
#endif
}

}  // namespace bc::cuda::ptx
