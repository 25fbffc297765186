// Loads, stores and atomics in global memory.
#pragma once

#include "cuda/ptx/arithmetic.cuh"

namespace bc::cuda::ptx {

// --- Global memory: registers of 4, 8 and 16 bytes, shorts and bytes -----------------------------

// The words that a load brings.
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

// Loads data that is read once: past L1, and not ordered with anything. Nothing may write it from the
// kernel's start to its end. For a kernel that starts early that includes the kernels before it, even
// after it has waited for them.
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

// A cache policy for L2: lines loaded with it are evicted first. It is for weights, which are read once
// a step, so that activations stay.
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

// Returns the old value. Releases what this thread has done before, and acquires what earlier adders
// have released.
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

}  // namespace bc::cuda::ptx
