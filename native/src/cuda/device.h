// A GPU as the rest of the library sees it: memory, one stream, recorded steps. No type of the
// toolkit appears here. device.cpp implements it with the CUDA runtime, tests/simt/gpu.cpp on the
// SIMT emulator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backend.h"
#include "cuda/facts.h"

namespace bc::cuda {

// How many GPUs can be used and, if there is none, why. A machine without a driver counts as one
// without GPUs. CUDA_VISIBLE_DEVICES is honoured, because the runtime honours it.
struct Available {
  int devices = 0;
  std::string reason;
  std::string driver;         // version of the driver that is installed; empty without one
  std::string driver_needed;  // the oldest that suffices; empty without CUDA kernels
};
Available available();

// Fails with BC_DEVICE if there is no GPU of this number.
[[noreturn]] void refuse(const Available& there, int index);

// All work of a Device happens on one stream, in order, so that each call sees what the calls before it
// did. For one thread at a time.
class Device {
 public:
  // `stream` is a cudaStream_t of the caller's, or null for one of the device's own. Fails with
  // BC_DEVICE if there is no GPU of that number or it cannot run these kernels.
  static std::unique_ptr<Device> open(int index, void* stream);
  virtual ~Device() = default;

  virtual const Facts& facts() const = 0;
  // Bytes of the GPU's memory: those that are free, and all.
  virtual void memory(int64_t* free, int64_t* total) const = 0;

  // Memory of the GPU, zeroed. Fails with BC_OUT_OF_MEMORY, which says how much was asked for and
  // how much is free, and leaves the device usable.
  virtual void* allocate(int64_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  // Memory of the host, zeroed and page-locked, that kernels reach over the bus at the same address.
  virtual void* allocate_on_host(int64_t bytes) = 0;
  virtual void release_on_host(void* memory) noexcept = 0;

  // upload and download take device memory and page-locked host memory alike. upload copies from the
  // host, which may use its memory again on return; the copy itself may still be under way. Large
  // copies go through page-locked buffers, so that the next piece of a mapped file is read while one
  // is sent.
  virtual void upload(void* to, const void* from, int64_t bytes) = 0;
  // Copies to the host and waits for the copy.
  virtual void download(void* to, const void* from, int64_t bytes) = 0;
  virtual void synchronize() = 0;

  // The stream that kernels are launched on, a cudaStream_t.
  virtual void* stream() = 0;

  // Records the kernels that body launches instead of running them. An exception from body ends the
  // recording.
  virtual std::unique_ptr<Graph> record(const std::function<void()>& body) = 0;
  virtual void run(Graph& graph) = 0;
};

}  // namespace bc::cuda
