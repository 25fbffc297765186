// attention, sequences of more than 8 tokens:
// out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached positions 0..i of a
// query at i.
//
// Shapes  qkv [T,3C], of which the queries [T,C] are read; pages [pages,2,H,64,D] of the same type,
//         or i8 with scales [pages,2,H,64]; slopes [H] or none; out [T,C]. C = H D; D = 128.
//
// Method  A block per tile of 64 queries of one sequence and head; a warp has 16 of them. Pages come
//         one by one through shared memory, and the softmax is kept online in units of log2
//         (attention_tile.cuh). The grid has T/64 + B tiles, as many as there can be; a block finds
//         its own in the offsets. The last tile of a sequence, which sees the most keys, goes first.
//         Masked scores are -inf; positions past the last query are read as zeros, so that what a
//         page held before cannot leak. No step of a query looks at another one: its result depends
//         on its own sequence's tokens alone, bit for bit.
//
// Bound   Compute: 4D flops a query, key and head, for whole pages. T=2048, H=32: 35.4 GFLOP.
//
// Limits  attention_prefill_kernel: 232 registers, 128 threads, 49152 bytes of shared memory
//
// Twin    cpu/attention/attention.cpp
// Source  Dao 2023, arXiv:2307.08691; Press et al. 2021, arXiv:2108.12409 (ALiBi)
#include "cuda/attention/attention_tile.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = kTileWarps * kWarp;

struct QueryTile {
  int64_t sequence;  // -1: there is none
  int64_t begin;     // the first of its tokens in the batch
  int rows;
};

// Tile number `tile` of the sequences of many queries. Lanes look at 32 sequences at a time.
__device__ __forceinline__ QueryTile find_tile(const Ragged& r, int tile) {
  for (int64_t base = 0; base < r.B; base += kWarp) {
    const int64_t b = base + lane_index();
    int begin = 0;
    int tokens = 0;
    if (b < r.B) {
      begin = load(r.offsets + b);
      tokens = load(r.offsets + b + 1) - begin;
    }
    const int tiles = tokens > kFewQueries ? (tokens + kTileRows - 1) / kTileRows : 0;
    int last = tiles;  // the sum up to this lane's sequence
#pragma unroll
    for (int delta = 1; delta < kWarp; delta *= 2) {
      const int below = ptx::shfl_up(last, static_cast<uint32_t>(delta));
      if (lane_index() >= delta) last += below;
    }
    const uint32_t lane = ptx::redux_min(static_cast<uint32_t>(last > tile ? lane_index() : kWarp));
    if (lane < kWarp) {
      const int row = (tile - ptx::shfl_idx(last - tiles, lane)) * kTileRows;
      const int left = ptx::shfl_idx(tokens, lane) - row;
      return {base + lane, ptx::shfl_idx(begin, lane) + row, left < kTileRows ? left : kTileRows};
    }
    tile -= ptx::shfl_idx(last, kWarp - 1);
  }
  return {-1, 0, 0};
}

template <class T, class E>
__global__ void __launch_bounds__(kThreads)
    attention_prefill_kernel(AttentionParams p, float scale) {
  const QueryTile tile = find_tile(p.batch, static_cast<int>(gridDim.x - 1 - blockIdx.x));
  if (tile.sequence < 0) return;
  const int64_t head = blockIdx.y;
  const int row = warp_id() * kWarpRows;  // the warp's first
  const int first = load(p.batch.positions + tile.begin);
  const int keys = first + tile.rows;
  const int pages = (keys + kTileRows - 1) / kTileRows;
  const float slope = p.slopes == nullptr ? 0.0f : load(p.slopes + head) * kLog2E;

  using Stream = PageStream<T, E, true>;
  const Shared<T> queries = Stream::queries() + row * kHeadSize;
  copy_rows(queries, static_cast<const T*>(p.qkv) + (tile.begin + row) * p.ld + head * kHeadSize,
            p.ld, tile.rows - row);
  ptx::cp_async_commit_group();
  Stream stream(p, tile.sequence, head, 0, pages, keys);
  stream.start();

  WarpAttention<T, kTileRows> warp;
  ptx::cp_async_wait_group<2>();
  __syncwarp();
  warp.load_queries(queries);

  for (int page = 0; page < pages; ++page) {
    // Pages that lie past all queries of this warp are for the other warps.
    const int key = page * kTileRows;
    const bool seen = key < first + row + kWarpRows;
    const auto keys_half = stream.take();
    if (seen) {
      warp.score(keys_half.tile);
      if constexpr (sizeof(E) == 1) warp.scale_columns(keys_half.scales);
      warp.weigh(key, first + row, scale, slope);
    }
    const auto values = stream.take();
    if (seen) {
      if constexpr (sizeof(E) == 1) warp.scale_columns(values.scales);
      warp.add(values.tile);
    }
  }

  // Through shared memory, for whole sectors.
  const Shared<T> rows = shared_memory<T>() + row * kHeadSize;
  float inverse[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) inverse[half] = 1.0f / group_sum<4>(warp.softmax[half].sum);
  __syncthreads();
#pragma unroll
  for (int n = 0; n < kHeadSize / 8; ++n) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int at = swizzled<kHeadSize>(Accumulator::row(2 * half), 8 * n + Accumulator::col(0));
      const Vec<float, 2> pair = {
          {warp.out[n].r[2 * half] * inverse[half], warp.out[n].r[2 * half + 1] * inverse[half]}};
      store(rows + at, narrow<T>(pair));
    }
  }
  __syncwarp();
  constexpr int kN = 8;
  constexpr int kChunks = kHeadSize / kN;
  T* out = static_cast<T*>(p.out) + (tile.begin + row) * p.out_ld + head * kHeadSize;
#pragma unroll
  for (int i = 0; i < kWarpRows * kChunks / kWarp; ++i) {
    const int r = (i * kWarp + lane_index()) / kChunks;
    const int col = lane_index() % kChunks * kN;
    if (row + r < tile.rows)
      store(out + r * p.out_ld + col, load<kN>(rows + swizzled<kHeadSize>(r, col)));
  }
}

template <class T, class E>
void launch_prefill(const AttentionParams& p, void* stream) {
  const dim3 grid(static_cast<unsigned>(p.batch.T / kTileRows + p.batch.B),
                  static_cast<unsigned>(p.H));
  const float scale = kLog2E / sqrtf(static_cast<float>(p.D));
  launch<attention_prefill_kernel<T, E>>(
      {grid, dim3(kThreads), PageStream<T, E, true>::kBytes, stream}, p, scale);
}

template <class T>
void for_pages(const AttentionParams& p, void* stream) {
  p.pages_type == Type::i8 ? launch_prefill<T, int8_t>(p, stream) : launch_prefill<T, T>(p, stream);
}

}  // namespace

void attention_prefill(const AttentionParams& p, void* stream) {
  p.qkv_type == Type::bf16 ? for_pages<bf16>(p, stream) : for_pages<f16>(p, stream);
}

}  // namespace bc::cuda
