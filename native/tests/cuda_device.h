// What a test of a .cu file runs on: the SIMT emulator, or a GPU when it is built with BC_ON_GPU.
// The same test source serves both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "cuda/facts.h"
#include "types.h"

#ifdef BC_ON_GPU
#include <cuda_runtime.h>

#include "error.h"
#else
#include "simt/device.h"
#include "simt/gpu.h"
#endif

namespace bc::test {

#ifdef BC_ON_GPU
constexpr bool kEmulated = false;

inline void require(cudaError_t status, const char* what) {
  if (status != cudaSuccess) fail(BC_DEVICE, "%s: %s", what, cudaGetErrorString(status));
}
#else
constexpr bool kEmulated = true;
#endif

// A GPU with the kernels of sm_90a, or without.
inline cuda::Facts gpu_of(bool hopper, int sms = 0) {
  cuda::Facts gpu;
  gpu.sms = sms;
  gpu.hopper = hopper;
  return gpu;
}

// Bytes on the device, 0xff at first: NaN in every float type.
class DeviceMemory {
 public:
  DeviceMemory(const char* name, size_t bytes) : bytes_(bytes) {
#ifdef BC_ON_GPU
    require(cudaMalloc(&data_, bytes == 0 ? 1 : bytes), name);
    require(cudaMemset(data_, 0xff, bytes), name);
#else
    data_ = simt::device_alloc(bytes, name);
#endif
  }
  DeviceMemory(DeviceMemory&& other) noexcept : data_(other.data_), bytes_(other.bytes_) {
    other.data_ = nullptr;
  }
  DeviceMemory(const DeviceMemory&) = delete;
  ~DeviceMemory() {
#ifdef BC_ON_GPU
    cudaFree(data_);
#else
    simt::device_free(data_);
#endif
  }

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  void write(const void* from) {
#ifdef BC_ON_GPU
    require(cudaMemcpy(data_, from, bytes_, cudaMemcpyHostToDevice), "upload");
#else
    simt::copy_to_device(data_, from, bytes_);
#endif
  }
  void read(void* to) const {
#ifdef BC_ON_GPU
    require(cudaMemcpy(to, data_, bytes_, cudaMemcpyDeviceToHost), "download");
#else
    simt::copy_from_device(to, data_, bytes_);
#endif
  }
  void protect() {
#ifndef BC_ON_GPU
    simt::make_read_only(data_);
#endif
  }

 private:
  void* data_ = nullptr;
  size_t bytes_;
};

template <class T>
class DeviceArray {
 public:
  DeviceArray(const char* name, size_t count) : memory_(name, count * sizeof(T)) {}
  T* data() const { return static_cast<T*>(memory_.data()); }
  size_t size() const { return memory_.bytes() / sizeof(T); }
  void write(const std::vector<T>& values) { memory_.write(values.data()); }
  std::vector<T> read() const {
    std::vector<T> values(size());
    memory_.read(values.data());
    return values;
  }
  DeviceMemory& memory() { return memory_; }

 private:
  DeviceMemory memory_;
};

// The name is what the emulator's errors call the buffer. A kernel that writes to an input fails.
template <class T>
DeviceArray<T> input(const char* name, const std::vector<T>& values) {
  DeviceArray<T> array(name, values.size());
  array.write(values);
  array.memory().protect();
  return array;
}
template <class T>
DeviceArray<T> in_out(const char* name, const std::vector<T>& values) {
  DeviceArray<T> array(name, values.size());
  array.write(values);
  return array;
}
template <class T>
DeviceArray<T> output(const char* name, size_t count) {
  return DeviceArray<T>(name, count);
}

// Runs body(seed) under several orders of warps and blocks; once on a GPU.
template <class Body>
void for_each_schedule(int schedules, Body&& body) {
  for (int seed = 1; seed <= (kEmulated ? schedules : 1); ++seed) {
#ifndef BC_ON_GPU
    simt::options().seed = static_cast<uint64_t>(seed);
    simt::reset_counters();
#endif
    body(static_cast<uint64_t>(seed));
  }
}

// Whether kernels of sm_90a run here.
inline bool is_hopper() {
#ifdef BC_ON_GPU
  int major = 0;
  int minor = 0;
  return cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0) == cudaSuccess &&
         cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0) == cudaSuccess &&
         major == 9 && minor == 0;
#else
  return true;
#endif
}

// Waits for the device; a fault of the kernel ends the test here.
inline void finish() {
#ifdef BC_ON_GPU
  require(cudaDeviceSynchronize(), "kernel");
#endif
}

// Since the schedule began: the bytes that must move (each sector once), and the bytes that warps
// asked for. Nothing is counted on a GPU.
inline void check_bytes(Check& check, double unique, double requested) {
#ifdef BC_ON_GPU
  (void)check, (void)unique, (void)requested;
#else
  const simt::Counters& counted = simt::counters();
  // tools/kernel-table looks for this line.
  std::printf("traffic | %s | %s | %lld | %.0f | %.3f |\n", check.op(), check.case_name().c_str(),
              static_cast<long long>(counted.unique_bytes()), unique,
              static_cast<double>(counted.unique_bytes()) / unique);
  char line[200];
  std::snprintf(line, sizeof line, "moved %lld bytes, bound %.0f; requested %lld, expected %.0f",
                static_cast<long long>(counted.unique_bytes()), unique,
                static_cast<long long>(counted.requested_bytes()), requested);
  check.that(static_cast<double>(counted.unique_bytes()) <= 1.05 * unique &&
                 static_cast<double>(counted.requested_bytes()) <= 1.05 * requested,
             line);
#endif
}

inline void check_no_bank_conflicts(Check& check) {
#ifdef BC_ON_GPU
  (void)check;
#else
  if (simt::counters().bank_conflicts() != 0)
    check.that(false, ("bank conflicts\n" + simt::traffic_by_line()).c_str());
#endif
}

// main() of a test: 77, which CTest takes as skipped, where there is no device.
template <class Body>
int run_on_device(const char* op, Body&& body) {
#ifdef BC_ON_GPU
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("%s: skipped, no CUDA device\n", op);
    return 77;
  }
#else
  simt::gpu_capability() = 90;  // every kernel runs there, and starts early where it can
#endif
  Check check(op);
  try {
    body(check);
  } catch (const std::exception& e) {
    check.that(false, e.what());
  }
  return check.result();
}

}  // namespace bc::test
