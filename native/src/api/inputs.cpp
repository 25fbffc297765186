#include "api/inputs.h"

#include <algorithm>

#include "error.h"
#include "types.h"

namespace bc {
namespace {

using Long = long long;

bool same(const Ids& a, const Ids& b) {
  return a.ids == b.ids && a.n == b.n && a.lowest == b.lowest && a.limit == b.limit;
}

bool same(const Ragged& a, const Ragged& b) {
  return a.positions == b.positions && a.offsets == b.offsets && a.table == b.table && a.T == b.T &&
         a.B == b.B && a.P == b.P && a.pages == b.pages;
}

bool same(const Adapters& a, const Adapters& b) {
  return a.table == b.table && a.adapter_of == b.adapter_of && a.S == b.S && a.T == b.T &&
         a.N == b.N && a.K == b.K && a.pool_bytes == b.pool_bytes;
}

// Whether a matrix [R,width] lies in the pool. The pool has at most 2^44 bytes and a width as many, R is
// small, and units are 32 bits: nothing overflows.
bool lies_inside(int32_t begin, int64_t R, int64_t width, int64_t bytes, int64_t pool_bytes) {
  return begin >= 0 && R * width * bytes <= pool_bytes &&
         begin * kPoolUnit <= pool_bytes - R * width * bytes;
}

void check_adapter(const Adapters& in, int32_t s, const char* op) {
  const int32_t* row = in.table + int64_t{s} * kAdapterFields;
  const int32_t R = row[kRank];
  if (R < 0 || R > kMaxLoraRank) {
    fail(BC_INVALID_ARGUMENT, "%s: table[%d] has rank %d, expected 0 to %lld", op, s, R,
         static_cast<Long>(kMaxLoraRank));
  }
  if (R == 0) return;
  const auto type = static_cast<Type>(row[kElements]);
  if (type != Type::f32 && type != Type::f16 && type != Type::bf16) {
    fail(BC_INVALID_ARGUMENT, "%s: table[%d] has type %d, expected f32 (0), f16 (1) or bf16 (2)",
         op, s, row[kElements]);
  }
  const int64_t bytes = element_bytes(type);
  if (!lies_inside(row[kBeginA], R, in.K, bytes, in.pool_bytes) ||
      !lies_inside(row[kBeginB], R, in.N, bytes, in.pool_bytes)) {
    fail(BC_INVALID_ARGUMENT,
         "%s: table[%d] has matrices of rank %d at %d and %d times 64 bytes, expected ones inside "
         "the "
         "pool's %lld bytes",
         op, s, R, row[kBeginA], row[kBeginB], static_cast<Long>(in.pool_bytes));
  }
}

template <class T>
void add_once(std::vector<std::pair<T, const char*>>& all, const T& one, const char* op) {
  const bool known = std::any_of(all.begin(), all.end(),
                                 [&](const auto& other) { return same(other.first, one); });
  if (!known) all.emplace_back(one, op);
}

}  // namespace

void check(const Ids& in, const char* op) {
  for (int64_t n = 0; n < in.n; ++n) {
    if (in.ids[n] < in.lowest || in.ids[n] >= in.limit) {
      fail(BC_INVALID_ARGUMENT, "%s: %s[%lld] has value %d, expected %lld to %lld", op, in.name,
           static_cast<Long>(n), in.ids[n], static_cast<Long>(in.lowest),
           static_cast<Long>(in.limit - 1));
    }
  }
}

void check(const Ragged& r, const char* op) {
  if (r.offsets[0] != 0 || r.offsets[r.B] != r.T) {
    fail(BC_INVALID_ARGUMENT, "%s: offsets run from %d to %d, expected 0 to %lld", op, r.offsets[0],
         r.offsets[r.B], static_cast<Long>(r.T));
  }
  for (int64_t b = 0; b < r.B; ++b) {
    const int32_t begin = r.offsets[b];
    const int32_t end = r.offsets[b + 1];
    if (begin >= end || end > r.T) {
      fail(BC_INVALID_ARGUMENT,
           "%s: sequence %lld has tokens %d to %d, expected at least one, inside %lld", op,
           static_cast<Long>(b), begin, end, static_cast<Long>(r.T));
    }
    const int64_t first = r.positions[begin];
    const int64_t last = first + (end - begin - 1);
    if (first < 0 || last >= r.P * kPageSize) {
      fail(BC_INVALID_ARGUMENT, "%s: sequence %lld has positions %lld to %lld, expected 0 to %lld",
           op, static_cast<Long>(b), static_cast<Long>(first), static_cast<Long>(last),
           static_cast<Long>(r.P * kPageSize - 1));
    }
    for (int32_t t = begin; t < end; ++t) {
      if (r.positions[t] != first + (t - begin)) {
        fail(BC_INVALID_ARGUMENT, "%s: token %d has position %d, expected %lld", op, t,
             r.positions[t], static_cast<Long>(first + (t - begin)));
      }
    }
    for (int64_t p = 0; p <= last / kPageSize; ++p) {
      const int32_t page = r.table[b * r.P + p];
      if (page < 0 || page >= r.pages) {
        fail(BC_INVALID_ARGUMENT, "%s: table[%lld][%lld] has page %d, expected 0 to %lld", op,
             static_cast<Long>(b), static_cast<Long>(p), page, static_cast<Long>(r.pages - 1));
      }
    }
  }
}

void check(const Adapters& in, const char* op) {
  int32_t checked = -1;  // tokens of a sequence, one behind the other, have the same
  for (int64_t t = 0; t < in.T; ++t) {
    const int32_t s = in.adapter_of[t];
    if (s == checked) continue;
    if (s < -1 || s >= in.S) {
      fail(BC_INVALID_ARGUMENT, "%s: adapter_of[%lld] has value %d, expected -1 to %lld", op,
           static_cast<Long>(t), s, static_cast<Long>(in.S - 1));
    }
    if (s >= 0) check_adapter(in, s, op);
    checked = s;
  }
}

void Inputs::add(const Ids& ids, const char* op) { add_once(ids_, ids, op); }

void Inputs::add(const Ragged& batch, const char* op) { add_once(batches_, batch, op); }

void Inputs::add(const Adapters& adapters, const char* op) { add_once(adapters_, adapters, op); }

void Inputs::add(const Inputs& others) {
  for (const auto& [ids, op] : others.ids_) add(ids, op);
  for (const auto& [batch, op] : others.batches_) add(batch, op);
  for (const auto& [adapters, op] : others.adapters_) add(adapters, op);
}

void Inputs::check() const {
  for (const auto& [ids, op] : ids_) bc::check(ids, op);
  for (const auto& [batch, op] : batches_) bc::check(batch, op);
  for (const auto& [adapters, op] : adapters_) bc::check(adapters, op);
}

}  // namespace bc
