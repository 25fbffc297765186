// attention, sequences of one to eight tokens: what attention_prefill.cu computes, with the cache of
// a sequence split among blocks. docs/attention-hopper.md (Generation on other GPUs) says why.
//
// Shapes  qkv [T,(H+2G)D], of which the queries [T,H D] are read; pages [pages,2,G,64,D] of the same
//         type, or i8 with scales [pages,2,G,64]; slopes [H] or none; out [T,H D]; D = 64 or 128.
//         scratch: sums [slots,H,S,D] f32, then maximum and sum of the weights [slots,H,S,2] f32,
//         for S = P/4 splits, rounded up. Tokens have slots in the order of the batch, those of
//         longer sequences left out.
//
// Method  A tile has up to 16 of the queries that read one key-value head (attention_split.cuh). A
//         persistent block takes every X-th split of four pages; a warp takes 16 positions of each
//         page and waits for its own copies only. The four warps' sums, and then those of the splits
//         in a second kernel, are joined in the order of positions, which gives the same bits whatever
//         else is in the batch.
//
// Bound   Memory: 4GD bytes a position and sequence (i8: 2GD + 8G), for up to 16 / R tokens, R = H / G;
//         the sums of splits add R * 0.8 %. S=4096, G=32, D=128: 67.1 MB.
//
// Limits  attention_decode_kernel: 168 registers, 128 threads, 49152 bytes of shared memory
//         attention_merge_kernel: 48 registers, 256 threads, 4160 bytes of shared memory
//
// Twin    cpu/attention/attention.cpp
// Source  Dao et al. 2023, "Flash-Decoding for long-context inference", pytorch.org/blog
#include "cuda/attention/attention_split.cuh"

namespace bc::cuda {
namespace {

constexpr int kRows = kWarpRows;  // a tile of queries has all the rows of an mma

// The room that kernels for heads of kD numbers, in pages of E, need.
template <class T, class E, int kD>
struct Room {
  using Stream = PageStream<T, E, kD, false>;
  // A row is eight floats longer than D, so that rows fall into other banks.
  using Sums = WarpSums<kD, kD + 8, kRows>;
  static constexpr int kBlocks = kD == 64 ? 4 : 3;  // on an SM, by registers
  static constexpr uint32_t kBytes = Stream::kBytes > Sums::kBytes ? Stream::kBytes : Sums::kBytes;
};

template <class T, class E, int kD>
__global__ void __launch_bounds__(kSplitThreads, Room<T, E, kD>::kBlocks)
    attention_decode_kernel(const __grid_constant__ AttentionParams p,
                            const __grid_constant__ Partial partial, float scale) {
  using Stream = typename Room<T, E, kD>::Stream;
  using Sums = typename Room<T, E, kD>::Sums;
  const uint32_t heads = static_cast<uint32_t>(p.G);
  const int kv_head = static_cast<int>(blockIdx.y % heads);
  const RowTile<kRows> tile(p, partial, blockIdx.z, kv_head, static_cast<int>(blockIdx.y / heads));
  if (tile.rows <= 0) return;
  const int highest = tile.highest();
  const Splits splits(first_seen(tile.lowest(), partial.window), static_cast<int>(blockIdx.x),
                      static_cast<int>(gridDim.x));
  if (splits.first * kSplitKeys > highest) return;

  const int row = warp_id() * kWarpRows;  // the warp's first position of a page
  const Shared<T> queries = Stream::queries() + row * kD;
  copy_rows<kD>(queries, static_cast<const T*>(p.qkv), tile.rows,
                [&](int r) { return tile.at(p, r, kD); });
  ptx::cp_async_commit_group();
  const int pages = highest / kTileRows + 1;
  const auto pages_of = [&](int split) {
    return Stream(p, blockIdx.z, kv_head, splits.begin(split), splits.end(split, pages),
                  highest + 1);
  };
  int split = splits.first;
  Stream stream = pages_of(split);
  stream.start();

  LaneQueries asked = {partial.window, p.slopes != nullptr, {}, {}};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int r = Accumulator::row(2 * half);
    asked.position[half] = tile.position_of(r);
    if (asked.alibi) asked.slope[half] = load(p.slopes + tile.head_of(r)) * kLog2E;
  }
  WarpAttention<T, kD, kWarpRows> warp;
  ptx::cp_async_wait_group<2>();
  __syncwarp();
  warp.load_queries(queries);

  for (;;) {
    warp.reset();
    const int end = splits.end(split, pages);
    for (int page = splits.begin(split); page < end; ++page) {
      const auto keys = stream.take();
      warp.score(keys.tile + row * kD);
      if constexpr (sizeof(E) == 1) warp.scale_columns(keys.scales + row);
      warp.weigh(page * kTileRows + row, asked, scale);
      const auto values = stream.take();
      if constexpr (sizeof(E) == 1) warp.scale_columns(values.scales + row);
      warp.add(values.tile + row * kD);
    }

    __syncthreads();  // sums take the place of pages
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (half == 1 && tile.rows <= kRows / 2) break;
      const int r = Accumulator::row(2 * half);
      const float sum = group_sum<4>(warp.softmax[half].sum);
#pragma unroll
      for (int n = 0; n < kD / 8; ++n) {
        const Vec<float, 2> pair = {{warp.out[n].r[2 * half], warp.out[n].r[2 * half + 1]}};
        store(Sums::sums(warp_id(), r) + 8 * n + Accumulator::col(0), pair);
      }
      if (lane_index() % 4 == 0)
        store(Sums::softmax(warp_id(), r), Vec<float, 2>{{warp.softmax[half].max, sum}});
    }
    __syncthreads();
    Sums::join(p, partial, tile, split);
    split += splits.stride;
    if (split * kSplitKeys > highest) return;
    __syncthreads();  // the sums have been joined
    stream = pages_of(split);
    stream.start();
  }
}

constexpr int kMergeWarps = 8;
constexpr int kMergeThreads = kMergeWarps * kWarp;
constexpr int kAlone = 16;  // splits that one warp joins

template <class T, int kD>
__global__ void __launch_bounds__(kMergeThreads)
    attention_merge_kernel(const __grid_constant__ AttentionParams p,
                           const __grid_constant__ Partial partial) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t head = blockIdx.x;
  const int query = static_cast<int>(blockIdx.y);
  const FewQueries mine = find_queries(p.batch, blockIdx.z);
  if (query >= mine.tokens) return;
  const int64_t token = mine.begin + query;
  const int position = load(p.batch.positions + token);
  const int first = first_seen(position, partial.window) / kSplitKeys;
  const int splits = position / kSplitKeys + 1 - first;
  const int share = splits <= kAlone ? splits : (splits + kMergeWarps - 1) / kMergeWarps;
  const int begin = warp_id() * share;
  const int end = begin + share < splits ? begin + share : splits;
  if (splits <= kAlone && warp_id() > 0) return;

  const int64_t row = partial.row(p, mine.slot + query, head, first);
  float max = -INFINITY;
  for (int s = begin + lane_index(); s < end; s += kWarp)
    max = fmaxf(max, load(partial.softmaxes + 2 * (row + s)));
  max = warp_max(max);

  constexpr int kN = kD / kWarp;
  const int d = lane_index() * kN;
  Vec<float, kN> acc = {};
  float total = 0.0f;
#pragma unroll 4
  for (int s = begin; s < end; ++s) {
    const Vec<float, 2> softmax = load<2>(partial.softmaxes + 2 * (row + s));
    const Vec<float, kN> sums = load<kN>(partial.sums + (row + s) * kD + d);
    const float factor = ptx::ex2(softmax[0] - max);
#pragma unroll
    for (int i = 0; i < kN; ++i) acc[i] = fmaf(factor, sums[i], acc[i]);
    total = fmaf(factor, softmax[1], total);
  }

  if (splits > kAlone) {
    const Shared<float> sums = shared_memory<float>();
    const Shared<float> softmaxes = sums + kMergeWarps * kD;
    store(sums + warp_id() * kD + d, acc);
    if (lane_index() == 0) store(softmaxes + 2 * warp_id(), Vec<float, 2>{{max, total}});
    __syncthreads();
    if (warp_id() > 0) return;
    Vec<float, 2> of_warp[kMergeWarps];
    max = -INFINITY;
#pragma unroll
    for (int w = 0; w < kMergeWarps; ++w) {
      of_warp[w] = load<2>(softmaxes + 2 * w);
      max = fmaxf(max, of_warp[w][0]);
    }
    acc = {};
    total = 0.0f;
#pragma unroll
    for (int w = 0; w < kMergeWarps; ++w) {
      const float factor = ptx::ex2(of_warp[w][0] - max);  // 0 of a warp without splits
      const Vec<float, kN> part = load<kN>(sums + w * kD + d);
#pragma unroll
      for (int i = 0; i < kN; ++i) acc[i] = fmaf(factor, part[i], acc[i]);
      total = fmaf(factor, of_warp[w][1], total);
    }
  }
  const float inverse = 1.0f / total;
#pragma unroll
  for (int i = 0; i < kN; ++i) acc[i] *= inverse;
  store(static_cast<T*>(p.out) + token * p.out_ld + head * kD + d, narrow<T>(acc));
}

template <class T, class E, int kD>
void launch_decode(const AttentionParams& p, const Partial& partial, float scale, const Facts& gpu,
                   void* stream) {
  using R = Room<T, E, kD>;
  // The driver keeps 1 KB of each block, and an SM has 1 KB more than a block may have.
  constexpr int64_t kKept = 1024;
  const int64_t room = (gpu.shared_memory + kKept) / (R::kBytes + kKept);
  const int64_t blocks = std::max<int64_t>(1, std::min<int64_t>(R::kBlocks, room));
  const int64_t parts = p.G * tiles_of(p, kRows);
  const int64_t places = blocks * gpu.sms;
  const int64_t rounds = p.batch.B == 1 && parts <= places ? 1 : 4;
  const dim3 grid(
      static_cast<unsigned>(split_blocks(parts * p.batch.B, splits_seen(p), places, rounds)),
      static_cast<unsigned>(parts), static_cast<unsigned>(p.batch.B));
  launch<attention_decode_kernel<T, E, kD>>({grid, dim3(kSplitThreads), R::kBytes, stream}, p,
                                            partial, scale);
}

template <class T, int kD>
void launch_both(const AttentionParams& p, const Facts& gpu, void* stream) {
  const Partial partial(p);
  const float scale = kLog2E / sqrtf(static_cast<float>(p.D));
  if (gpu.hopper) {
    attention_decode_sm90(p, partial, scale, gpu, stream);
  } else if (p.pages_type == Type::i8) {
    launch_decode<T, int8_t, kD>(p, partial, scale, gpu, stream);
  } else {
    launch_decode<T, T, kD>(p, partial, scale, gpu, stream);
  }
  const dim3 grid(static_cast<unsigned>(p.H), static_cast<unsigned>(tokens_of(p.batch)),
                  static_cast<unsigned>(p.batch.B));
  constexpr size_t kBytes = kMergeWarps * (kD + 2) * sizeof(float);
  launch<attention_merge_kernel<T, kD>>({grid, dim3(kMergeThreads), kBytes, stream, gpu.hopper}, p,
                                        partial);
}

template <class T>
void for_head_size(const AttentionParams& p, const Facts& gpu, void* stream) {
  p.D == 64 ? launch_both<T, 64>(p, gpu, stream) : launch_both<T, 128>(p, gpu, stream);
}

}  // namespace

int64_t attention_decode_scratch_bytes(const AttentionParams& p) {
  return slots_of(p.batch.T, p.batch.B) * p.H * splits_of(p.batch.P) * (p.D + 2) *
         static_cast<int64_t>(sizeof(float));
}

void attention_decode(const AttentionParams& p, const Facts& gpu, void* stream) {
  p.qkv_type == Type::bf16 ? for_head_size<bf16>(p, gpu, stream)
                           : for_head_size<f16>(p, gpu, stream);
}

}  // namespace bc::cuda
