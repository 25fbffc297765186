// top_k: the K largest of each row, largest first, ties by lower index. A NaN counts as above every
// number, so that none goes unseen.
//
// Shapes  x [T,V]; values, ids [T,K] contiguous; K <= V; masks [M,ceil(V/32)].
// Method  The outputs hold a heap with the worst kept number on top. Sixteen numbers at a time are
//         compared with it and passed over if none is larger: about K ln(V/K) of V numbers reach
//         the heap. Sixteen that a mask leaves out are passed over unread. Sorting the heap ends the
//         row.
// Bound   Memory: 4TV bytes while K is small beside V; V/8 more for a masked row, which reads those
//         lines of x alone that have an allowed number.
#pragma once

#include <limits>

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

  static void make_heap(float* values, int32_t* ids, int64_t n) {
    for (int64_t i = n / 2 - 1; i >= 0; --i) sink(values, ids, n, i, values[i], ids[i]);
  }

  static void sort_heap(float* values, int32_t* ids, int64_t n) {
    for (int64_t last = n - 1; last > 0; --last) {
      const float value = values[last];
      const int32_t id = ids[last];
      values[last] = values[0];
      ids[last] = ids[0];
      sink(values, ids, last, 0, value, id);
    }
  }

  static void row(float* values, int32_t* ids, const float* x, int64_t n, int64_t K) {
    for (int64_t i = 0; i < K; ++i) {
      values[i] = x[i];
      ids[i] = static_cast<int32_t>(i);
    }
    make_heap(values, ids, K);
    int64_t i = K;
    for (; i + 16 <= n; i += 16) {
      if (!V::any_above(V::load(x + i), V::set(values[0]))) continue;
      for (int64_t j = i; j < i + 16; ++j) offer(values, ids, K, x[j], j);
    }
    for (; i < n; ++i) offer(values, ids, K, x[i], i);
    sort_heap(values, ids, K);
  }

  // The allowed of the sixteen numbers from i on, a multiple of 16, lowest bit first.
  static uint32_t allowed_at(const uint32_t* mask, int64_t i, int64_t n) {
    const uint32_t sixteen = mask[i / 32] >> (i % 32) & 0xffffu;
    return n - i < 16 ? sixteen & ((1u << (n - i)) - 1) : sixteen;
  }

  static void masked_row(float* values, int32_t* ids, const float* x, const uint32_t* mask,
                         int64_t n, int64_t K) {
    int64_t held = 0;
    for (int64_t i = 0; i < n; i += 16) {
      uint32_t allowed = allowed_at(mask, i, n);
      if (allowed == 0) continue;
      if (held == K && i + 16 <= n && !V::any_above(V::load(x + i), V::set(values[0]))) continue;
      for (; allowed != 0; allowed &= allowed - 1) {
        const int64_t j = i + __builtin_ctz(allowed);
        if (held == K) {
          offer(values, ids, K, x[j], j);
          continue;
        }
        values[held] = x[j];
        ids[held] = static_cast<int32_t>(j);
        if (++held == K) make_heap(values, ids, K);
      }
    }
    if (held < K) make_heap(values, ids, held);
    sort_heap(values, ids, held);
    for (int64_t i = held; i < K; ++i) {
      values[i] = -std::numeric_limits<float>::infinity();
      ids[i] = -1;
    }
  }

  static void run(const TopKParams& p, int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      float* const values = p.values + t * p.K;
      int32_t* const ids = p.ids + t * p.K;
      const float* const x = p.x + t * p.x_ld;
      const int64_t mask = p.masks == nullptr ? -1 : p.mask_of[t];
      if (mask < 0) {
        row(values, ids, x, p.V, p.K);
      } else {
        masked_row(values, ids, x, p.masks + mask * p.masks_ld, p.V, p.K);
      }
    }
  }
};

}  // namespace bc::cpu
