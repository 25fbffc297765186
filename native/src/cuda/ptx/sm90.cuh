// Inline PTX of Hopper (sm_90a): bulk copies, clusters, registers that change hands; products of a
// warpgroup are in wgmma.cuh. As in ptx.cuh there is one instruction per function, named after
// it, with a host half for the SIMT emulator. On other GPUs these functions trap; the launchers choose
// kernels by the device.
//
// Two proxies see shared memory. Loads and stores go through the generic one; bulk copies and the
// operands of wgmma in shared memory go through the asynchronous one. The asynchronous proxy sees what
// the generic one wrote after a fence_proxy_async() by the writer, or by a thread that comes after it.
// A thread sees what a bulk copy wrote after it has waited for the copy's mbarrier.
//
// A warpgroup is four warps, the first of them a multiple of 4. All its 128 threads take part in
// instructions of a warpgroup.
//
// Source  PTX ISA, "Data Movement and Conversion Instructions: Bulk copy"
#pragma once

#include "cuda/ptx/ptx.cuh"
#include "cuda/tensor_map.h"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define BC_SM90A 1
#endif

namespace bc::cuda::ptx {

// --- Order ---------------------------------------------------------------------------------------

// Orders what this thread knows of shared memory through the generic proxy before what the asynchronous
// proxy does later for this thread, and for threads that come after it.
__device__ __forceinline__ void fence_proxy_async(SIMT_SITE_ONLY) {
#ifndef __CUDACC__
  simt::fence_proxy_async(site);
#elif defined(BC_SM90A)
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
  __trap();
#endif
}

// Makes mbarrier_init() known to the asynchronous proxy. Other threads need a barrier besides.
__device__ __forceinline__ void fence_mbarrier_init(SIMT_SITE_ONLY) {
#ifndef __CUDACC__
  simt::fence_mbarrier_init(site);
#elif defined(BC_SM90A)
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#else
  __trap();
#endif
}

// --- Bulk copies ---------------------------------------------------------------------------------
// One thread starts a bulk copy, and a unit of the hardware carries it out. The bytes that arrive count
// down what mbarrier_arrive_expect_tx() announced.

// Copies `bytes`, a multiple of 16, between addresses that are multiples of 16.
template <class To>
__device__ __forceinline__ void cp_async_bulk(Shared<To> to, const void* from, uint32_t bytes,
                                              Shared<uint64_t> barrier SIMT_SITE) {
#ifndef __CUDACC__
  simt::copy_bulk(to.address(), from, bytes, barrier.address(), site);
#elif defined(BC_SM90A)
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(to.address()),
      "l"(from), "r"(bytes), "r"(barrier.address())
      : "memory");
#else
  __trap();
#endif
}

// Copies the box of a tensor (tensor_map.h) whose first element has these coordinates, innermost first,
// to an address that is a multiple of 128 (1024 with the swizzle of 128 bytes). Elements outside the
// tensor come as zeros and count as bytes.
template <class To>
__device__ __forceinline__ void cp_async_bulk_tensor_2d(Shared<To> to, const TensorMap* map,
                                                        int32_t c0, int32_t c1,
                                                        Shared<uint64_t> barrier SIMT_SITE) {
#ifndef __CUDACC__
  const int32_t at[] = {c0, c1};
  simt::copy_bulk_tensor(to.address(), map, at, 2, barrier.address(), site);
#elif defined(BC_SM90A)
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, "
      "{%2, %3}], [%4];" ::"r"(to.address()),
      "l"(map), "r"(c0), "r"(c1), "r"(barrier.address())
      : "memory");
#else
  __trap();
#endif
}

// The same, to this place in every block of the cluster whose bit is set in `ranks`. Each block's
// mbarrier at the same place counts what arrives there.
template <class To>
__device__ __forceinline__ void cp_async_bulk_tensor_2d_multicast(Shared<To> to,
                                                                  const TensorMap* map, int32_t c0,
                                                                  int32_t c1,
                                                                  Shared<uint64_t> barrier,
                                                                  uint16_t ranks SIMT_SITE) {
#ifndef __CUDACC__
  const int32_t at[] = {c0, c1};
  simt::copy_bulk_tensor_multicast(to.address(), map, at, 2, barrier.address(), ranks, site);
#elif defined(BC_SM90A)
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::"
      "cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(to.address()),
      "l"(map), "r"(c0), "r"(c1), "r"(barrier.address()), "h"(ranks)
      : "memory");
#else
  __trap();
#endif
}

template <class To>
__device__ __forceinline__ void cp_async_bulk_tensor_3d(Shared<To> to, const TensorMap* map,
                                                        int32_t c0, int32_t c1, int32_t c2,
                                                        Shared<uint64_t> barrier SIMT_SITE) {
#ifndef __CUDACC__
  const int32_t at[] = {c0, c1, c2};
  simt::copy_bulk_tensor(to.address(), map, at, 3, barrier.address(), site);
#elif defined(BC_SM90A)
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, "
      "{%2, %3, %4}], [%5];" ::"r"(to.address()),
      "l"(map), "r"(c0), "r"(c1), "r"(c2), "r"(barrier.address())
      : "memory");
#else
  __trap();
#endif
}

// Fetches the map itself before it is used.
__device__ __forceinline__ void prefetch_tensormap(const TensorMap* map) {
#ifndef __CUDACC__
  (void)map;
#elif defined(BC_SM90A)
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
#else
  __trap();
#endif
}

// --- Clusters ------------------------------------------------------------------------------------

__device__ __forceinline__ uint32_t cluster_ctarank() {
#ifndef __CUDACC__
  return simt::cluster_rank();
#elif defined(BC_SM90A)
  uint32_t rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
#else
  __trap();
#endif
}

// A barrier for every thread of the cluster: what one wrote before it, all see after it.
__device__ __forceinline__ void barrier_cluster(SIMT_SITE_ONLY) {
#ifndef __CUDACC__
  simt::cluster_barrier(site);
#elif defined(BC_SM90A)
  asm volatile(
      "barrier.cluster.arrive.release.aligned;\n\t"
      "barrier.cluster.wait.acquire.aligned;" ::
          : "memory");
#else
  __trap();
#endif
}

// Arrives at the mbarrier that the block of this rank has at the same place.
__device__ __forceinline__ void mbarrier_arrive_cluster(Shared<uint64_t> at,
                                                        uint32_t rank SIMT_SITE) {
#ifndef __CUDACC__
  simt::mbarrier_arrive_at_rank(at.address(), rank, site);
#elif defined(BC_SM90A)
  asm volatile(
      "{ .reg .b32 remote; mapa.shared::cluster.u32 remote, %0, %1; "
      "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote]; }" ::"r"(at.address()),
      "r"(rank)
      : "memory");
#else
  __trap();
#endif
}

// --- Registers -----------------------------------------------------------------------------------

// A warpgroup gives registers back to the block (dec), or waits until it can have more (inc). From here
// on each of its threads has kCount of them, a multiple of 8 from 24 to 256.
template <int kCount>
__device__ __forceinline__ void setmaxnreg_dec(SIMT_SITE_ONLY) {
  static_assert(kCount % 8 == 0 && kCount >= 24 && kCount <= 256, "counts of setmaxnreg");
#ifndef __CUDACC__
  simt::set_max_registers(kCount, false, site);
#elif defined(BC_SM90A)
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kCount));
#else
  __trap();
#endif
}

template <int kCount>
__device__ __forceinline__ void setmaxnreg_inc(SIMT_SITE_ONLY) {
  static_assert(kCount % 8 == 0 && kCount >= 24 && kCount <= 256, "counts of setmaxnreg");
#ifndef __CUDACC__
  simt::set_max_registers(kCount, true, site);
#elif defined(BC_SM90A)
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kCount));
#else
  __trap();
#endif
}

}  // namespace bc::cuda::ptx
