// Errors inside the library: one exception, turned into a status and a message at the boundary.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "baichuan.h"

namespace bc {

// How much memory was asked for and how much was free; -1 where that is not known.
struct Shortage {
  int64_t needed = -1;
  int64_t available = -1;
};

class Error : public std::exception {
 public:
  Error(bc_status status, std::string message, Shortage shortage = {})
      : status_(status), message_(std::move(message)), shortage_(shortage) {}
  bc_status status() const { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }
  // Of BC_OUT_OF_MEMORY.
  Shortage shortage() const { return shortage_; }

 private:
  bc_status status_;
  std::string message_;
  Shortage shortage_;
};

// Throws Error with a printf-style message: "op: subject has value, expected value".
[[noreturn]] void fail(bc_status status, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
// The same with BC_OUT_OF_MEMORY.
[[noreturn]] void fail(Shortage shortage, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

// "[2, 3]".
std::string shape_text(const int64_t* shape, int32_t rank);

const char* last_error();
Shortage last_shortage();
bc_status remember(bc_status status, const char* message, Shortage shortage = {}) noexcept;

// Runs a body and turns its exceptions into a status; every exported function that can fail goes
// through here.
template <class F>
bc_status guard(F&& body) noexcept {
  try {
    body();
    return BC_OK;
  } catch (const Error& e) {
    return remember(e.status(), e.what(), e.shortage());
  } catch (const std::bad_alloc&) {
    return remember(BC_OUT_OF_MEMORY, "out of memory for a small allocation of the host");
  } catch (const std::exception& e) {
    return remember(BC_INTERNAL, e.what());
  } catch (...) {
    return remember(BC_INTERNAL, "unknown exception");
  }
}

}  // namespace bc
