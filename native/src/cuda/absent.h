// Why a library without CUDA kernels uses no GPU.
#pragma once

#include <unistd.h>

#include <string>

namespace bc::cuda {

// Whether an NVIDIA driver is loaded: its folder under /proc, or the device of WSL 2. The files are
// sought under root, which is empty but for tests.
inline bool driver_is_loaded(const std::string& root = "") {
  return access((root + "/proc/driver/nvidia/version").c_str(), F_OK) == 0 ||
         access((root + "/dev/dxg").c_str(), F_OK) == 0;
}

// What to do about it where there is a GPU.
inline std::string why_no_kernels(bool driver) {
  const char* without = "this build of the library has no CUDA kernels";
  if (!driver) return without;
  return std::string(without) +
         ", though an NVIDIA driver is loaded; ./baichuan --cuda builds them where nvcc 12 or "
         "later is installed";
}

}  // namespace bc::cuda
