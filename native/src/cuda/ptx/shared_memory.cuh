// Loads and stores in shared memory, and asynchronous copies to it.
#pragma once

#include "cuda/ptx/global_memory.cuh"

namespace bc::cuda::ptx {

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
// are read, the rest becomes zero. This thread sees the copy after cp_async_wait_group, others after
// one more barrier. Copies of 16 bytes go past L1.
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

}  // namespace bc::cuda::ptx
