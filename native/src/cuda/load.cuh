// Vectors of elements: loads and stores of up to 16 bytes each, and conversions from bf16 and f16 to
// float and back. A vector of more than 16 bytes takes several accesses.
#pragma once

#include "cuda/ptx/ptx.cuh"

namespace bc::cuda {

template <class T, int kCount>
struct Vec {
  T at[kCount];
  __device__ __forceinline__ T& operator[](int i) { return at[i]; }
  __device__ __forceinline__ const T& operator[](int i) const { return at[i]; }
};

// How many accesses a vector takes.
template <class T, int kCount>
struct Pieces {
  static constexpr int kBytes = static_cast<int>(sizeof(T)) * kCount;
  static constexpr int kPiece = kBytes < 16 ? kBytes : 16;
  static constexpr int kPieces = kBytes / kPiece;
  static_assert(kPieces * kPiece == kBytes, "a vector is 1, 2, 4, 8 or a multiple of 16 bytes");
  ptx::Words<kPiece> piece[kPieces];
};

template <class To, class From>
__device__ __forceinline__ To same_bits(const From& from) {
  static_assert(sizeof(To) == sizeof(From), "same_bits keeps the size");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// --- Global memory -------------------------------------------------------------------------------

// kOnce is for data that is read once and that nothing writes while the kernel lives
// (ptx::ld_global_nc_no_allocate). It does not stay in L1.
template <bool kOnce, int kCount, class T>
__device__ __forceinline__ Vec<T, kCount> load_pieces(const T* from SIMT_SITE) {
  using P = Pieces<T, kCount>;
  const char* bytes = reinterpret_cast<const char*>(from);
  P pieces;
#pragma unroll
  for (int i = 0; i < P::kPieces; ++i) {
    if constexpr (kOnce) {
      pieces.piece[i] = ptx::ld_global_nc_no_allocate<P::kPiece>(bytes + i * P::kPiece SIMT_PASS);
    } else {
      pieces.piece[i] = ptx::ld_global<P::kPiece>(bytes + i * P::kPiece SIMT_PASS);
    }
  }
  return same_bits<Vec<T, kCount>>(pieces);
}

template <int kCount, class T>
__device__ __forceinline__ Vec<T, kCount> load(const T* from SIMT_SITE) {
  return load_pieces<false, kCount>(from SIMT_PASS);
}

template <int kCount, class T>
__device__ __forceinline__ Vec<T, kCount> load_once(const T* from SIMT_SITE) {
  return load_pieces<true, kCount>(from SIMT_PASS);
}

template <int kCount, class T>
__device__ __forceinline__ void store(T* to, const Vec<T, kCount>& x SIMT_SITE) {
  using P = Pieces<T, kCount>;
  const P pieces = same_bits<P>(x);
#pragma unroll
  for (int i = 0; i < P::kPieces; ++i)
    ptx::st_global<P::kPiece>(reinterpret_cast<char*>(to) + i * P::kPiece,
                              pieces.piece[i] SIMT_PASS);
}

template <class T>
__device__ __forceinline__ T load(const T* from SIMT_SITE) {
  return load<1>(from SIMT_PASS)[0];
}

template <class T>
__device__ __forceinline__ void store(T* to, T x SIMT_SITE) {
  store(
      to, Vec<T, 1> {
        { x }
      } SIMT_PASS);
}

// --- Shared memory (single elements: Shared<T>::operator[]) --------------------------------------

template <int kCount, class T>
__device__ __forceinline__ Vec<std::remove_const_t<T>, kCount> load(Shared<T> from SIMT_SITE) {
  using P = Pieces<T, kCount>;
  P pieces;
#ifdef __CUDACC__
  const auto* p = reinterpret_cast<const ptx::Words<P::kPiece>*>(from.pointer());
#endif
#pragma unroll
  for (int i = 0; i < P::kPieces; ++i) {
#ifdef __CUDACC__
    pieces.piece[i] = p[i];
#else
    simt::shared_load(&pieces.piece[i], from.address() + static_cast<uint32_t>(i * P::kPiece),
                      P::kPiece, site);
#endif
  }
  return same_bits<Vec<std::remove_const_t<T>, kCount>>(pieces);
}

template <int kCount, class T>
__device__ __forceinline__ void store(Shared<T> to, const Vec<T, kCount>& x SIMT_SITE) {
  using P = Pieces<T, kCount>;
  const P pieces = same_bits<P>(x);
#pragma unroll
  for (int i = 0; i < P::kPieces; ++i) {
#ifdef __CUDACC__
    reinterpret_cast<ptx::Words<P::kPiece>*>(to.pointer())[i] = pieces.piece[i];
#else
    simt::shared_store(to.address() + static_cast<uint32_t>(i * P::kPiece), &pieces.piece[i],
                       P::kPiece, site);
#endif
  }
}

// --- Widen to float, narrow to T -----------------------------------------------------------------

__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(bf16 x) { return ptx::cvt_f32_bf16(x.bits); }
__device__ __forceinline__ float widen(f16 x) { return ptx::cvt_f32_f16(x.bits); }

template <class T>
__device__ __forceinline__ T narrow(float x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return x;
  } else if constexpr (std::is_same<T, bf16>::value) {
    return bf16{ptx::cvt_bf16(x)};
  } else {
    return f16{ptx::cvt_f16(x)};
  }
}

// Two floats to two T in a register, low first.
template <class T>
__device__ __forceinline__ uint32_t narrow_pair(float low, float high) {
  if constexpr (std::is_same<T, bf16>::value) {
    return ptx::cvt_bf16x2(low, high);
  } else {
    return ptx::cvt_f16x2(low, high);
  }
}

template <class T, int kCount>
__device__ __forceinline__ Vec<float, kCount> widen(const Vec<T, kCount>& x) {
  Vec<float, kCount> y;
#pragma unroll
  for (int i = 0; i < kCount; ++i) y[i] = widen(x[i]);
  return y;
}

template <class T, int kCount>
__device__ __forceinline__ Vec<T, kCount> narrow(const Vec<float, kCount>& x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return x;
  } else {
    static_assert(kCount % 2 == 0, "16-bit elements are narrowed in pairs");
    Vec<uint32_t, kCount / 2> pairs;
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) pairs[i] = narrow_pair<T>(x[2 * i], x[2 * i + 1]);
    return same_bits<Vec<T, kCount>>(pairs);
  }
}

}  // namespace bc::cuda
