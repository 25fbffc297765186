// Implements device.h with the CUDA runtime, which is linked statically: without a driver it answers
// that there is no device.
#include "cuda/device.h"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>

#include "cuda/architectures.h"
#include "cuda/driver.h"
#include "cuda/kernel_choice.h"
#include "cuda/tensor_map.h"
#include "error.h"

namespace bc::cuda {
namespace {

using Long = long long;

// The oldest capability that machine code is built for.
constexpr int kOldest = 80;

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears an error that is not sticky
  fail(BC_DEVICE, "cuda: %s failed: %s", what, cudaGetErrorString(status));
}

class RuntimeGraph final : public Graph {
 public:
  explicit RuntimeGraph(cudaGraph_t graph) {
    const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "instantiating a recorded step");
  }
  ~RuntimeGraph() override { cudaGraphExecDestroy(executable_); }
  cudaGraphExec_t executable() const { return executable_; }

 private:
  cudaGraphExec_t executable_ = nullptr;
};

// Two page-locked buffers: one is filled by the host while the other is sent.
class Staging {
 public:
  static constexpr int64_t kBytes = 8 << 20;
  // For smaller copies the driver's own buffer is as good.
  static constexpr int64_t kSmall = 64 << 10;

  ~Staging() {
    for (Buffer& b : buffers_) {
      if (b.sent != nullptr) cudaEventDestroy(b.sent);
      if (b.data != nullptr) cudaFreeHost(b.data);
    }
  }
  void upload(uint8_t* to, const uint8_t* from, int64_t bytes, cudaStream_t stream) {
    for (int64_t at = 0; at < bytes; at += kBytes) {
      const auto part = static_cast<size_t>(bytes - at < kBytes ? bytes - at : kBytes);
      Buffer& b = buffers_[next_];
      next_ = 1 - next_;
      if (b.data == nullptr) {
        check(cudaEventCreateWithFlags(&b.sent, cudaEventDisableTiming), "creating an event");
        check(cudaMallocHost(&b.data, kBytes), "page-locking 8 MiB of RAM for uploads");
      }
      check(cudaEventSynchronize(b.sent), "an upload");
      std::memcpy(b.data, from + at, part);
      check(cudaMemcpyAsync(to + at, b.data, part, cudaMemcpyDefault, stream), "an upload");
      check(cudaEventRecord(b.sent, stream), "an upload");
    }
  }

 private:
  struct Buffer {
    void* data = nullptr;
    cudaEvent_t sent = nullptr;
  };
  Buffer buffers_[2];
  int next_ = 0;
};

class RuntimeDevice final : public Device {
 public:
  RuntimeDevice(int index, void* stream) : index_(index), owns_stream_(stream == nullptr) {
    cudaDeviceProp p;
    check(cudaGetDeviceProperties(&p, index), "asking for the device's properties");
    facts_ = {p.name,
              p.major * 10 + p.minor,
              p.multiProcessorCount,
              static_cast<int64_t>(p.totalGlobalMem),
              static_cast<int64_t>(p.sharedMemPerBlockOptin),
              false};
    if (facts_.capability < kOldest) {
      fail(BC_DEVICE, "cuda: device %d, %s, has compute capability %d.%d, expected 8.0 or later",
           index, p.name, p.major, p.minor);
    }
    if (!has_code(BC_CUDA_ARCHITECTURES, facts_.capability)) {
      fail(BC_DEVICE,
           "cuda: device %d, %s, has compute capability %d.%d, expected one that this build has "
           "kernels for (%s); ./baichuan --cuda builds all",
           index, p.name, p.major, p.minor, BC_CUDA_ARCHITECTURES);
    }
    facts_.hopper = use_hopper_kernels(facts_.capability);
    use();
    stream_ = static_cast<cudaStream_t>(stream);
    if (owns_stream_)
      check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  ~RuntimeDevice() override {
    cudaSetDevice(index_);
    cudaStreamSynchronize(stream_);
    if (owns_stream_) cudaStreamDestroy(stream_);
  }

  const Facts& facts() const override { return facts_; }
  void memory(int64_t* free, int64_t* total) const override {
    use();
    size_t f = 0;
    size_t t = 0;
    check(cudaMemGetInfo(&f, &t), "asking for free memory");
    *free = static_cast<int64_t>(f);
    *total = static_cast<int64_t>(t);
  }

  void* allocate(int64_t bytes) override {
    use();
    void* memory = nullptr;
    const auto size = static_cast<size_t>(bytes > 0 ? bytes : 1);
    const cudaError_t status = cudaMalloc(&memory, size);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      int64_t free = 0;
      int64_t total = 0;
      this->memory(&free, &total);
      fail(Shortage{bytes, free}, "memory: a tensor needs %lld bytes of cuda:%d, free are %lld",
           static_cast<Long>(bytes), index_, static_cast<Long>(free));
    }
    check(status, "allocating memory");
    const cudaError_t zeroed = cudaMemsetAsync(memory, 0, size, stream_);
    if (zeroed != cudaSuccess) cudaFree(memory);
    check(zeroed, "clearing memory");
    return memory;
  }
  void release(void* memory) noexcept override {
    cudaSetDevice(index_);
    cudaFree(memory);
  }

  void* allocate_on_host(int64_t bytes) override {
    use();
    void* memory = nullptr;
    const auto size = static_cast<size_t>(bytes > 0 ? bytes : 1);
    const cudaError_t status = cudaHostAlloc(&memory, size, cudaHostAllocDefault);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      fail(Shortage{bytes, -1},
           "memory: a tensor on the host needs %lld bytes of page-locked RAM, the "
           "system refused them",
           static_cast<Long>(bytes));
    }
    check(status, "page-locking memory");
    std::memset(memory, 0, size);
    return memory;
  }
  void release_on_host(void* memory) noexcept override {
    cudaSetDevice(index_);
    cudaStreamSynchronize(stream_);  // kernels may still read it
    cudaFreeHost(memory);
  }

  void upload(void* to, const void* from, int64_t bytes) override {
    use();
    if (bytes > Staging::kSmall) {
      staging_.upload(static_cast<uint8_t*>(to), static_cast<const uint8_t*>(from), bytes, stream_);
    } else if (bytes > 0) {
      // If the memory is not page-locked, the driver copies it before it returns.
      check(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, stream_),
            "an upload");
    }
  }
  void download(void* to, const void* from, int64_t bytes) override {
    use();
    if (bytes > 0) {
      check(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, stream_),
            "a download");
    }
    synchronize();
  }
  void synchronize() override {
    use();
    check(cudaStreamSynchronize(stream_), "work on the device");
  }
  void* stream() override {
    use();
    return stream_;
  }

  std::unique_ptr<Graph> record(const std::function<void()>& body) override {
    use();
    check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "recording a step");
    cudaGraph_t graph = nullptr;
    try {
      body();
    } catch (...) {
      cudaStreamEndCapture(stream_, &graph);
      cudaGetLastError();
      if (graph != nullptr) cudaGraphDestroy(graph);
      throw;
    }
    check(cudaStreamEndCapture(stream_, &graph), "recording a step");
    return std::make_unique<RuntimeGraph>(graph);
  }
  void run(Graph& graph) override {
    use();
    check(cudaGraphLaunch(static_cast<RuntimeGraph&>(graph).executable(), stream_),
          "running a recorded step");
  }

 private:
  // The current device is a property of the calling thread.
  void use() const { check(cudaSetDevice(index_), "choosing the device"); }

  const int index_;
  const bool owns_stream_;
  Facts facts_;
  cudaStream_t stream_ = nullptr;
  Staging staging_;
};

// Finds a function of the driver, which is not linked. It is there whenever a device is.
decltype(&cuTensorMapEncodeTiled) encode_tiled() {
  static const auto function = [] {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
    check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000,
                                           cudaEnableDefault, &result),
          "asking the driver for tensor maps");
#else
    check(cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &found, cudaEnableDefault, &result),
          "asking the driver for tensor maps");
#endif
    if (result != cudaDriverEntryPointSuccess)
      fail(BC_DEVICE, "cuda: the driver has no tensor maps, install one of CUDA 12 or later");
    return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(found);
  }();
  return function;
}

}  // namespace

bool starts_early() {
  thread_local int asked = -1;  // the device that the answer is about
  thread_local bool can = false;
  int device = 0;
  check(cudaGetDevice(&device), "asking for the current device");
  if (device == asked) return can;
  int major = 0;
  int minor = 0;
  int driver = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "asking for the compute capability");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
        "asking for the compute capability");
  check(cudaDriverGetVersion(&driver), "asking for the driver's version");
  can = can_start_early(major * 10 + minor, CUDART_VERSION, driver);
  asked = device;
  return can;
}

TensorMap make_tensor_map(const TensorBox& box) {
  static_assert(sizeof(TensorMap) == sizeof(CUtensorMap), "the driver's type");
  static_assert(alignof(TensorMap) >= alignof(CUtensorMap), "where the driver may write it");
  static_assert(CU_TENSOR_MAP_SWIZZLE_128B == static_cast<int>(Swizzle::bytes_128), "its swizzles");
  const CUtensorMapDataType type = box.element_bytes == 1   ? CU_TENSOR_MAP_DATA_TYPE_UINT8
                                   : box.element_bytes == 2 ? CU_TENSOR_MAP_DATA_TYPE_UINT16
                                                            : CU_TENSOR_MAP_DATA_TYPE_UINT32;
  const cuuint32_t steps[] = {1, 1, 1};
  TensorMap map;
  const CUresult result =
      encode_tiled()(reinterpret_cast<CUtensorMap*>(&map), type, static_cast<cuuint32_t>(box.rank),
                     const_cast<void*>(box.base), reinterpret_cast<const cuuint64_t*>(box.sizes),
                     reinterpret_cast<const cuuint64_t*>(box.strides), box.box, steps,
                     CU_TENSOR_MAP_INTERLEAVE_NONE, static_cast<CUtensorMapSwizzle>(box.swizzle),
                     CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) {
    fail(
        BC_DEVICE,
        "cuda: the driver refuses a tensor map (error %d) of [%llu,%llu,%llu] elements of %d bytes",
        static_cast<int>(result), static_cast<unsigned long long>(box.sizes[2]),
        static_cast<unsigned long long>(box.sizes[1]),
        static_cast<unsigned long long>(box.sizes[0]), box.element_bytes);
  }
  return map;
}

Available available() {
  Available a;
  Probe probe;
  probe.installed = installed_driver();
  check(cudaRuntimeGetVersion(&probe.runtime_cuda), "asking for the runtime's version");
  if (cudaDriverGetVersion(&probe.driver_cuda) != cudaSuccess) probe.driver_cuda = 0;
  a.driver = probe.installed;
  a.driver_needed = needed_driver(probe.runtime_cuda);
  const cudaError_t status = cudaGetDeviceCount(&a.devices);
  if (status == cudaSuccess && a.devices > 0) return a;
  cudaGetLastError();
  a.devices = 0;
  probe.error = status;
  probe.error_text = cudaGetErrorString(status);
  probe.visible = std::getenv("CUDA_VISIBLE_DEVICES");
  a.reason = why_no_gpu(probe);
  return a;
}

std::unique_ptr<Device> Device::open(int index, void* stream) {
  const Available there = available();
  if (index < 0 || index >= there.devices) refuse(there, index);
  return std::make_unique<RuntimeDevice>(index, stream);
}

}  // namespace bc::cuda
