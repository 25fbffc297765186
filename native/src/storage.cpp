#include "storage.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "error.h"
#include "system.h"

namespace bc {
namespace {

class Ram final : public Storage {
 public:
  Ram(int64_t bytes, Used used) : used_(std::move(used)) {
    void* data =
        mmap(nullptr, size_of(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      fail(Shortage{bytes, -1}, "memory: a tensor needs %lld bytes, the system refused them: %s",
           static_cast<long long>(bytes), std::strerror(errno));
    }
#ifdef MADV_HUGEPAGE
    // Weights are read front to back: large pages save misses of the address cache.
    if (bytes >= (int64_t{1} << 22)) madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
    data_ = static_cast<uint8_t*>(data);
    bytes_ = bytes;
    used_->fetch_add(bytes);
  }
  ~Ram() override {
    munmap(data_, size_of(bytes_));
    used_->fetch_sub(bytes_);
  }

 private:
  static size_t size_of(int64_t bytes) { return static_cast<size_t>(bytes > 0 ? bytes : 1); }
  Used used_;
};

// Asks for a mapped file to be read into pages of 2 MB, and says whether the system does so. Linux from 5.18
// on then reads 4 MB where a page is missing, as large pages where the file system has them (XFS; ext4 from
// 6.16 on). They stay in the cache, so that every later process maps 512 small pages at once.
bool ask_for_large_pages(void* data, int64_t bytes) {
#ifdef MADV_HUGEPAGE
  struct utsname system;
  int major = 0;
  int minor = 0;
  return uname(&system) == 0 && std::sscanf(system.release, "%d.%d", &major, &minor) == 2 &&
         (major > 5 || (major == 5 && minor >= 18)) &&
         madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE) == 0;
#else
  (void)data;
  (void)bytes;
  return false;
#endif
}

class MappedFile final : public Storage {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(BC_IO, "file: %s cannot be opened: %s", path.c_str(), std::strerror(errno));
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
      close(file);
      fail(BC_IO, "file: %s is not a regular file", path.c_str());
    }
    if (info.st_size > 0) {
      void* data =
          mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
      if (data == MAP_FAILED) {
        const int reason = errno;
        close(file);
        fail(BC_IO, "file: %s cannot be mapped: %s", path.c_str(), std::strerror(reason));
      }
      data_ = static_cast<uint8_t*>(data);
    }
    bytes_ = info.st_size;
    close(file);
    large_pages_ = data_ != nullptr && ask_for_large_pages(data_, bytes_);
  }
  ~MappedFile() override {
    if (data_ != nullptr) munmap(data_, static_cast<size_t>(bytes_));
  }

  bool mapped() const override { return true; }
  void read_ahead(const uint8_t* from, int64_t bytes) const override {
    // What is read by this advice lies in small pages for as long as it stays in the cache.
    if (!large_pages_) advise(from, bytes, MADV_WILLNEED);
  }
  void drop(const uint8_t* from, int64_t bytes) const override {
    advise(from, bytes, MADV_DONTNEED);
  }

 private:
  // Calls madvise for the pages that a range touches.
  void advise(const uint8_t* from, int64_t bytes, int advice) const {
    const int64_t page = sysconf(_SC_PAGESIZE);
    const int64_t begin = (from - data_) / page * page;
    const int64_t end = std::min(bytes_, from - data_ + bytes);
    // It is advice: what the system does not do costs time, not the result.
    if (begin < end) madvise(data_ + begin, static_cast<size_t>(end - begin), advice);
  }

  bool large_pages_ = false;
};

}  // namespace

void Storage::write(uint8_t* to, const void* source, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, source, static_cast<size_t>(bytes));
}

void Storage::read(void* target, const uint8_t* from, int64_t bytes) const {
  if (bytes > 0) std::memcpy(target, from, static_cast<size_t>(bytes));
}

void require_ram(int64_t bytes) {
  int64_t available = 0;
  int64_t total = 0;
  memory_info(&available, &total);
  if (bytes > available) {
    fail(Shortage{bytes, available}, "memory: a tensor needs %lld bytes, free are %lld",
         static_cast<long long>(bytes), static_cast<long long>(available));
  }
}

std::shared_ptr<Storage> allocate_ram(int64_t bytes, Used used) {
  require_ram(bytes);
  return std::make_shared<Ram>(bytes, std::move(used));
}

std::shared_ptr<Storage> map_file(const std::string& path) {
  return std::make_shared<MappedFile>(path);
}

}  // namespace bc
