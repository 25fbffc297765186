// attention, sequences of more than 8 tokens:
// out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached positions 0..i of a
// query at i, or with a window over the last of them. docs/attention-hopper.md (Prompts on other
// GPUs) has the choices.
//
// Shapes  qkv [T,(H+2G)D], of which the queries [T,H D] are read; pages [pages,2,G,64,D] of the same
//         type, or i8 with scales [pages,2,G,64]; slopes [H] or none; out [T,H D]; D = 64 or 128.
//
// Method  A block computes a tile of 64 queries of one sequence and head, 16 queries a warp. Pages
//         come one by one through shared memory, and the softmax is kept online in units of log2
//         (attention_tile.cuh). A block finds its tile in the offsets. A query's result depends on
//         its own sequence's tokens alone, bit for bit.
//
// Bound   Compute: 4D flops a query, key and head, for whole pages. T=2048, H=32, D=128: 35.4 GFLOP.
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

template <class T, class E, int kD>
__global__ void __launch_bounds__(kThreads)
    attention_prefill_kernel(AttentionParams p, float scale, int group, int window) {
  const QueryTile tile = find_tile(p.batch, static_cast<int>(gridDim.x - 1 - blockIdx.x));
  if (tile.sequence < 0) return;
  const int64_t head = blockIdx.y;
  const int row = warp_id() * kWarpRows;  // the warp's first row
  const int first = load(p.batch.positions + tile.begin);
  const int keys = first + tile.rows;
  const int pages = (keys + kTileRows - 1) / kTileRows;
  const int begin = first_seen(first, window) / kTileRows;
  const float slope = p.slopes == nullptr ? 0.0f : load(p.slopes + head) * kLog2E;

  using Stream = PageStream<T, E, kD, true>;
  const Shared<T> queries = Stream::queries() + row * kD;
  copy_rows<kD>(queries, static_cast<const T*>(p.qkv) + (tile.begin + row) * p.ld + head * kD,
                tile.rows - row, [&](int r) { return r * p.ld; });
  ptx::cp_async_commit_group();
  Stream stream(p, tile.sequence, static_cast<int>(blockIdx.y) / group, begin, pages, keys);
  stream.start();

  const int lowest = first + row;  // lowest position of the warp's queries
  const int low = lowest + Accumulator::row(0);
  const LaneQueries asked = {window, slope != 0.0f, {low, low + 8}, {slope, slope}};
  WarpAttention<T, kD, kTileRows> warp;
  ptx::cp_async_wait_group<2>();
  __syncwarp();
  warp.load_queries(queries);

  for (int page = begin; page < pages; ++page) {
    // Pages that none of this warp's queries sees are for the other warps.
    const int key = page * kTileRows;
    const bool seen = key < lowest + kWarpRows && key + kTileRows > first_seen(lowest, window);
    const auto keys_half = stream.take();
    if (seen) {
      warp.score(keys_half.tile);
      if constexpr (sizeof(E) == 1) warp.scale_columns(keys_half.scales);
      warp.weigh(key, asked, scale);
    }
    const auto values = stream.take();
    if (seen) {
      if constexpr (sizeof(E) == 1) warp.scale_columns(values.scales);
      warp.add(values.tile);
    }
  }

  // The output leaves through shared memory, so that whole sectors are stored.
  const Shared<T> rows = shared_memory<T>() + row * kD;
  float inverse[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) inverse[half] = 1.0f / group_sum<4>(warp.softmax[half].sum);
  __syncthreads();
#pragma unroll
  for (int n = 0; n < kD / 8; ++n) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int at = swizzled<kD>(Accumulator::row(2 * half), 8 * n + Accumulator::col(0));
      const Vec<float, 2> pair = {
          {warp.out[n].r[2 * half] * inverse[half], warp.out[n].r[2 * half + 1] * inverse[half]}};
      store(rows + at, narrow<T>(pair));
    }
  }
  __syncwarp();
  constexpr int kN = 8;
  constexpr int kChunks = kD / kN;
  T* out = static_cast<T*>(p.out) + (tile.begin + row) * p.out_ld + head * kD;
#pragma unroll
  for (int i = 0; i < kWarpRows * kChunks / kWarp; ++i) {
    const int r = (i * kWarp + lane_index()) / kChunks;
    const int col = lane_index() % kChunks * kN;
    if (row + r < tile.rows) store(out + r * p.out_ld + col, load<kN>(rows + swizzled<kD>(r, col)));
  }
}

template <class T, class E, int kD>
void launch_prefill(const AttentionParams& p, void* stream) {
  const dim3 grid(static_cast<unsigned>(p.batch.T / kTileRows + p.batch.B),
                  static_cast<unsigned>(p.H));
  const float scale = kLog2E / sqrtf(static_cast<float>(p.D));
  launch<attention_prefill_kernel<T, E, kD>>(
      {grid, dim3(kThreads), PageStream<T, E, kD, true>::kBytes, stream}, p, scale,
      static_cast<int>(p.H / p.G), window_of(p));
}

template <class T, int kD>
void for_pages(const AttentionParams& p, void* stream) {
  p.pages_type == Type::i8 ? launch_prefill<T, int8_t, kD>(p, stream)
                           : launch_prefill<T, T, kD>(p, stream);
}

template <class T>
void for_head_size(const AttentionParams& p, void* stream) {
  p.D == 64 ? for_pages<T, 64>(p, stream) : for_pages<T, 128>(p, stream);
}

}  // namespace

void attention_prefill(const AttentionParams& p, void* stream) {
  p.qkv_type == Type::bf16 ? for_head_size<bf16>(p, stream) : for_head_size<f16>(p, stream);
}

}  // namespace bc::cuda
