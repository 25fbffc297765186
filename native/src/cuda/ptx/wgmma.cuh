// Inline PTX of matrix products of a warpgroup (sm_90a), as in sm90.cuh.
//
// d[64,n] (+)= a[64,16] b[16,n], asynchronous: between wgmma_fence() and wgmma_wait_group() no thread
// may touch d or the registers of a, and b and an a in shared memory must stay as they are. Products
// into the same d follow each other without a wait.
//
// Which thread holds which element: warp w of the four has rows 16w to 16w + 15, and with g = lane / 4
// and t = lane % 4
//
//   a[64,16]  register r: row 16w + g + 8 (r % 2), columns 2t + 8 (r / 2) and the next
//   d[64,n]   register i: row 16w + g + 8 (i / 2 % 2), column 8 (i / 4) + 2t + i % 2
//
// as in mma.m16n8k16. Operands in shared memory: wgmma.cuh.
//
// Source  PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions"
#pragma once

#include "cuda/ptx/sm90.cuh"

namespace bc::cuda::ptx {

// Orders writes of registers before products that use them. It is needed before the first product, and
// whenever d or a was touched in between.
__device__ __forceinline__ void wgmma_fence(SIMT_SITE_ONLY) {
#ifndef __CUDACC__
  simt::wgmma_fence(site);
#elif defined(BC_SM90A)
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#else
  __trap();
#endif
}

__device__ __forceinline__ void wgmma_commit_group(SIMT_SITE_ONLY) {
#ifndef __CUDACC__
  simt::wgmma_commit_group(site);
#elif defined(BC_SM90A)
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#else
  __trap();
#endif
}

// Waits until at most kLeft of the newest groups are under way.
template <int kLeft>
__device__ __forceinline__ void wgmma_wait_group(SIMT_SITE_ONLY) {
#ifndef __CUDACC__
  simt::wgmma_wait_group(kLeft, site);
#elif defined(BC_SM90A)
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kLeft) : "memory");
#else
  __trap();
#endif
}

// The compiler does not know that a wait changes registers. This keeps it from moving uses of them
// across the wait; no instruction comes of it.
template <int kCount>
__device__ __forceinline__ void pin_registers(float (&d)[kCount]) {
#ifdef __CUDACC__
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(d[i])::"memory");
#else
  (void)d;
#endif
}
template <int kCount>
__device__ __forceinline__ void pin_registers(uint32_t (&a)[kCount]) {
#ifdef __CUDACC__
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+r"(a[i])::"memory");
#else
  (void)a;
#endif
}

#if defined(__CUDACC__) && defined(BC_SM90A)
// The registers of d in the asm statements below: for their text and for their constraints.
#define BC_D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define BC_D16(i) BC_D4(i), BC_D4(i + 4), BC_D4(i + 8), BC_D4(i + 12)
#define BC_D32(i) BC_D16(i), BC_D16(i + 16)
#define BC_D64(i) BC_D32(i), BC_D32(i + 32)
#define BC_D_TEXT_8 "{%0, %1, %2, %3}"
#define BC_D_REGISTERS_8 BC_D4(0)
#define BC_D_TEXT_16 "{%0, %1, %2, %3, %4, %5, %6, %7}"
#define BC_D_REGISTERS_16 BC_D4(0), BC_D4(4)
#define BC_D_TEXT_32 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}"
#define BC_D_REGISTERS_32 BC_D16(0)
#define BC_D_TEXT_64                                                                  \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, " \
  "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}"
#define BC_D_REGISTERS_64 BC_D32(0)
#define BC_D_TEXT_96                                                                  \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, " \
  "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, "  \
  "%34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47}"
#define BC_D_REGISTERS_96 BC_D32(0), BC_D16(32)
#define BC_D_TEXT_128                                                                 \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, " \
  "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, "  \
  "%34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, "  \
  "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}"
#define BC_D_REGISTERS_128 BC_D64(0)
#define BC_D_TEXT_192                                                                 \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, " \
  "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, "  \
  "%34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, "  \
  "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, %64, %65, "  \
  "%66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, "  \
  "%82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95}"
#define BC_D_REGISTERS_192 BC_D64(0), BC_D32(64)
#define BC_D_TEXT_256                                                                    \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, "    \
  "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, "     \
  "%34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, "     \
  "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, %64, %65, "     \
  "%66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, "     \
  "%82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, "     \
  "%98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "   \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, " \
  "%126, %127}"
#define BC_D_REGISTERS_256 BC_D64(0), BC_D64(64)

// The numbers of the asm operands that follow d.
#define BC_SS_TEXT_8 "%4, %5, p, 1, 1, %7, %8;"
#define BC_RS_TEXT_8 "{%4, %5, %6, %7}, %8, p, 1, 1, %10;"
#define BC_SS_ADD_8 "%6"
#define BC_RS_ADD_8 "%9"
#define BC_SS_TEXT_16 "%8, %9, p, 1, 1, %11, %12;"
#define BC_RS_TEXT_16 "{%8, %9, %10, %11}, %12, p, 1, 1, %14;"
#define BC_SS_ADD_16 "%10"
#define BC_RS_ADD_16 "%13"
#define BC_SS_TEXT_32 "%16, %17, p, 1, 1, %19, %20;"
#define BC_RS_TEXT_32 "{%16, %17, %18, %19}, %20, p, 1, 1, %22;"
#define BC_SS_ADD_32 "%18"
#define BC_RS_ADD_32 "%21"
#define BC_SS_TEXT_64 "%32, %33, p, 1, 1, %35, %36;"
#define BC_RS_TEXT_64 "{%32, %33, %34, %35}, %36, p, 1, 1, %38;"
#define BC_SS_ADD_64 "%34"
#define BC_RS_ADD_64 "%37"
#define BC_SS_TEXT_96 "%48, %49, p, 1, 1, %51, %52;"
#define BC_RS_TEXT_96 "{%48, %49, %50, %51}, %52, p, 1, 1, %54;"
#define BC_SS_ADD_96 "%50"
#define BC_RS_ADD_96 "%53"
#define BC_SS_TEXT_128 "%64, %65, p, 1, 1, %67, %68;"
#define BC_RS_TEXT_128 "{%64, %65, %66, %67}, %68, p, 1, 1, %70;"
#define BC_SS_ADD_128 "%66"
#define BC_RS_ADD_128 "%69"
#define BC_SS_TEXT_192 "%96, %97, p, 1, 1, %99, %100;"
#define BC_RS_TEXT_192 "{%96, %97, %98, %99}, %100, p, 1, 1, %102;"
#define BC_SS_ADD_192 "%98"
#define BC_RS_ADD_192 "%101"
#define BC_SS_TEXT_256 "%128, %129, p, 1, 1, %131, %132;"
#define BC_RS_TEXT_256 "{%128, %129, %130, %131}, %132, p, 1, 1, %134;"
#define BC_SS_ADD_256 "%130"
#define BC_RS_ADD_256 "%133"

#define BC_WGMMA_SS(n, type)                                                                    \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, " BC_SS_ADD_##n                                  \
               ", 0; wgmma.mma_async.sync."                                                     \
               "aligned.m64n" #n "k16.f32." type "." type " " BC_D_TEXT_##n ", " BC_SS_TEXT_##n \
               " }"                                                                             \
               : BC_D_REGISTERS_##n                                                             \
               : "l"(a), "l"(b), "r"(static_cast<int>(add)), "n"(kMajorA), "n"(kMajorB))
#define BC_WGMMA_RS(n, type)                                                                     \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, " BC_RS_ADD_##n                                   \
               ", 0; wgmma.mma_async.sync."                                                      \
               "aligned.m64n" #n "k16.f32." type "." type " " BC_D_TEXT_##n ", " BC_RS_TEXT_##n  \
               " }"                                                                              \
               : BC_D_REGISTERS_##n                                                              \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(static_cast<int>(add)), \
                 "n"(kMajorB))
#define BC_WGMMA_OF(kind, n)                      \
  if constexpr (kN == n) {                        \
    if constexpr (std::is_same<T, bf16>::value) { \
      BC_WGMMA_##kind(n, "bf16");                 \
    } else {                                      \
      BC_WGMMA_##kind(n, "f16");                  \
    }                                             \
  }
#endif

// a and b are in shared memory. kMajorA and kMajorB are 0 if K runs along the rows in memory, and 1 if
// the other dimension does. With `add` the product is added to d, otherwise d = a b.
template <class T, int kN, int kMajorA, int kMajorB>
__device__ __forceinline__ void wgmma_ss(float (&d)[kN / 2], uint64_t a, uint64_t b,
                                         bool add SIMT_SITE) {
  static_assert(std::is_same<T, bf16>::value || std::is_same<T, f16>::value, "types of wgmma");
#ifndef __CUDACC__
  simt::wgmma({std::is_same<T, bf16>::value ? simt::Mma::bf16 : simt::Mma::f16, kN, kMajorA,
               kMajorB, d, nullptr, a, b, add},
              site);
#elif defined(BC_SM90A)
  static_assert(kN == 8 || kN == 16 || kN == 32 || kN == 64 || kN == 96 || kN == 128 || kN == 192 ||
                    kN == 256,
                "shapes that are written out");
  BC_WGMMA_OF(SS, 8)
  BC_WGMMA_OF(SS, 16)
  BC_WGMMA_OF(SS, 32)
  BC_WGMMA_OF(SS, 64)
  BC_WGMMA_OF(SS, 96)
  BC_WGMMA_OF(SS, 128)
  BC_WGMMA_OF(SS, 192)
  BC_WGMMA_OF(SS, 256)
#else
  __trap();
#endif
}

// The same with a in registers.
template <class T, int kN, int kMajorB>
__device__ __forceinline__ void wgmma_rs(float (&d)[kN / 2], const uint32_t (&a)[4], uint64_t b,
                                         bool add SIMT_SITE) {
  static_assert(std::is_same<T, bf16>::value || std::is_same<T, f16>::value, "types of wgmma");
#ifndef __CUDACC__
  simt::wgmma({std::is_same<T, bf16>::value ? simt::Mma::bf16 : simt::Mma::f16, kN, 0, kMajorB, d,
               a, 0, b, add},
              site);
#elif defined(BC_SM90A)
  static_assert(kN == 8 || kN == 16 || kN == 32 || kN == 64 || kN == 96 || kN == 128 || kN == 192 ||
                    kN == 256,
                "shapes that are written out");
  BC_WGMMA_OF(RS, 8)
  BC_WGMMA_OF(RS, 16)
  BC_WGMMA_OF(RS, 32)
  BC_WGMMA_OF(RS, 64)
  BC_WGMMA_OF(RS, 96)
  BC_WGMMA_OF(RS, 128)
  BC_WGMMA_OF(RS, 192)
  BC_WGMMA_OF(RS, 256)
#else
  __trap();
#endif
}

}  // namespace bc::cuda::ptx
