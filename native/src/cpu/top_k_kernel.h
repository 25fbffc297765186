// top_k: the K largest of each row, largest first, ties by lower index. A NaN counts as above every
// number, so that none goes unseen.
//
// Shapes  x [T,V]; values, ids [T,K] contiguous; K <= V.
// Method  The outputs hold a heap with the worst kept number on top. Sixteen numbers at a time are
//         compared with it and passed over if none is larger: about K ln(V/K) of V numbers reach
//         the heap. Sorting the heap ends the row.
// Bound   Memory: 4TV bytes while K is small beside V.
#pragma once

#include "ops.h"

namespace bc::cpu {

template <class V>
struct TopK {
  using F = typename V::F;

  static bool better(float a, int32_t a_id, float b, int32_t b_id) {
    if (a > b) return true;
    if (a < b) return false;
    const bool a_nan = a != a;
    const bool b_nan = b != b;
    return a_nan != b_nan ? a_nan : a_id < b_id;
  }

  // Puts (value, id) in place of entry i and lets it sink below all worse ones.
  static void sink(float* values, int32_t* ids, int64_t n, int64_t i, float value, int32_t id) {
    for (int64_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
      if (child + 1 < n && better(values[child], ids[child], values[child + 1], ids[child + 1]))
        ++child;
      if (!better(value, id, values[child], ids[child])) break;
      values[i] = values[child];
      ids[i] = ids[child];
      i = child;
    }
    values[i] = value;
    ids[i] = id;
  }

  static void offer(float* values, int32_t* ids, int64_t K, float value, int64_t id) {
    const int32_t index = static_cast<int32_t>(id);
    if (better(value, index, values[0], ids[0])) sink(values, ids, K, 0, value, index);
  }

  static void row(float* values, int32_t* ids, const float* x, int64_t n, int64_t K) {
    for (int64_t i = 0; i < K; ++i) {
      values[i] = x[i];
      ids[i] = static_cast<int32_t>(i);
    }
    for (int64_t i = K / 2 - 1; i >= 0; --i) sink(values, ids, K, i, values[i], ids[i]);
    int64_t i = K;
    for (; i + 16 <= n; i += 16) {
      if (!V::any_above(V::load(x + i), V::set(values[0]))) continue;
      for (int64_t j = i; j < i + 16; ++j) offer(values, ids, K, x[j], j);
    }
    for (; i < n; ++i) offer(values, ids, K, x[i], i);
    for (int64_t last = K - 1; last > 0; --last) {
      const float value = values[last];
      const int32_t id = ids[last];
      values[last] = values[0];
      ids[last] = ids[0];
      sink(values, ids, last, 0, value, id);
    }
  }

  static void run(const TopKParams& p, int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      row(p.values + t * p.K, p.ids + t * p.K, p.x + t * p.x_ld, p.V, p.K);
  }
};

}  // namespace bc::cpu
