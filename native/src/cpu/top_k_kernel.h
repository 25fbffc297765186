// top_k: the K largest of each row, largest first, ties by lower index. A NaN counts as above every
// number, so that none goes unseen.
//
// Shapes  x [T,V]; values, ids [T,K] contiguous; K <= V; masks [M,ceil(V/32)].
// Method  The outputs hold a heap with the worst kept number on top. Sixteen numbers at a time are
//         compared with it and passed over if none is larger. About K ln(V/K) of V numbers would
//         reach the heap, and each costs several branches that nobody can foresee; so a first pass
//         finds a number below the K-th largest, which leaves little more than K. Thirty-two that a
//         mask leaves out are passed over unread. Sorting the heap ends the row.
// Bound   Memory: 4TV bytes while K is small beside V, which the second pass finds in a cache; V/8
//         more for a masked row, which reads of x only those 128 bytes that have an allowed number.
#pragma once

#include <limits>

#include "ops.h"

namespace bc::cpu {

template <class V>
struct TopK {
  using F = typename V::F;
  static constexpr int64_t kFew = 32;           // up to here a first pass costs more than it saves
  static constexpr int64_t kShares = 4;         // of a row for each of the K
  static constexpr int64_t kMostShares = 1024;  // 4 KiB on the stack

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

  // Bits of 32 numbers that are above `least` or NaN; with a NaN as `least` all of them.
  static uint32_t above(const float* x, F least) {
    return V::above(V::load(x), least) | V::above(V::load(x + 16), least) << 16;
  }

  // A number that at least K of the row are above; NaN where none is known. Each of `maxima` is the
  // largest of a share of the row, so where K of them are above a number, K of the row are. Halving the
  // range of floats finds one that not many more are above.
  template <bool kMasked>
  static float bound(const float* x, const uint32_t* mask, int64_t n, int64_t K) {
    const int64_t words = n / 32;
    const int64_t wanted = (kShares * K + 31) / 32;
    const float nothing = -std::numeric_limits<float>::infinity();
    const float none = std::numeric_limits<float>::quiet_NaN();
    if (K < kFew || wanted > kMostShares / 32 || words < 2 * wanted) return none;
    const int64_t share = (words + wanted - 1) / wanted;
    float maxima[kMostShares];
    int64_t count = 0;
    for (int64_t begin = 0; begin < words; begin += share, count += 32) {
      const int64_t end = begin + share < words ? begin + share : words;
      F low = V::set(nothing);
      F high = low;
      for (int64_t w = begin; w < end; ++w) {
        if constexpr (kMasked) {
          if (mask[w] == 0) continue;
          low = V::max(low, V::only(V::load(x + 32 * w), mask[w] & 0xffffu));
          high = V::max(high, V::only(V::load(x + 32 * w + 16), mask[w] >> 16));
        } else {
          low = V::max(low, V::load(x + 32 * w));
          high = V::max(high, V::load(x + 32 * w + 16));
        }
      }
      V::store(maxima + count, low);
      V::store(maxima + count + 16, high);
    }
    int64_t low = place(nothing) - 1;  // a NaN
    int64_t high = place(-nothing);
    while (high - low > 1) {
      const int64_t middle = (low + high) >> 1;
      const F least = V::set(at_place(middle));
      int64_t larger = 0;
      for (int64_t i = 0; i < count; i += 32)
        larger += __builtin_popcount(above(maxima + i, least));
      (larger < K ? high : low) = middle;
      if (larger >= K && larger <= K + K / 8) break;
    }
    return at_place(low);
  }

  // The place of a float among all in their order, and the float at a place.
  static int64_t place(float value) {
    int32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    return bits ^ (bits >> 31 & 0x7fffffff);
  }
  static float at_place(int64_t place) {
    int32_t bits = static_cast<int32_t>(place);
    bits ^= bits >> 31 & 0x7fffffff;
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
  }

  template <bool kMasked>
  static void row(float* values, int32_t* ids, const float* x, const uint32_t* mask, int64_t n,
                  int64_t K) {
    int64_t held = 0;
    float least = bound<kMasked>(x, mask, n, K);
    const auto take = [&](int64_t i, uint32_t bits) {
      for (; bits != 0; bits &= bits - 1) {
        const int64_t j = i + __builtin_ctz(bits);
        if (held == K) {
          offer(values, ids, K, x[j], j);
        } else {
          values[held] = x[j];
          ids[held] = static_cast<int32_t>(j);
          if (++held < K) continue;
          make_heap(values, ids, K);
        }
        least = values[0];
      }
    };
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
      const uint32_t allowed = kMasked ? mask[i / 32] : ~0u;
      if (allowed != 0) take(i, allowed & above(x + i, V::set(least)));
    }
    if (i < n) take(i, (kMasked ? mask[i / 32] : ~0u) & ((1u << (n - i)) - 1));
    if (held < K) make_heap(values, ids, held);
    sort_heap(values, ids, held);
    for (int64_t k = held; k < K; ++k) {
      values[k] = -std::numeric_limits<float>::infinity();
      ids[k] = -1;
    }
  }

  static void run(const TopKParams& p, int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      float* const values = p.values + t * p.K;
      int32_t* const ids = p.ids + t * p.K;
      const float* const x = p.x + t * p.x_ld;
      const int64_t mask = p.masks == nullptr ? -1 : p.mask_of[t];
      if (mask < 0) {
        row<false>(values, ids, x, nullptr, p.V, p.K);
      } else {
        row<true>(values, ids, x, p.masks + mask * p.masks_ld, p.V, p.K);
      }
    }
  }
};

}  // namespace bc::cpu
