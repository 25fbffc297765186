#include "require.h"

namespace bc {

void require(bool ok, const char* op, const char* subject, double value, const char* expected) {
  if (!ok)
    fail(BC_INVALID_ARGUMENT, "%s: %s has value %g, expected %s", op, subject, value, expected);
}

void require_type(const char* op, const char* name, Type type, Type expected) {
  if (type != expected) {
    fail(BC_INVALID_ARGUMENT, "%s: %s has type %s, expected %s", op, name, name_of(type),
         name_of(expected));
  }
}

void require_vectors(const char* op, const Operand& x, int64_t elements) {
  const bool rows = x.rows == 1 || x.ld * element_bytes(x.type) % 16 == 0;
  if (reinterpret_cast<uintptr_t>(x.data) % 16 == 0 && rows && x.columns % elements == 0) return;
  const int64_t shape[] = {x.rows, x.columns};
  fail(
      BC_INVALID_ARGUMENT,
      "%s: %s is %s %s with rows %lld apart, expected on a GPU rows at multiples of 16 bytes, of a "
      "width that is a multiple of %lld",
      op, x.name, name_of(x.type), shape_text(shape, 2).c_str(), static_cast<long long>(x.ld),
      static_cast<long long>(elements));
}

}  // namespace bc
