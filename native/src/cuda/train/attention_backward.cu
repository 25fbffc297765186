// attention_backward within samples that lie end to end. With s_ij = q_i k_j / sqrt(D) + slope (j - i),
// p = softmax(s) and o = p v, and with do the gradient of o:
//
//   dv_j = sum_i p_ij do_i        dp_ij = do_i v_j        ds_ij = p_ij (dp_ij - do_i o_i)
//   dq_i = sum_j ds_ij k_j / sqrt(D)                      dk_j = sum_i ds_ij q_i / sqrt(D)
//
// Shapes  dqkv, qkv [T,(H+2G)D]; dout, out [T,H D], all f32; offsets [B+1]; slopes [H] or none. D is a multiple
//         of 8, up to 256. Scratch has three numbers for a query and head [3,H,T].
// Method  Tiles of 64 queries by 64 keys in f32 (tile_products.cuh), made anew by each kernel, so that
//         nothing of the size of all scores is stored and no sum is shared between blocks:
//           rows     a tile of queries of a head: the maxima of s, the inverse sums of exp(s - maximum), do o
//           queries  the same tile: dq, over the keys that it sees
//           keys     a tile of keys of a key-value head: dk and dv, over the group's heads and the queries
//                    that see it
//         Of dq, dk and dv a block has up to 128 columns in registers. Blocks find their sample in offsets.
// Bound   Compute: 8 S^2 D / 2 products for a sample of S tokens and each query head, of which 3 make scores
//         again. S=2048, D=128, H=40 at the 66.9 TFLOP/s of an H100: 2.6 ms. Twice the score and dp products
//         where D is above 128.
//
// Limits  attention_rows_kernel: 112 registers, 256 threads, 8704 bytes of shared memory
//         attention_queries_kernel: 200 registers, 256 threads, 26112 bytes of shared memory
//         attention_keys_kernel: 232 registers, 256 threads, 43520 bytes of shared memory
//
// Twin    cpu/train/attention_backward_kernel.h
// Source  Dao 2023, arXiv:2307.08691, section 3.1
#include "cuda/reduce.cuh"
#include "cuda/train/kernels.h"
#include "cuda/train/tile_products.cuh"

namespace bc::cuda {
namespace {

constexpr int kTile = 64;
constexpr int kN = TileSums<kTile>::kN;
constexpr int kParts = 2;  // tiles of columns that a block has sums of
constexpr int kColumns = kParts * kTile;
constexpr int kWeights = kTile * kSliceLd<kTile>;  // floats of a tile of p or ds

using Sums = TileSums<kTile>;
using Places = SlicePlaces<kTile>;
using Columns = OperandColumns<kTile>;
using Rows = OperandRows<kTile, float>;

// A tile of tokens of a sample. Places in a sample are counted in 32 bits, since registers are short.
struct Tile {
  int64_t first;  // token of the sample
  int length;     // tokens of it
  int begin;      // of the tile, from the sample's first token on
};

// What the softmax of a query of a head is made of: the maximum of its scores, the inverse sum of
// exp(s - maximum), and do o; [3,H,T].
struct RowNumbers {
  float* at;
  int64_t apart;

  __device__ __forceinline__ RowNumbers(const AttentionBackwardParams& p, float* scratch, int head)
      : at(scratch + head * p.T), apart(p.H * p.T) {}

  __device__ __forceinline__ void put(int64_t t, float max, float inverse, float delta) const {
    store(at + t, max);
    store(at + apart + t, inverse);
    store(at + 2 * apart + t, delta);
  }
  struct Of {
    float max, inverse, delta;
    __device__ __forceinline__ float weight(float score) const {
      return expf(score - max) * inverse;
    }
  };
  // Of the sample's last query where there is none of that number: its scores are -inf.
  __device__ __forceinline__ Of of(const Tile& tile, int query) const {
    const int64_t t = tile.first + (query < tile.length ? query : tile.length - 1);
    return {load(at + t), load(at + apart + t), load(at + 2 * apart + t)};
  }
};

// Tile `index` of all samples' tiles; of a sample's the one with the most work first, which is the last one for
// queries. An empty sample where there are no more.
__device__ __forceinline__ Tile find_tile(const AttentionBackwardParams& p, int index,
                                          bool last_first) {
  for (int64_t b = 0; b < p.B; ++b) {
    const int64_t first = load(p.offsets + b);
    const int length = load(p.offsets + b + 1) - static_cast<int>(first);
    const int tiles = (length + kTile - 1) / kTile;
    if (index < tiles) return {first, length, (last_first ? tiles - 1 - index : index) * kTile};
    index -= tiles;
  }
  return {0, 0, 0};
}

__device__ __forceinline__ int heads_of_group(const AttentionBackwardParams& p) {
  return static_cast<int>(p.H) / static_cast<int>(p.G);
}

// One head, of which heads of queries come first in rows of qkv and dqkv.
struct Head {
  const AttentionBackwardParams& p;
  Tile of;
  float scale, slope;

  __device__ __forceinline__ Head(const AttentionBackwardParams& params, const Tile& tile, int head)
      : p(params),
        of(tile),
        scale(1.0f / sqrtf(static_cast<float>(params.D))),
        slope(params.slopes == nullptr ? 0.0f : load(params.slopes + head)) {}

  // 64 tokens of a head of qkv from t on, their numbers along the depth.
  __device__ __forceinline__ Columns qkv(int t, int head) const {
    return {p.qkv + (of.first + t) * p.qkv_ld + head * p.D, p.qkv_ld, p.D, of.length - t, 0};
  }
  __device__ __forceinline__ Columns dout(int t, int head) const {
    return {p.dout + (of.first + t) * p.dout_ld + head * p.D, p.dout_ld, p.D, of.length - t, 0};
  }
  // s of a query and a key, of which x is the product: -inf where the key is not seen.
  __device__ __forceinline__ float score(float x, int query, int key) const {
    const int distance = query - key;
    const bool seen = query < of.length && distance >= 0 && (p.window == 0 || distance < p.window);
    return seen ? fmaf(x, scale, -slope * static_cast<float>(distance)) : -INFINITY;
  }
  // The first key of the tiles that queries from t on see.
  __device__ __forceinline__ int oldest(int t) const {
    const auto window = static_cast<int>(p.window);
    return window > 0 && t >= window ? (t - window + 1) / kTile * kTile : 0;
  }
  // The end of the queries that see keys of the tile from t on.
  __device__ __forceinline__ int newest(int t) const {
    const int64_t end = t + kTile - 1 + p.window;
    return p.window > 0 && end < of.length ? static_cast<int>(end) : of.length;
  }
};

__global__ void __launch_bounds__(kTileThreads, 2)
    attention_rows_kernel(AttentionBackwardParams p, float* scratch) {
  const Tile tile = find_tile(p, static_cast<int>(blockIdx.x), true);
  if (tile.length == 0) return;
  const auto h = static_cast<int>(blockIdx.y);
  const int g = static_cast<int>(p.H) + h / heads_of_group(p);
  const Head head(p, tile, h);
  Places places;
  float max[kN];
  float sum[kN] = {};  // of this thread's columns
#pragma unroll
  for (float& one : max) one = -INFINITY;
  for (int k0 = head.oldest(tile.begin); k0 <= tile.begin; k0 += kTile) {
    Sums s = tile_products(head.qkv(tile.begin, h), head.qkv(k0, g), p.D, places);
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      const int query = tile.begin + Sums::row(i);
      float most = -INFINITY;
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        s.at[i][j] = head.score(s.at[i][j], query, k0 + Sums::column(j));
        most = fmaxf(most, s.at[i][j]);
      }
      const float higher = fmaxf(max[i], group_max<16>(most));
      const float less = higher == -INFINITY ? 0.0f : higher;
      sum[i] *= expf(max[i] - less);
      max[i] = higher;
#pragma unroll
      for (int j = 0; j < kN; ++j) sum[i] += expf(s.at[i][j] - less);
    }
  }
  const RowNumbers to(p, scratch, h);
#pragma unroll
  for (int i = 0; i < kN; ++i) {
    const int query = tile.begin + Sums::row(i);
    const int64_t t = tile.first + query;
    float product = 0.0f;
    for (int64_t d = threadIdx.x % 16; query < tile.length && d < p.D; d += 16) {
      product = fmaf(load(p.dout + t * p.dout_ld + h * p.D + d),
                     load(p.out + t * p.out_ld + h * p.D + d), product);
    }
    const float total = group_sum<16>(sum[i]);
    const float delta = group_sum<16>(product);
    if (query >= tile.length || threadIdx.x % 16 != 0) continue;
    to.put(t, max[i], 1.0f / total, delta);
  }
}

__global__ void __launch_bounds__(kTileThreads, 1)
    attention_queries_kernel(AttentionBackwardParams p, float* scratch) {
  const Tile tile = find_tile(p, static_cast<int>(blockIdx.x), true);
  if (tile.length == 0) return;
  const auto h = static_cast<int>(blockIdx.y);
  const int g = static_cast<int>(p.H) + h / heads_of_group(p);  // the keys' head
  const int c0 = static_cast<int>(blockIdx.z) * kColumns;
  const Head head(p, tile, h);
  const RowNumbers from(p, scratch, h);
  const Shared<float> of_keys = shared_memory<float>() + kSliceFloats<kTile>;  // ds [key][query]
  Places places;
  Sums dq[kParts] = {};
  for (int k0 = head.oldest(tile.begin); k0 <= tile.begin; k0 += kTile) {
    const Sums s = tile_products(head.qkv(k0, g), head.qkv(tile.begin, h), p.D, places);
    const Sums dp = tile_products(head.qkv(k0, static_cast<int>(p.G) + g), head.dout(tile.begin, h),
                                  p.D, places);
    RowNumbers::Of of[kN];
#pragma unroll
    for (int j = 0; j < kN; ++j) of[j] = from.of(tile, tile.begin + Sums::column(j));
#pragma unroll
    for (int i = 0; i < kN; ++i) {
      Vec<float, kN> ds;
#pragma unroll
      for (int j = 0; j < kN; ++j) {
        const float score = head.score(s.at[i][j], tile.begin + Sums::column(j), k0 + Sums::row(i));
        ds[j] = of[j].weight(score) * (dp.at[i][j] - of[j].delta);
      }
      store(of_keys + Sums::row(i) * kSliceLd<kTile> + Sums::column(0), ds);
    }
    const float* const keys = p.qkv + (tile.first + k0) * p.qkv_ld + g * p.D;
    const int count = tile.length - k0 < kTile ? tile.length - k0 : kTile;
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      const int c = c0 + part * kTile;
      if (c < p.D)
        add_products(dq[part], of_keys, Rows(keys, p.qkv_ld, count, p.D, c), count, places);
    }
  }
  float* const out = p.dqkv + tile.first * p.dqkv_ld + h * p.D;
#pragma unroll
  for (int part = 0; part < kParts; ++part) {
#pragma unroll
    for (int i = 0; i < kN * kN; ++i) dq[part].at[i / kN][i % kN] *= head.scale;
    store_tile<false>(dq[part], out, p.dqkv_ld, tile.length, p.D, tile.begin, c0 + part * kTile);
  }
}

__global__ void __launch_bounds__(kTileThreads, 1)
    attention_keys_kernel(AttentionBackwardParams p, float* scratch) {
  const Tile tile = find_tile(p, static_cast<int>(blockIdx.x), false);
  if (tile.length == 0) return;
  const auto g = static_cast<int>(blockIdx.y);
  const int heads = heads_of_group(p);
  const int keys = static_cast<int>(p.H) + g;  // heads of qkv
  const int values = keys + static_cast<int>(p.G);
  const int c0 = static_cast<int>(blockIdx.z) * kColumns;
  const Shared<float> weights = shared_memory<float>() + kSliceFloats<kTile>;  // p [query][key]
  const Shared<float> dscores = weights + kWeights;                            // ds
  Places places;
  Sums dk[kParts] = {};
  Sums dv[kParts] = {};
  float scale = 0.0f;
  for (int h = g * heads; h < (g + 1) * heads; ++h) {
    const Head head(p, tile, h);
    const RowNumbers from(p, scratch, h);
    scale = head.scale;
    const int end = head.newest(tile.begin);
    for (int q0 = tile.begin; q0 < end; q0 += kTile) {
      const Sums s = tile_products(head.qkv(q0, h), head.qkv(tile.begin, keys), p.D, places);
      const Sums dp = tile_products(head.dout(q0, h), head.qkv(tile.begin, values), p.D, places);
#pragma unroll
      for (int i = 0; i < kN; ++i) {
        const int query = q0 + Sums::row(i);
        const RowNumbers::Of of = from.of(tile, query);
        Vec<float, kN> weight;
        Vec<float, kN> ds;
#pragma unroll
        for (int j = 0; j < kN; ++j) {
          weight[j] = of.weight(head.score(s.at[i][j], query, tile.begin + Sums::column(j)));
          ds[j] = weight[j] * (dp.at[i][j] - of.delta);
        }
        const int64_t at = Sums::row(i) * kSliceLd<kTile> + Sums::column(0);
        store(weights + at, weight);
        store(dscores + at, ds);
      }
      const int count = tile.length - q0 < kTile ? tile.length - q0 : kTile;
      const float* const queries = p.qkv + (tile.first + q0) * p.qkv_ld + h * p.D;
      const float* const douts = p.dout + (tile.first + q0) * p.dout_ld + h * p.D;
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        const int c = c0 + part * kTile;
        if (c >= p.D) continue;
        add_products(dv[part], weights, Rows(douts, p.dout_ld, count, p.D, c), count, places);
        add_products(dk[part], dscores, Rows(queries, p.qkv_ld, count, p.D, c), count, places);
      }
    }
  }
  float* const out = p.dqkv + tile.first * p.dqkv_ld + keys * p.D;
#pragma unroll
  for (int part = 0; part < kParts; ++part) {
    const int c = c0 + part * kTile;
#pragma unroll
    for (int i = 0; i < kN * kN; ++i) dk[part].at[i / kN][i % kN] *= scale;
    store_tile<false>(dk[part], out, p.dqkv_ld, tile.length, p.D, tile.begin, c);
    store_tile<false>(dv[part], out + p.G * p.D, p.dqkv_ld, tile.length, p.D, tile.begin, c);
  }
}

}  // namespace

int64_t attention_backward_scratch_bytes(const AttentionBackwardParams& p) {
  return 3 * p.H * p.T * static_cast<int64_t>(sizeof(float));
}

void attention_backward(const AttentionBackwardParams& p, void* scratch, void* stream) {
  auto* const rows = static_cast<float*>(scratch);
  // No more tiles than samples of these lengths can have: each may end within one.
  const auto tiles = static_cast<unsigned>(p.T / kTile + p.B);
  const auto parts = static_cast<unsigned>((p.D + kColumns - 1) / kColumns);
  const auto H = static_cast<unsigned>(p.H);
  const auto G = static_cast<unsigned>(p.G);
  const auto how = [&](dim3 grid, int floats) {
    return Launch{grid, dim3(kTileThreads),
                  static_cast<size_t>(kSliceFloats<kTile> + floats) * sizeof(float), stream};
  };
  launch<attention_rows_kernel>(how(dim3(tiles, H), 0), p, rows);
  launch<attention_queries_kernel>(how(dim3(tiles, H, parts), kWeights), p, rows);
  launch<attention_keys_kernel>(how(dim3(tiles, G, parts), 2 * kWeights), p, rows);
}

}  // namespace bc::cuda
