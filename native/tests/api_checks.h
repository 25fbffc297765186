// What the tests of baichuan.h share: calls that succeed, and calls that are refused with a message.
#pragma once

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "baichuan.h"

namespace bc::test {

inline int checks = 0;
inline int failed = 0;

inline void refuses(const char* name, bc_status status, bc_status expected, const char* message) {
  ++checks;
  if (status == expected && std::strstr(bc_last_error(), message) != nullptr) return;
  ++failed;
  std::printf("FAILED %s: status %d, message \"%s\", expected %d and \"%s\"\n", name, status,
              bc_last_error(), expected, message);
}

// What bc_last_error_bytes says of the call before.
inline int64_t last_needed() {
  int64_t needed = 0;
  bc_last_error_bytes(&needed, nullptr);
  return needed;
}
inline int64_t last_available() {
  int64_t available = 0;
  bc_last_error_bytes(nullptr, &available);
  return available;
}

inline void is_ok(const char* name, bool ok) {
  ++checks;
  if (ok) return;
  ++failed;
  std::printf("FAILED %s: %s\n", name, bc_last_error());
}

inline bc_tensor* tensor(bc_context* context, int32_t type, const std::vector<int64_t>& shape) {
  bc_tensor* out = nullptr;
  is_ok("tensor_create", bc_tensor_create(context, type, shape.data(),
                                          static_cast<int32_t>(shape.size()), &out) == BC_OK);
  return out;
}

template <class T = int32_t>
void write(bc_tensor* t, const std::vector<T>& values) {
  is_ok("tensor_write", bc_tensor_write(t, 0, values.data(),
                                        static_cast<int64_t>(sizeof(T) * values.size())) == BC_OK);
}

template <class T>
std::vector<T> read(bc_tensor* t, size_t count) {
  std::vector<T> values(count);
  is_ok("tensor_read",
        bc_tensor_read(t, 0, values.data(), static_cast<int64_t>(sizeof(T) * count)) == BC_OK);
  return values;
}

inline bc_context* context_on(int32_t device) {
  bc_context* context = nullptr;
  is_ok("context_create",
        bc_context_create(device, 0, device == BC_CPU ? 2 : 0, 0, &context) == BC_OK);
  return context;
}

// The bytes of a packed tensor, as a file has them: from byte 64 on.
inline std::vector<uint8_t> behind_a_header(bc_tensor* packed) {
  int64_t size = 0;
  is_ok("tensor_bytes", bc_tensor_bytes(packed, &size) == BC_OK);
  std::vector<uint8_t> bytes(static_cast<size_t>(64 + size));
  is_ok("tensor_read", bc_tensor_read(packed, 0, bytes.data() + 64, size) == BC_OK);
  return bytes;
}

// Bytes in a file of the working folder, which is mapped while this lives.
struct FileOf {
  const char* name;
  bc_file* file = nullptr;

  FileOf(const char* path, const std::vector<uint8_t>& bytes) : name(path) {
    std::FILE* f = std::fopen(name, "wb");
    is_ok("fwrite", f != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), f) == bytes.size());
    if (f != nullptr) std::fclose(f);
    is_ok("file_open", bc_file_open(name, &file) == BC_OK);
  }
  ~FileOf() {
    bc_file_free(file);
    std::remove(name);
  }
  FileOf(const FileOf&) = delete;
  FileOf& operator=(const FileOf&) = delete;
};

// The exit code of a test.
inline int result(const char* name) {
  std::printf("%s: %d checks, %d failed\n", name, checks, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace bc::test
