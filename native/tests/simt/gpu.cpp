// The device.h of the library on the emulator: one GPU with as much memory as a test gives it.
#include "gpu.h"

#include <cstdlib>
#include <map>
#include <set>
#include <vector>

#include "cuda/device.h"
#include "cuda/driver.h"
#include "cuda/kernel_choice.h"
#include "device.h"
#include "error.h"
#include "simt.h"

namespace simt {

std::vector<std::function<void()>>*& recorder() {
  static std::vector<std::function<void()>>* current = nullptr;
  return current;
}

int64_t& gpu_memory() {
  static int64_t bytes = int64_t{1} << 30;
  return bytes;
}

int& gpu_capability() {
  static int capability = [] {
    const char* wish = std::getenv("BC_SIMT_CAPABILITY");
    return wish == nullptr ? 80 : std::atoi(wish);
  }();
  return capability;
}

// CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
size_t shared_memory_of(int capability) {
  switch (capability) {
    case 80:
    case 87:
      return 163u << 10;
    case 86:
    case 89:
    case 120:
    case 121:
      return 99u << 10;
    default:  // 90, 100, 103, 110
      return 227u << 10;
  }
}

}  // namespace simt

namespace bc::cuda {

bool starts_early() {
  constexpr int kNewest = 99990;  // of runtimes and drivers
  return can_start_early(simt::gpu_capability(), kNewest, kNewest);
}

namespace {

class EmulatedGraph final : public Graph {
 public:
  std::vector<std::function<void()>> launches;
};

class EmulatedDevice final : public Device {
 public:
  ~EmulatedDevice() override {
    for (const auto& allocation : allocations_) simt::device_free(allocation.first);
    for (void* memory : on_host_) simt::device_free(memory);
  }
  const Facts& facts() const override { return facts_; }
  void memory(int64_t* free, int64_t* total) const override {
    *total = simt::gpu_memory();
    *free = *total - used_;
  }
  void* allocate(int64_t bytes) override {
    const int64_t available = simt::gpu_memory() - used_;
    if (bytes > available) {
      fail(Shortage{bytes, available}, "memory: a tensor needs %lld bytes of cuda:0, free are %lld",
           static_cast<long long>(bytes), static_cast<long long>(available));
    }
    void* memory = zeroed(bytes, "tensor");
    allocations_[memory] = bytes;
    used_ += bytes;
    return memory;
  }
  void release(void* memory) noexcept override {
    const auto found = allocations_.find(memory);
    if (found == allocations_.end()) return;
    used_ -= found->second;
    allocations_.erase(found);
    simt::device_free(memory);
  }
  void* allocate_on_host(int64_t bytes) override {
    return *on_host_.insert(zeroed(bytes, "tensor on the host")).first;
  }
  void release_on_host(void* memory) noexcept override {
    if (on_host_.erase(memory) != 0) simt::device_free(memory);
  }
  void upload(void* to, const void* from, int64_t bytes) override {
    if (bytes > 0) simt::copy_to_device(to, from, static_cast<size_t>(bytes));
  }
  void download(void* to, const void* from, int64_t bytes) override {
    if (bytes > 0) simt::copy_from_device(to, from, static_cast<size_t>(bytes));
  }
  void synchronize() override { simt::wait_for_kernels(); }
  void* stream() override { return nullptr; }

  std::unique_ptr<Graph> record(const std::function<void()>& body) override {
    auto graph = std::make_unique<EmulatedGraph>();
    simt::recorder() = &graph->launches;
    try {
      body();
    } catch (...) {
      simt::recorder() = nullptr;
      throw;
    }
    simt::recorder() = nullptr;
    return graph;
  }
  void run(Graph& graph) override {
    for (const auto& launch : static_cast<EmulatedGraph&>(graph).launches) launch();
  }

 private:
  static void* zeroed(int64_t bytes, const char* name) {
    void* memory = simt::device_alloc(static_cast<size_t>(bytes > 0 ? bytes : 1), name);
    const std::vector<uint8_t> zeros(static_cast<size_t>(bytes));
    simt::copy_to_device(memory, zeros.data(), zeros.size());
    return memory;
  }

  const Facts facts_ = {"SIMT emulator",
                        simt::gpu_capability(),
                        4,
                        simt::gpu_memory(),
                        static_cast<int64_t>(simt::shared_memory_of(simt::gpu_capability())),
                        use_hopper_kernels(simt::gpu_capability())};
  std::map<void*, int64_t> allocations_;
  std::set<void*> on_host_;
  int64_t used_ = 0;
};

}  // namespace

// BC_SIMT_DRIVER=535.104.05 makes a machine whose driver has CUDA 12.2, where 13.0 is needed.
Available available() {
  constexpr int kRuntime = 13000;
  const char* driver = std::getenv("BC_SIMT_DRIVER");
  if (driver == nullptr) return {1, "", "580.65.06", needed_driver(kRuntime)};
  const Probe old{35,     "CUDA driver version is insufficient for CUDA runtime version",
                  12020,  kRuntime,
                  driver, nullptr};
  return {0, why_no_gpu(old), driver, needed_driver(kRuntime)};
}

std::unique_ptr<Device> Device::open(int index, void*) {
  const Available there = available();
  if (index < 0 || index >= there.devices) refuse(there, index);
  return std::make_unique<EmulatedDevice>();
}

}  // namespace bc::cuda
