// Says why there is no GPU to run on, from what the driver and the CUDA runtime say about themselves.
// This needs no toolkit: device.cpp asks them, and tests make answers up.
#pragma once

#include <string>

namespace bc::cuda {

// What is known of the driver. Versions of CUDA are 1000 * major + 10 * minor, as the runtime writes
// them.
struct Probe {
  int error = 0;                  // cudaError_t of counting the GPUs
  std::string error_text;         // what the runtime calls it
  int driver_cuda = 0;            // the CUDA that libcuda.so.1 has; 0 where it cannot be loaded
  int runtime_cuda = 0;           // the CUDA that this library was built with
  std::string installed;          // version of the kernel module, "535.104.05"; empty without one
  const char* visible = nullptr;  // CUDA_VISIBLE_DEVICES; null where it is not set
};

// The version of NVIDIA's kernel module that is loaded, "535.104.05"; empty if none is. Its files are
// looked up under `root`, which is empty except in tests.
std::string installed_driver(const std::string& root = "");

// Whether a driver is loaded: its kernel module, or the device of WSL 2, which has no such module.
bool driver_is_loaded(const std::string& root = "");

// The oldest driver that a CUDA runtime works with: "580" for 13.0.
std::string needed_driver(int runtime_cuda);

// Why no GPU can be used, in one line that names versions and what to do.
std::string why_no_gpu(const Probe& probe);

// Why a library without CUDA kernels uses no GPU and, if a driver is loaded, what to do about it.
std::string why_no_kernels(bool driver);

}  // namespace bc::cuda
