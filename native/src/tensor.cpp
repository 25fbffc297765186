#include "tensor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "error.h"
#include "quant.h"

namespace bc {
namespace {

// Memory that can never be filled would end in the system killing the process.
void require_ram(int64_t bytes) {
  int64_t available = 0;
  int64_t total = 0;
  memory_info(&available, &total);
  if (bytes > available) {
    fail(BC_OUT_OF_MEMORY, "memory: a tensor needs %lld bytes, free are %lld",
         static_cast<long long>(bytes), static_cast<long long>(available));
  }
}

}  // namespace

std::shared_ptr<Storage> Storage::allocate(int64_t bytes,
                                           std::shared_ptr<std::atomic<int64_t>> used) {
  require_ram(bytes);
  std::shared_ptr<Storage> storage(new Storage);
  void* data = mmap(nullptr, static_cast<size_t>(bytes > 0 ? bytes : 1), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    fail(BC_OUT_OF_MEMORY, "memory: a tensor needs %lld bytes, the system refused them: %s",
         static_cast<long long>(bytes), std::strerror(errno));
  }
#ifdef MADV_HUGEPAGE
  // Weights are read front to back: large pages save misses of the address cache.
  if (bytes >= (int64_t{1} << 22)) madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  storage->data_ = static_cast<uint8_t*>(data);
  storage->bytes_ = bytes;
  used->fetch_add(bytes);
  storage->used_ = std::move(used);
  return storage;
}

std::shared_ptr<Storage> Storage::allocate(int64_t bytes,
                                           std::shared_ptr<std::atomic<int64_t>> used,
                                           std::shared_ptr<cuda::Device> gpu, bool mirrored) {
  std::shared_ptr<Storage> storage(new Storage);
  if (mirrored) storage->mirror_ = std::make_unique<uint8_t[]>(static_cast<size_t>(bytes));
  storage->data_ = static_cast<uint8_t*>(gpu->allocate(bytes));
  storage->gpu_ = std::move(gpu);
  storage->bytes_ = bytes;
  used->fetch_add(bytes);
  storage->used_ = std::move(used);
  return storage;
}

std::shared_ptr<Storage> Storage::allocate_on_host(int64_t bytes,
                                                   std::shared_ptr<cuda::Device> gpu) {
  require_ram(bytes);
  std::shared_ptr<Storage> storage(new Storage);
  storage->data_ = static_cast<uint8_t*>(gpu->allocate_on_host(bytes));
  storage->gpu_ = std::move(gpu);
  storage->on_host_ = true;
  storage->bytes_ = bytes;
  return storage;
}

std::shared_ptr<Storage> Storage::map(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(BC_IO, "file: %s cannot be opened: %s", path.c_str(), std::strerror(errno));
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    fail(BC_IO, "file: %s is not a regular file", path.c_str());
  }
  std::shared_ptr<Storage> storage(new Storage);
  storage->bytes_ = info.st_size;
  storage->mapped_ = true;
  if (info.st_size > 0) {
    void* data = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) {
      const int reason = errno;
      close(file);
      fail(BC_IO, "file: %s cannot be mapped: %s", path.c_str(), std::strerror(reason));
    }
    storage->data_ = static_cast<uint8_t*>(data);
  }
  close(file);
  return storage;
}

namespace {

// Calls madvise for the pages that a range of a mapping touches.
void advise(uint8_t* data, int64_t size, const uint8_t* from, int64_t bytes, int advice) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t begin = (from - data) / page * page;
  const int64_t end = std::min(size, from - data + bytes);
  // It is advice: what the system does not do costs time, not the result.
  if (begin < end) madvise(data + begin, static_cast<size_t>(end - begin), advice);
}

}  // namespace

void Storage::read_ahead(const uint8_t* from, int64_t bytes) const {
  if (mapped_) advise(data_, bytes_, from, bytes, MADV_WILLNEED);
}

void Storage::drop(const uint8_t* from, int64_t bytes) const {
  if (mapped_) advise(data_, bytes_, from, bytes, MADV_DONTNEED);
}

Storage::~Storage() {
  if (on_host_) {
    gpu_->release_on_host(data_);
  } else if (gpu_) {
    gpu_->release(data_);
  } else if (data_ != nullptr) {
    munmap(data_, static_cast<size_t>(bytes_ > 0 ? bytes_ : 1));
  }
  if (used_) used_->fetch_sub(bytes_);
}

void Storage::write(uint8_t* to, const void* source, int64_t bytes) {
  if (bytes == 0) return;
  if (host() != nullptr) {
    uint8_t* target = host() + (to - data_);
    // From step to step most inputs stay as they are.
    if (gpu_ && std::memcmp(target, source, static_cast<size_t>(bytes)) == 0) return;
    std::memcpy(target, source, static_cast<size_t>(bytes));
  }
  if (gpu_) gpu_->upload(to, source, bytes);
}

void Storage::read(void* target, const uint8_t* from, int64_t bytes) const {
  if (bytes == 0) return;
  if (gpu_) {
    gpu_->download(target, from, bytes);
  } else {
    std::memcpy(target, from, static_cast<size_t>(bytes));
  }
}

std::shared_ptr<Storage> Context::allocate(int64_t bytes, bool mirrored) const {
  return gpu ? Storage::allocate(bytes, used, gpu, mirrored) : Storage::allocate(bytes, used);
}

std::shared_ptr<Storage> Context::allocate_on_host(int64_t bytes) const {
  return gpu ? Storage::allocate_on_host(bytes, gpu) : Storage::allocate(bytes, used);
}

int64_t Tensor::elements() const {
  int64_t n = 1;
  for (int32_t i = 0; i < rank; ++i) n *= shape[i];
  return n;
}

int64_t Tensor::bytes() const {
  return is_quantized(type) ? packed_bytes(type, shape[0], shape[1])
                            : elements() * element_bytes(type);
}

std::string Tensor::describe() const {
  return std::string(name_of(type)) + " " + shape_text(shape, rank);
}

}  // namespace bc
