// A library without CUDA kernels says so, and how to get them where there is an NVIDIA driver.
#include "cuda/absent.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

using namespace bc::cuda;

namespace {

int failures = 0;

void expect(bool is, const char* what) {
  if (is) return;
  std::printf("FAILED %s\n", what);
  ++failures;
}

}  // namespace

int main() {
  char root[] = "/tmp/absent_test.XXXXXX";
  expect(mkdtemp(root) != nullptr, "a temporary folder");
  const std::string folder = root;
  expect(!driver_is_loaded(folder), "no driver");
  mkdir((folder + "/dev").c_str(), 0700);
  std::ofstream(folder + "/dev/dxg").flush();
  expect(driver_is_loaded(folder), "the driver of WSL 2");
  std::remove((folder + "/dev/dxg").c_str());
  std::remove((folder + "/dev").c_str());
  for (const char* part : {"/proc", "/proc/driver", "/proc/driver/nvidia"})
    mkdir((folder + part).c_str(), 0700);
  std::ofstream(folder + "/proc/driver/nvidia/version").flush();
  expect(driver_is_loaded(folder), "a driver under /proc");
  for (const char* part :
       {"/proc/driver/nvidia/version", "/proc/driver/nvidia", "/proc/driver", "/proc", ""})
    std::remove((folder + part).c_str());

  expect(why_no_kernels(false).find("--cuda") == std::string::npos, "nothing to do without a GPU");
  expect(why_no_kernels(true).find("./baichuan --cuda") != std::string::npos, "what to do");
  return failures == 0 ? 0 : 1;
}
