// Errors inside the library: one exception, turned into a status and a message at the boundary.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "baichuan.h"

namespace bc {

class Error : public std::exception {
 public:
  Error(bc_status status, std::string message) : status_(status), message_(std::move(message)) {}
  bc_status status() const { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  bc_status status_;
  std::string message_;
};

// Throws Error with a printf-style message: "op: subject has value, expected value".
[[noreturn]] void fail(bc_status status, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

// "[2, 3]".
std::string shape_text(const int64_t* shape, int32_t rank);

const char* last_error();
bc_status remember(bc_status status, const char* message) noexcept;

// Runs a body and turns its exceptions into a status; every exported function that can fail goes
// through here.
template <class F>
bc_status guard(F&& body) noexcept {
  try {
    body();
    return BC_OK;
  } catch (const Error& e) {
    return remember(e.status(), e.what());
  } catch (const std::bad_alloc&) {
    return remember(BC_OUT_OF_MEMORY, "out of memory for a small allocation of the host");
  } catch (const std::exception& e) {
    return remember(BC_INTERNAL, e.what());
  } catch (...) {
    return remember(BC_INTERNAL, "unknown exception");
  }
}

}  // namespace bc
