#include "cuda/driver.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "cuda/device.h"
#include "error.h"

namespace bc::cuda {
namespace {

// Values of cudaError_t, which are part of the runtime's ABI.
constexpr int kInsufficientDriver = 35;  // no libcuda.so.1 at all, or an older one than is needed
constexpr int kNoDevice = 100;

std::string cuda_version(int version) {
  return "CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// Whether a word is a version of a driver: "580.65.06".
bool is_version(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789.") == std::string::npos &&
         word.find('.') != std::string::npos;
}

// "NVIDIA driver 535.104.05 (CUDA 12.2)", with as much of it as is known.
std::string named(const Probe& p) {
  std::string text = "NVIDIA driver";
  if (!p.installed.empty()) text += " " + p.installed;
  if (p.driver_cuda != 0) text += " (" + cuda_version(p.driver_cuda) + ")";
  return text;
}

std::string expected(const Probe& p) {
  return "expected version " + needed_driver(p.runtime_cuda) + " or later (" +
         cuda_version(p.runtime_cuda) + ")";
}

}  // namespace

std::string installed_driver(const std::string& root) {
  std::string word;
  std::ifstream module(root + "/sys/module/nvidia/version");
  if (module >> word && is_version(word)) return word;
  // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023"
  std::ifstream nvrm(root + "/proc/driver/nvidia/version");
  std::string line;
  std::getline(nvrm, line);
  std::istringstream words(line);
  while (words >> word) {
    if (is_version(word)) return word;
  }
  return "";
}

bool driver_is_loaded(const std::string& root) {
  return !installed_driver(root).empty() || access((root + "/dev/dxg").c_str(), F_OK) == 0;
}

// CUDA Compatibility, table "CUDA Toolkit and Minimum Required Driver Versions": within a major
// version of CUDA the driver of its first release suffices.
std::string needed_driver(int runtime_cuda) {
  switch (runtime_cuda / 1000) {
    case 12:
      return "525";
    case 13:
      return "580";
    default:
      return "of " + cuda_version(runtime_cuda);
  }
}

std::string why_no_gpu(const Probe& p) {
  if (p.error == kInsufficientDriver && p.driver_cuda == 0) {
    if (p.installed.empty()) return "no NVIDIA driver is installed, " + expected(p);
    return named(p) +
           " is loaded, but its library libcuda.so.1 is not found; install it, or start the "
           "container with its GPUs (--gpus all)";
  }
  if (p.error == kInsufficientDriver && p.driver_cuda / 1000 < p.runtime_cuda / 1000) {
    const std::string cuda = cuda_version(p.driver_cuda);
    return "NVIDIA driver has " +
           (p.installed.empty() ? cuda : "version " + p.installed + " (" + cuda + ")") + ", " +
           expected(p) + "; install a newer driver";
  }
  if (p.error == 0 || p.error == kNoDevice) {
    std::string text = named(p) + " shows no GPU";
    if (p.visible != nullptr)
      text += ": CUDA_VISIBLE_DEVICES has value \"" + std::string(p.visible) +
              "\", expected numbers or UUIDs of GPUs, or no such variable";
    return text;
  }
  return named(p) + " fails with " + p.error_text + " (error " + std::to_string(p.error) + ")";
}

std::string why_no_kernels(bool driver) {
  std::string text = "this build of the library has no CUDA kernels";
  if (driver)
    text +=
        ", though an NVIDIA driver is loaded; ./baichuan --cuda builds them where nvcc 12 or later "
        "is installed";
  return text;
}

void refuse(const Available& there, int index) {
  const std::string numbers = "expected 0 to " + std::to_string(there.devices - 1);
  fail(BC_DEVICE, "context: device cuda:%d is not available: %s", index,
       there.devices == 0 ? there.reason.c_str() : numbers.c_str());
}

}  // namespace bc::cuda
