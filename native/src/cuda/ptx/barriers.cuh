// Barriers inside a block, and the order of kernels.
#pragma once

#include "cuda/ptx/arithmetic.cuh"

namespace bc::cuda::ptx {

// --- Barriers ------------------------------------------------------------------------------------
// __syncthreads() and __syncwarp() are CUDA's own.

// A named barrier, 1 to 15, for `threads` threads, a multiple of 32. 0 is __syncthreads().
__device__ __forceinline__ void bar_sync(int id, int threads SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
  simt::barrier_sync(id, threads, site);
#endif
}

// Arrives at the barrier without waiting.
__device__ __forceinline__ void bar_arrive(int id, int threads SIMT_SITE) {
#ifdef __CUDACC__
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
  simt::barrier_arrive(id, threads, site);
#endif
}

// `count` arrivals end a phase. Other threads may use the mbarrier after the next barrier.
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

// Whether the phase of this parity (0 first, then 1, 0, ...) is over. It may wait a while before it
// says no, so call it in a loop.
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

}  // namespace bc::cuda::ptx
