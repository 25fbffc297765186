#include "api/inputs.h"

#include <algorithm>

#include "error.h"

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

void Inputs::add(const Ids& ids, const char* op) { add_once(ids_, ids, op); }

void Inputs::add(const Ragged& batch, const char* op) { add_once(batches_, batch, op); }

void Inputs::add(const Inputs& others) {
  for (const auto& [ids, op] : others.ids_) add(ids, op);
  for (const auto& [batch, op] : others.batches_) add(batch, op);
}

void Inputs::check() const {
  for (const auto& [ids, op] : ids_) bc::check(ids, op);
  for (const auto& [batch, op] : batches_) bc::check(batch, op);
}

}  // namespace bc
