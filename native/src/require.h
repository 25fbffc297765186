// How a backend says what it cannot do: in the grammar of all errors, "op: subject has value, expected
// value".
#pragma once

#include <cstdint>

#include "error.h"
#include "types.h"

namespace bc {

// An operand [rows, columns]; a vector has one row.
struct Operand {
  const char* name;
  const void* data;
  Type type;
  int64_t rows, columns, ld;
};

void require(bool ok, const char* op, const char* subject, double value, const char* expected);
void require_type(const char* op, const char* name, Type type, Type expected);
// Requires what 16-byte accesses need: rows that begin at multiples of 16 bytes and, unless `elements`
// is 1, a width that is a multiple of `elements`.
void require_vectors(const char* op, const Operand& x, int64_t elements = 8);

}  // namespace bc
