// What is said where no GPU can be used: no driver, one without its library, an old one, a right one
// that shows no GPU, and CUDA_VISIBLE_DEVICES that hides them; and the driver's version as the system
// writes it.
#include "cuda/driver.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "api_checks.h"

using namespace bc::test;
using bc::cuda::Probe;

namespace {

void says(const Probe& probe, const std::string& expected) {
  const std::string text = bc::cuda::why_no_gpu(probe);
  is_ok(expected.c_str(), text == expected);
  if (text != expected) std::printf("it says: %s\n", text.c_str());
}

Probe probe(int error, int driver_cuda, const std::string& installed) {
  return {error, "its text", driver_cuda, 13000, installed, nullptr};
}

void reasons() {
  says(probe(35, 0, ""),
       "no NVIDIA driver is installed, expected version 580 or later (CUDA 13.0)");
  says(probe(35, 0, "580.65.06"),
       "NVIDIA driver 580.65.06 is loaded, but its library libcuda.so.1 is not found; install it, "
       "or start the container with its GPUs (--gpus all)");
  says(probe(35, 12020, "535.104.05"),
       "NVIDIA driver has version 535.104.05 (CUDA 12.2), expected version 580 or later (CUDA "
       "13.0); install a newer driver");
  says(probe(35, 12080, ""),
       "NVIDIA driver has CUDA 12.8, expected version 580 or later (CUDA 13.0); install a newer "
       "driver");
  says(probe(100, 13000, "580.65.06"), "NVIDIA driver 580.65.06 (CUDA 13.0) shows no GPU");
  says(probe(0, 13000, "580.65.06"), "NVIDIA driver 580.65.06 (CUDA 13.0) shows no GPU");
  for (const char* hidden : {"", "-1"}) {
    Probe p = probe(100, 13000, "580.65.06");
    p.visible = hidden;
    says(p, "NVIDIA driver 580.65.06 (CUDA 13.0) shows no GPU: CUDA_VISIBLE_DEVICES has value \"" +
                std::string(hidden) + "\", expected numbers or UUIDs of GPUs, or no such variable");
  }
  // It hides nothing where the driver is the matter.
  Probe old = probe(35, 12020, "535.104.05");
  old.visible = "";
  is_ok("the driver comes first",
        bc::cuda::why_no_gpu(old).find("CUDA_VISIBLE_DEVICES") == std::string::npos);
  says(probe(803, 13000, "575.57.08"),
       "NVIDIA driver 575.57.08 (CUDA 13.0) fails with its text (error 803)");
  // A library built with CUDA 12 needs less.
  Probe twelve = probe(35, 11080, "520.61.05");
  twelve.runtime_cuda = 12060;
  says(
      twelve,
      "NVIDIA driver has version 520.61.05 (CUDA 11.8), expected version 525 or later (CUDA 12.6); "
      "install a newer driver");
}

// What is found where one file stands alone under a root.
template <class Find>
auto in(const char* file, const char* text, const Find& find) {
  char root[] = "driver_test_XXXXXX";
  is_ok("mkdtemp", mkdtemp(root) != nullptr);
  std::string path = root;
  const std::string name = file;
  for (size_t slash = name.find('/', 1); slash != std::string::npos;
       slash = name.find('/', slash + 1))
    mkdir((path + name.substr(0, slash)).c_str(), 0755);
  std::ofstream(path + name) << text;
  const auto found = find(root);
  std::remove((path + name).c_str());
  for (size_t slash = name.rfind('/'); slash != std::string::npos;
       slash = slash == 0 ? slash - 1 : name.rfind('/', slash - 1))
    rmdir((path + name.substr(0, slash)).c_str());
  return found;
}

std::string version_in(const char* file, const char* text) {
  return in(file, text, bc::cuda::installed_driver);
}

void loaded() {
  const auto loaded_with = [](const char* file, const char* text) {
    return in(file, text, bc::cuda::driver_is_loaded);
  };
  is_ok("a kernel module", loaded_with("/sys/module/nvidia/version", "580.65.06"));
  is_ok("WSL 2", loaded_with("/dev/dxg", ""));
  is_ok("no driver", !loaded_with("/else", "580.65.06"));
  is_ok("nothing to do", bc::cuda::why_no_kernels(false).find("--cuda") == std::string::npos);
  is_ok("what to do",
        bc::cuda::why_no_kernels(true).find("./baichuan --cuda") != std::string::npos);
}

void versions() {
  const char* module = "/sys/module/nvidia/version";
  const char* nvrm = "/proc/driver/nvidia/version";
  is_ok("module", version_in(module, "535.104.05\n") == "535.104.05");
  is_ok("no version", version_in(module, "unknown\n").empty());
  is_ok("empty", version_in(module, "").empty());
  is_ok("proprietary",
        version_in(
            nvrm,
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 "
            "UTC 2023\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n") == "535.104.05");
  is_ok("open", version_in(nvrm,
                           "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  "
                           "Release Build  (dvs-builder)\n") == "580.65.06");
  is_ok("nothing there", version_in("/else", "580.65.06").empty());
}

void library() {
  is_ok("a reason or a GPU", (bc_cuda_devices() == 0) == (bc_cuda_reason()[0] != '\0'));
  is_ok("the driver", bc_cuda_driver() == bc::cuda::installed_driver());
  bc_context* context = nullptr;
  const int32_t devices = bc_cuda_devices();
  refuses(
      "what comes after the last", bc_context_create(BC_CUDA, devices, 0, 0, &context), BC_DEVICE,
      devices == 0 ? bc_cuda_reason() : ("expected 0 to " + std::to_string(devices - 1)).c_str());
}

}  // namespace

int main() {
  reasons();
  versions();
  loaded();
  library();
  return result("driver");
}
