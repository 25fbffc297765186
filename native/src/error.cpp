#include "error.h"

#include <cstdarg>
#include <cstdio>

namespace bc {
namespace {

// A fixed buffer: reporting that memory is exhausted must not allocate.
thread_local char message_buffer[1024];
thread_local Shortage last;

}  // namespace

void fail(bc_status status, const char* format, ...) {
  char buffer[sizeof message_buffer];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  throw Error(status, buffer);
}

void fail(Shortage shortage, const char* format, ...) {
  char buffer[sizeof message_buffer];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  throw Error(BC_OUT_OF_MEMORY, buffer, shortage);
}

std::string shape_text(const int64_t* shape, int32_t rank) {
  std::string text = "[";
  for (int32_t i = 0; i < rank; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

const char* last_error() { return message_buffer; }
Shortage last_shortage() { return last; }

bc_status remember(bc_status status, const char* message, Shortage shortage) noexcept {
  std::snprintf(message_buffer, sizeof message_buffer, "%s", message);
  last = shortage;
  return status;
}

}  // namespace bc
