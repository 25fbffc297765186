// attention_backward of one sample and one key-value head. With s_ij = q_i k_j / sqrt(D) + slope (j - i),
// p = softmax(s) and o = p v, and with do the gradient of o:
//
//   dv_j = sum_i p_ij do_i        dp_ij = do_i v_j        ds_ij = p_ij (dp_ij - do_i o_i)
//   dq_i = sum_j ds_ij k_j / sqrt(D)                      dk_j = sum_i ds_ij q_i / sqrt(D)
//
// Method  Tiles of 64 queries by 64 keys, in f32. The scores of a tile of queries are kept until their
//         maxima and sums are known, so that each of the five products is made once; nothing of the size
//         of all scores is stored. Keys and values are packed once, as rows and as columns of lanes.
// Bound   Compute: 5 S^2 D / 2 products for a sample of S tokens and each query head.
// Source  Dao 2023, arXiv:2307.08691, section 3.1
#pragma once

#include "cpu/simd/exp.h"
#include "cpu/tile_products.h"
#include "cpu/train/attention_room.h"
#include "train.h"

namespace bc::cpu {

template <class V>
struct AttentionBackward {
  using F = typename V::F;
  using Products = TileProducts<V>;

  const AttentionBackwardParams& p;
  const AttentionRoom room;
  const int64_t first;   // token of the sample
  const int64_t length;  // tokens of it
  const int64_t group;   // key-value head
  const float scale;

  static void run(const AttentionBackwardParams& p, int64_t sample, int64_t group, float* memory) {
    const int64_t first = p.offsets[sample];
    const int64_t length = p.offsets[sample + 1] - first;
    const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(p.D));
    AttentionBackward{p, AttentionRoom(memory, length, p.D), first, length, group, scale}.run();
  }

 private:
  static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

  const float* query(int64_t i, int64_t head) const {
    return p.qkv + (first + i) * p.qkv_ld + head * p.D;
  }
  const float* of_head(const float* rows, int64_t ld, int64_t i, int64_t head) const {
    return rows + (first + i) * ld + head * p.D;
  }

  void run() {
    pack(p.qkv + first * p.qkv_ld + (p.H + group) * p.D, room.keys, room.key_lanes);
    pack(p.qkv + first * p.qkv_ld + (p.H + p.G + group) * p.D, nullptr, room.value_lanes);
    zero(room.dkeys, room.chunks * room.padded * kTile);
    zero(room.dvalues, room.chunks * room.padded * kTile);
    const int64_t heads = p.H / p.G;
    for (int64_t h = group * heads; h < (group + 1) * heads; ++h) {
      for (int64_t q0 = 0; q0 < length; q0 += kTile) queries(h, q0);
    }
    store(room.dkeys, p.H + group, 0, length, room.padded, scale);
    store(room.dvalues, p.H + p.G + group, 0, length, room.padded, 1.0f);
  }

  static void zero(float* x, int64_t n) {
    for (int64_t i = 0; i < n; i += 16) V::store(x + i, V::set(0.0f));
  }

  // Rows [length,D] as chunks [chunks][padded][kTile] of columns, if asked for, and as tiles [.][D][kTile] whose
  // lanes are rows.
  void pack(const float* rows, float* chunks, float* lanes) const {
    if (chunks != nullptr) pack_chunks(rows, p.qkv_ld, length, room.padded, chunks);
    for (int64_t t0 = 0; t0 < length; t0 += kTile) {
      float* const tile = lanes + t0 * p.D;
      for (int64_t l = 0; l < kTile; l += 16) {
        for (int64_t d = 0; d < p.D; d += 16) {
          F x[16];
          const int64_t columns = least(16, p.D - d);
          for (int64_t r = 0; r < 16; ++r) {
            const int64_t t = t0 + l + r;
            x[r] = t < length ? V::load(rows + t * p.qkv_ld + d, columns) : V::set(0.0f);
          }
          V::transpose(x);
          for (int64_t c = 0; c < columns; ++c) V::store(tile + (d + c) * kTile + l, x[c]);
        }
      }
    }
  }

  void pack_chunks(const float* rows, int64_t ld, int64_t count, int64_t padded, float* out) const {
    for (int64_t chunk = 0; chunk < room.chunks; ++chunk) {
      const int64_t d0 = chunk * kTile;
      for (int64_t t = 0; t < count; ++t) {
        float* const to = out + (chunk * padded + t) * kTile;
        for (int64_t l = 0; l < kTile; l += 16) {
          const int64_t left = p.D - d0 - l;
          V::store(to + l,
                   left <= 0 ? V::set(0.0f) : V::load(rows + t * ld + d0 + l, least(16, left)));
        }
      }
    }
  }

  // Rows [t0, t0 + count) of head `head` of dqkv from chunks whose row 0 is t0.
  void store(const float* chunks, int64_t head, int64_t t0, int64_t count, int64_t padded,
             float factor) const {
    for (int64_t t = 0; t < count; ++t) {
      float* const to = p.dqkv + (first + t0 + t) * p.dqkv_ld + head * p.D;
      for (int64_t d = 0; d < p.D; d += 16) {
        const float* const from = chunks + (d / kTile * padded + t) * kTile + d % kTile;
        V::store(to + d, V::mul(V::load(from), V::set(factor)), least(16, p.D - d));
      }
    }
  }

  // The scores of row i of a tile of queries become weights exp(s - max), in [j0, j1), and the sum of them.
  float weigh(float* scores, int64_t i, int64_t j0, int64_t j1, float slope, int64_t oldest) const {
    const F infinite = V::set(-__builtin_inff());
    F most = infinite;
    const auto score = [&](int64_t j) {
      // s = x scale + slope (j - i), where oldest <= j <= i.
      const F at = V::add(V::set(static_cast<float>(j)), lanes());
      const F bias = V::mul(V::set(slope), V::sub(at, V::set(static_cast<float>(i))));
      const F s = V::fma(V::load(row(scores, i, j)), V::set(scale), bias);
      const F seen = V::if_greater(at, V::set(static_cast<float>(i)), infinite, s);
      return V::if_greater(V::set(static_cast<float>(oldest)), at, infinite, seen);
    };
    for (int64_t j = j0; j < j1; j += 16) {
      const F s = score(j);
      V::store(row(scores, i, j), s);
      most = V::max(most, s);
    }
    const F top = V::set(V::largest(most));
    F sum = V::set(0.0f);
    for (int64_t j = j0; j < j1; j += 16) {
      const F weight = exp<V>(V::sub(V::load(row(scores, i, j)), top));
      V::store(row(scores, i, j), weight);
      sum = V::add(sum, weight);
    }
    return V::sum(sum);
  }

  // Scores of a tile of queries are tiles [.][kTile][kTile] by keys.
  static float* row(float* scores, int64_t i, int64_t j) {
    return scores + (j / kTile * kTile + i % kTile) * kTile + j % kTile;
  }
  static F lanes() {
    constexpr float numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return V::load(numbers);
  }

  void queries(int64_t h, int64_t q0) {
    const int64_t rows = least(kTile, length - q0);
    const int64_t oldest_of_tile = p.window > 0 && q0 >= p.window ? q0 - p.window + 1 : 0;
    const int64_t begin = oldest_of_tile / kTile * kTile;
    const int64_t end = q0 + kTile;  // keys behind the tile are not seen
    const float* const q = query(q0, h);
    const float* const dout = of_head(p.dout, p.dout_ld, q0, h);
    const float* const out = of_head(p.out, p.out_ld, q0, h);
    pack_chunks(q, p.qkv_ld, rows, kTile, room.queries);
    pack_chunks(dout, p.dout_ld, rows, kTile, room.douts);
    for (int64_t j = begin; j < end; j += kTile) {
      float* const scores = room.scores + j * kTile;
      zero(scores, rows * kTile);
      product(scores, q, p.qkv_ld, rows, room.key_lanes + j * p.D);
    }
    const float slope = p.slopes == nullptr ? 0.0f : p.slopes[h];
    float inverse[kTile];
    float deltas[kTile];
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t oldest = p.window > 0 && q0 + i >= p.window ? q0 + i - p.window + 1 : 0;
      inverse[i] = 1.0f / weigh(room.scores, q0 + i, begin, end, slope, oldest);
      F sum = V::set(0.0f);
      for (int64_t d = 0; d < p.D; d += 16) {
        const int64_t n = least(16, p.D - d);
        sum = V::fma(V::load(dout + i * p.dout_ld + d, n), V::load(out + i * p.out_ld + d, n), sum);
      }
      deltas[i] = V::sum(sum);
    }
    zero(room.dqueries, room.chunks * kTile * kTile);
    for (int64_t j = begin; j < end; j += kTile) {
      float* const weights = room.scores + j * kTile;
      const int64_t keys = least(kTile, length - j);
      zero(room.dscores, rows * kTile);
      product(room.dscores, dout, p.dout_ld, rows, room.value_lanes + j * p.D);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t l = 0; l < kTile; l += 16) {
          float* const weight = weights + i * kTile + l;
          float* const ds = room.dscores + i * kTile + l;
          const F probability = V::mul(V::load(weight), V::set(inverse[i]));
          V::store(weight, probability);
          V::store(ds, V::mul(probability, V::sub(V::load(ds), V::set(deltas[i]))));
        }
      }
      for (int64_t chunk = 0; chunk < room.chunks; ++chunk) {
        const int64_t tile = chunk * kTile * kTile;
        const int64_t at = (chunk * room.padded + j) * kTile;
        const auto add = [&](float* to, const float* a, int64_t step, int64_t ld, int64_t m,
                             const float* b, int64_t n) {
          Products::add(to, kTile, TileOperand{a, step, ld}, m, TileRows<float>{b}, n, 1.0f);
        };
        add(room.dvalues + at, weights, kTile, 1, keys, room.douts + tile, rows);
        add(room.dkeys + at, room.dscores, kTile, 1, keys, room.queries + tile, rows);
        add(room.dqueries + tile, room.dscores, 1, kTile, rows, room.keys + at, keys);
      }
    }
    store(room.dqueries, h, q0, rows, kTile, scale);
  }

  // out [rows][kTile] += rows of x by the lanes of a tile [D][kTile].
  void product(float* out, const float* x, int64_t ld, int64_t rows, const float* tile) const {
    Products::add(out, kTile, TileOperand{x, 1, ld}, rows, TileRows<float>{tile}, p.D, 1.0f);
  }
};

}  // namespace bc::cpu
