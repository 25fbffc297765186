// Context, storage, mapped files and tensors.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "ops.h"
#include "thread_pool.h"
#include "types.h"

namespace bc {

struct Plan;

// Bytes that live as long as anything refers to them.
class Storage {
 public:
  // Zeroed memory, aligned to 64 bytes, committed when first touched. Adds to *used while it lives.
  static std::shared_ptr<Storage> allocate(int64_t bytes,
                                           std::shared_ptr<std::atomic<int64_t>> used);
  // Zeroed memory of a GPU, with a copy on the host where that is asked for.
  static std::shared_ptr<Storage> allocate(int64_t bytes,
                                           std::shared_ptr<std::atomic<int64_t>> used,
                                           std::shared_ptr<cuda::Device> gpu, bool mirrored);
  // Zeroed memory of the host that kernels of a GPU read over the bus.
  static std::shared_ptr<Storage> allocate_on_host(int64_t bytes,
                                                   std::shared_ptr<cuda::Device> gpu);
  // A whole file, mapped for reading.
  static std::shared_ptr<Storage> map(const std::string& path);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // Where kernels find the bytes; of a GPU's storage, on the host or not, only its Device reads and
  // writes them.
  uint8_t* data() const { return data_; }
  // Where the host may read them: the same place, a GPU's mirror, or null.
  uint8_t* host() const { return gpu_ ? mirror_.get() : data_; }
  int64_t bytes() const { return bytes_; }
  bool mapped() const { return mapped_; }

  // Of a mapped file: asks the system to read a range ahead, or to take its pages out of the process
  // (they stay in the file cache). Ranges are clipped to the file.
  void read_ahead(const uint8_t* from, int64_t bytes) const;
  void drop(const uint8_t* from, int64_t bytes) const;

  // Copies to and from the host; the range lies inside.
  void write(uint8_t* to, const void* source, int64_t bytes);
  void read(void* target, const uint8_t* from, int64_t bytes) const;

  // A mirror holds what the host wrote. Ops that read int32 inputs rely on what it says, so what
  // is read as an input is never written by an op, nor the other way round.
  enum class Use { none, input, output };
  Use use = Use::none;
  // How often the host had waited for the GPU when an op last got it as an output. Until it has
  // waited again that op may still run, and kernels read it only after those before them have ended.
  int64_t written_at = -1;

 private:
  Storage() = default;
  uint8_t* data_ = nullptr;
  int64_t bytes_ = 0;
  bool mapped_ = false;
  bool on_host_ = false;
  std::shared_ptr<std::atomic<int64_t>> used_;
  std::shared_ptr<cuda::Device> gpu_;
  std::unique_ptr<uint8_t[]> mirror_;
};

struct Context {
  Context(int threads, bool exact_activations) : pool(threads), exact(exact_activations) {}
  explicit Context(std::shared_ptr<cuda::Device> device)
      : pool(1), exact(false), gpu(std::move(device)) {}

  // Zeroed bytes on the device; mirrored on the host for int32 inputs.
  std::shared_ptr<Storage> allocate(int64_t bytes, bool mirrored) const;
  // Zeroed bytes on the host, which is the device of a context on the CPU.
  std::shared_ptr<Storage> allocate_on_host(int64_t bytes) const;

  ThreadPool pool;
  const bool exact;
  const std::shared_ptr<cuda::Device> gpu;  // null on the CPU
  std::shared_ptr<std::atomic<int64_t>> used = std::make_shared<std::atomic<int64_t>>(0);
  std::vector<uint8_t> scratch;  // of one CPU op while it runs
  std::vector<float> gate_up;    // of matmul_swiglu on the CPU while it runs
  RopeAngles rope_angles;
  bool pinned = false;                   // threads are bound to cores
  int64_t waits = 0;                     // of the host for the GPU
  std::shared_ptr<Storage> gpu_scratch;  // what one op needs while it runs
  std::shared_ptr<Plan> recording;       // set between bc_plan_begin and bc_plan_end
};

constexpr int32_t kMaxRank = 5;

struct Tensor {
  std::shared_ptr<Context> context;
  std::shared_ptr<Storage> storage;
  Type type = Type::f32;
  int32_t rank = 0;
  int64_t shape[kMaxRank] = {};
  int64_t ld = 0;  // elements between rows of a rank-2 tensor
  uint8_t* data = nullptr;
  bool read_only = false;

  int64_t elements() const;
  int64_t bytes() const;
  // The elements on the host, see Storage::host.
  uint8_t* host() const { return storage->host() + (data - storage->data()); }
  bool contiguous() const { return rank != 2 || ld == shape[1]; }
  std::string describe() const;  // "f32 [3, 4]"
};

// Bytes of RAM that can be had and that there are, the cgroup's limit included.
void memory_info(int64_t* available, int64_t* total);

// Physical cores that this thread may use, at most as many as the cgroup's quota pays for.
int cpu_cores();

// A logical processor of each physical core that this thread may use.
std::vector<int> physical_cores();

}  // namespace bc
