// lora: out[t,n] += scale * sum_r (sum_k x[t,k] A[r,k]) B[r,n], with the A and B of the token's adapter.
//
// Shapes  x [T,K], out [T,N]; A [R,K], B [R,N] f32, f16 or bf16.
// Method  Up to four tokens with the same adapter share what they read. A sum over k has one chain of 16
//         lanes, and a sum over r one chain, whatever the tokens beside it: a row of out does not depend on
//         them. A vector of A or B is widened once for all tokens of the tile; a token that is alone takes
//         four rows of A, or four or eight vectors of B, at a time, so that no addition waits for the one
//         before.
// Bound   Memory: R (K + N) elements for each adapter of the batch, 4T (K + 2N) bytes besides.
// Twin    cuda/lora.cu
// Source  Hu et al. 2021, arXiv:2106.09685; many adapters in a batch: Chen et al. 2023, arXiv:2310.18547
#pragma once

#include <type_traits>

#include "ops.h"

namespace bc::cpu {

template <class V>
struct Lora {
  using F = typename V::F;
  template <int n>
  using Count = std::integral_constant<int, n>;

  // Calls f with the number of tokens, as a constant.
  template <class Body>
  static void for_tokens(int64_t count, Body&& f) {
    switch (count) {
      case 1:
        return f(Count<1>{});
      case 2:
        return f(Count<2>{});
      case 3:
        return f(Count<3>{});
      default:
        return f(Count<4>{});
    }
  }
  // Calls f with a pointer to the adapter's matrix, of the type that it has.
  template <class Body>
  static void for_type(const LoraParams& p, const int32_t* row, AdapterField begin, Body&& f) {
    const uint8_t* matrix = p.pool + row[begin] * kPoolUnit;
    switch (static_cast<Type>(row[kElements])) {
      case Type::f32:
        return f(reinterpret_cast<const float*>(matrix));
      case Type::f16:
        return f(reinterpret_cast<const f16*>(matrix));
      default:
        return f(reinterpret_cast<const bf16*>(matrix));
    }
  }

  // kRows rows of A from a on, with kTokens rows of x.
  template <int kTokens, int kRows, class W>
  static void rows_of_a(const LoraParams& p, const LoraProducts& products, const W* a, int64_t r) {
    const float* x[kTokens];
    F sums[kTokens][kRows];
    for (int t = 0; t < kTokens; ++t) {
      x[t] = static_cast<const float*>(p.x) + products.tokens[t] * p.x_ld;
      for (int i = 0; i < kRows; ++i) sums[t][i] = V::set(0.0f);
    }
    int64_t k = 0;
    for (; k + 16 <= p.K; k += 16) {
      F w[kRows];
      for (int i = 0; i < kRows; ++i) w[i] = V::load(a + i * p.K + k);
      for (int t = 0; t < kTokens; ++t) {
        const F v = V::load(x[t] + k);
        for (int i = 0; i < kRows; ++i) sums[t][i] = V::fma(v, w[i], sums[t][i]);
      }
    }
    if (k < p.K) {
      const int64_t n = p.K - k;
      for (int t = 0; t < kTokens; ++t) {
        const F v = V::load(x[t] + k, n);
        for (int i = 0; i < kRows; ++i)
          sums[t][i] = V::fma(v, V::load(a + i * p.K + k, n), sums[t][i]);
      }
    }
    const float scale = p.scales[products.adapter];
    for (int t = 0; t < kTokens; ++t) {
      for (int i = 0; i < kRows; ++i)
        products.sums[t * products.ld + r + i] = scale * V::sum(sums[t][i]);
    }
  }

  static void a(const LoraParams& p, const LoraProducts& products, int64_t begin, int64_t end) {
    const int32_t* row = p.table + products.adapter * int64_t{kAdapterFields};
    for_type(p, row, kBeginA, [&](auto* matrix) {
      for_tokens(products.count, [&](auto count) {
        constexpr int kTokens = decltype(count)::value;
        constexpr int kRows = kTokens == 3 ? 1 : 4 / kTokens;
        int64_t r = begin;
        for (; r + kRows <= end; r += kRows)
          rows_of_a<kTokens, kRows>(p, products, matrix + r * p.K, r);
        for (; r < end; ++r) rows_of_a<kTokens, 1>(p, products, matrix + r * p.K, r);
      });
    });
  }

  // kVectors vectors of out from column n on, the last of them of `width` numbers.
  template <int kTokens, int kVectors, class W>
  static void columns_of_b(const LoraParams& p, const LoraProducts& products, const W* b, int64_t R,
                           int64_t n, int64_t width) {
    F sums[kTokens][kVectors];
    for (int t = 0; t < kTokens; ++t) {
      for (int i = 0; i < kVectors; ++i) sums[t][i] = V::set(0.0f);
    }
    for (int64_t r = 0; r < R; ++r) {
      F w[kVectors];
      for (int i = 0; i < kVectors; ++i) {
        const W* from = b + r * p.N + n + 16 * i;
        w[i] = width < 16 ? V::load(from, width) : V::load(from);
        // The vectors after the next of all rows: too many streams, of too few bytes each, for the
        // processor to foresee them, and the next ones are needed before memory has answered.
        __builtin_prefetch(from + 2 * 16 * kVectors);
      }
      for (int t = 0; t < kTokens; ++t) {
        const F factor = V::set(products.sums[t * products.ld + r]);
        for (int i = 0; i < kVectors; ++i) sums[t][i] = V::fma(factor, w[i], sums[t][i]);
      }
    }
    for (int t = 0; t < kTokens; ++t) {
      float* out = static_cast<float*>(p.out) + products.tokens[t] * p.out_ld + n;
      for (int i = 0; i < kVectors; ++i) {
        if (width < 16) {
          V::store(out, V::add(V::load(out, width), sums[t][i]), width);
        } else {
          V::store(out + 16 * i, V::add(V::load(out + 16 * i), sums[t][i]));
        }
      }
    }
  }

  static void b(const LoraParams& p, const LoraProducts& products, int64_t begin, int64_t end) {
    const int32_t* row = p.table + products.adapter * int64_t{kAdapterFields};
    const int64_t R = row[kRank];
    for_type(p, row, kBeginB, [&](auto* matrix) {
      for_tokens(products.count, [&](auto count) {
        constexpr int kTokens = decltype(count)::value;
        constexpr int kVectors = kTokens == 3 ? 1 : V::lora_vectors / kTokens;
        int64_t n = begin;
        for (; n + 16 * kVectors <= end; n += 16 * kVectors)
          columns_of_b<kTokens, kVectors>(p, products, matrix, R, n, 16);
        for (; n + 16 <= end; n += 16) columns_of_b<kTokens, 1>(p, products, matrix, R, n, 16);
        if (n < end) columns_of_b<kTokens, 1>(p, products, matrix, R, n, end - n);
      });
    });
  }
};

}  // namespace bc::cpu
