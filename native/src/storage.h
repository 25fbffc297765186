// Bytes that live as long as anything refers to them. They lie in RAM, in a mapped file, or on a GPU
// (cuda/backend.cpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace bc {

class Storage {
 public:
  Storage() = default;
  virtual ~Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // Where ops find the bytes. Storage of a GPU, on the host or not, is reached by read and write only.
  uint8_t* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  // Where the host may read the bytes: the same place, a copy of what the host wrote, or null.
  virtual uint8_t* host() const { return data_; }

  // Copies to and from the host; the range lies inside.
  virtual void write(uint8_t* to, const void* source, int64_t bytes);
  virtual void read(void* target, const uint8_t* from, int64_t bytes) const;

  // For a mapped file: read_ahead asks the system to read a range, drop takes its pages out of the
  // process (they stay in the file cache). Ranges are clipped to the file. Other storage does nothing.
  virtual bool mapped() const { return false; }
  virtual void read_ahead(const uint8_t*, int64_t) const {}
  virtual void drop(const uint8_t*, int64_t) const {}

  // Ops rely on what the host wrote to their int32 inputs, which is checked before they run. So no op
  // writes storage that another op reads as such an input, nor the other way round.
  enum class Use { none, input, output };
  Use use = Use::none;
  // How often the host had waited for the device when an op last got this storage as an output. Until
  // the host waits again that op may still run, and kernels read the storage only after all kernels
  // before them have ended.
  int64_t written_at = -1;

 protected:
  uint8_t* data_ = nullptr;
  int64_t bytes_ = 0;
};

// Bytes that the tensors of a context own on its device.
using Used = std::shared_ptr<std::atomic<int64_t>>;

// Fails with BC_OUT_OF_MEMORY if this many bytes of RAM are not available. Memory that is reserved but
// can never be filled would end in the system killing the process.
void require_ram(int64_t bytes);

// Zeroed RAM, aligned to 64 bytes, committed when first touched. Adds to *used while it lives.
std::shared_ptr<Storage> allocate_ram(int64_t bytes, Used used);
// A whole file, mapped for reading.
std::shared_ptr<Storage> map_file(const std::string& path);

}  // namespace bc
