// What every .cu file includes first. It brings the CUDA language (from the toolkit under nvcc, from
// tests/simt under the host compiler), the launch of kernels, and shared memory.
//
// A kernel reaches global memory through load.cuh and ptx/ only, and shared memory through Shared<T>
// only, because the emulator watches there (docs/emulator.md).
#pragma once

#include "cuda/kernel_choice.h"
#include "error.h"
#include "types.h"

#ifdef __CUDACC__
#include <cuda_runtime.h>
// Functions that touch memory or meet other threads hand the caller's source line down to the
// emulator. Under nvcc these are nothing.
#define SIMT_SITE
#define SIMT_SITE_ONLY
#define SIMT_PASS
#define SIMT_PASS_ONLY
#else
#include "simt/simt.h"
#define SIMT_SITE , simt::Site site = simt::here()
#define SIMT_SITE_ONLY simt::Site site = simt::here()
#define SIMT_PASS , site
#define SIMT_PASS_ONLY site
#endif

namespace bc::cuda {

constexpr int kWarp = 32;

struct Launch {
  dim3 grid;
  dim3 block;
  size_t shared_bytes = 0;  // dynamic shared memory of a block
  void* stream = nullptr;   // a cudaStream_t
  // If starts_early() (kernel_choice.h), the kernel may start while those before it still run. It calls
  // griddepcontrol_wait() before it touches anything but weights. Even then it reads nothing that they
  // wrote by ld.global.nc, which is for memory that nothing writes while the kernel lives.
  bool early = false;
  // How many blocks side by side in x reach each other's shared memory (sm_90). Divides the grid.
  unsigned cluster = 1;
};

#ifdef __CUDACC__

inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  fail(BC_DEVICE, "%s: %s", what, cudaGetErrorString(status));
}

// launch<kernel>({grid, block}, arguments...). Every kernel starts here.
template <auto kKernel, class... Arguments>
void launch(const Launch& how, const Arguments&... arguments) {
  constexpr size_t kWithoutAsking = 48 << 10;
  if (how.shared_bytes > kWithoutAsking) {
    check(cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(how.shared_bytes)),
          "shared memory of a kernel");
  }
  cudaLaunchAttribute attributes[2] = {};
  unsigned count = 0;
  if (how.early && starts_early()) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  if (how.cluster > 1) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count++].val.clusterDim = {how.cluster, 1, 1};
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = how.grid;
  config.blockDim = how.block;
  config.dynamicSmemBytes = how.shared_bytes;
  config.stream = static_cast<cudaStream_t>(how.stream);
  config.attrs = attributes;
  config.numAttrs = count;
  check(cudaLaunchKernelEx(&config, kKernel, arguments...), "kernel launch");
}

// A pointer into shared memory, a type of its own because the emulator watches its elements.
template <class T>
class Shared {
 public:
  Shared() = default;
  __device__ explicit Shared(T* pointer) : pointer_(pointer) {}
  __device__ operator Shared<const T>() const { return Shared<const T>(pointer_); }
  __device__ T& operator[](int64_t i) const { return pointer_[i]; }
  __device__ Shared operator+(int64_t i) const { return Shared(pointer_ + i); }
  __device__ Shared operator-(int64_t i) const { return Shared(pointer_ - i); }
  __device__ Shared& operator+=(int64_t i) { return *this = *this + i; }
  // The address in the shared window, as PTX takes it.
  __device__ uint32_t address() const {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer_));
  }
  __device__ T* pointer() const { return pointer_; }

 private:
  T* pointer_;
};

extern __shared__ __align__(1024) unsigned char dynamic_shared[];

// The block's dynamic shared memory from a byte offset on.
template <class T>
__device__ __forceinline__ Shared<T> shared_memory(uint32_t offset = 0) {
  return Shared<T>(reinterpret_cast<T*>(dynamic_shared + offset));
}

#else

using simt::Shared;

template <class T>
Shared<T> shared_memory(uint32_t offset = 0) {
  return Shared<T>(offset);
}

// "rms_norm_kernel<bc::bf16>" out of "... [with auto kKernel = bc::cuda::rms_norm_kernel<...>;
// ...".
inline std::string kernel_name(const char* function) {
  std::string name = function;
  const size_t begin = name.find("kKernel = ");
  if (begin == std::string::npos) return name;
  name = name.substr(begin + 10, name.find_first_of(";]", begin) - begin - 10);
  for (const char* prefix : {"bc::cuda::", "{anonymous}::", "(anonymous namespace)::", "bc::"}) {
    for (size_t at; (at = name.find(prefix)) != std::string::npos;)
      name.erase(at, std::strlen(prefix));
  }
  return name;
}

template <auto kKernel, class... Arguments>
void launch(const Launch& how, const Arguments&... arguments) {
  static const std::string name = kernel_name(__PRETTY_FUNCTION__);
  const auto run = [=] {
    simt::launch(name.c_str(), how.grid, how.block, how.shared_bytes, how.early && starts_early(),
                 how.cluster, [&] { kKernel(arguments...); });
  };
  if (simt::recorder() != nullptr) {
    simt::recorder()->push_back(run);
  } else {
    run();
  }
}

#endif

// Calls f with an element of f32, f16 or bf16, whose type chooses the kernel.
template <class F>
void for_plain(Type type, F&& f) {
  switch (type) {
    case Type::f32:
      return f(float{});
    case Type::f16:
      return f(f16{});
    default:
      return f(bf16{});
  }
}

}  // namespace bc::cuda
