// attention, sequences of one to eight tokens: what attention_prefill.cu computes, with the cache of
// a sequence split among blocks.
//
// Shapes  qkv [T,3C], of which the queries [T,C] are read; pages [pages,2,H,64,D] of the same type,
//         or i8 with scales [pages,2,H,64]; slopes [H] or none; out [T,C]. C = H D; D = 128.
//         scratch: sums [slots,H,S,D] f32, then maximum and sum of the weights [slots,H,S,2] f32,
//         for S = P/4 splits, rounded up. Tokens have slots in the order of the batch, those of
//         longer sequences left out.
//
// Method  A block per sequence, head and four pages; those past the last position exit. A warp takes
//         16 positions of each page and waits for its own copies only. The four warps' sums, and
//         then those of the splits in a second kernel, are joined in the order of positions. Splits
//         begin at the same positions whatever B and P are, so that a result depends, bit for bit,
//         on its own sequence alone.
//
// Bound   Memory: 4C bytes a position and sequence (i8: 2C + 8H); the sums of splits, written and
//         read, add 8(D + 2) bytes per 1024 D: 0.8 %. S=4096, C=4096: 67.1 MB.
//
// Limits  attention_decode_kernel: 168 registers, 128 threads, 49152 bytes of shared memory
//         attention_merge_kernel: 48 registers, 256 threads, 0 bytes of shared memory
//
// Twin    cpu/attention/attention.cpp
// Source  Dao et al. 2023, "Flash-Decoding for long-context inference", pytorch.org/blog
#include "cuda/attention/attention_split.cuh"

namespace bc::cuda {
namespace {

constexpr int kMergeThreads = kFewQueries * kWarp;  // a warp for each query

// A row of sums in shared memory: eight floats more than D, so that rows fall into other banks.
using Sums = WarpSums<kHeadSize + 8>;

template <class T, class E>
__global__ void __launch_bounds__(kSplitThreads, 3)
    attention_decode_kernel(AttentionParams p, Partial partial, float scale) {
  const int split = static_cast<int>(blockIdx.x);
  const int64_t head = blockIdx.y;
  const int64_t sequence = blockIdx.z;
  const FewQueries mine = find_queries(p.batch, sequence);
  if (mine.tokens == 0) return;
  const int first = load(p.batch.positions + mine.begin);
  const int keys = first + mine.tokens;
  if (split * kSplitKeys >= keys) return;
  const int begin = split * kSplitPages;
  const int last = (keys + kTileRows - 1) / kTileRows;
  const int end = last < begin + kSplitPages ? last : begin + kSplitPages;
  const int row = warp_id() * kWarpRows;  // the warp's first position of a page
  const float slope = p.slopes == nullptr ? 0.0f : load(p.slopes + head) * kLog2E;

  using Stream = PageStream<T, E, false>;
  const Shared<T> queries = Stream::queries() + row * kHeadSize;
  copy_rows(queries, static_cast<const T*>(p.qkv) + mine.begin * p.ld + head * kHeadSize, p.ld,
            mine.tokens);
  ptx::cp_async_commit_group();
  Stream stream(p, sequence, head, begin, end, keys);
  stream.start();

  WarpAttention<T, kWarpRows> warp;
  ptx::cp_async_wait_group<2>();
  __syncwarp();
  warp.load_queries(queries);

  for (int page = begin; page < end; ++page) {
    const auto keys_half = stream.take();
    warp.score(keys_half.tile + row * kHeadSize);
    if constexpr (sizeof(E) == 1) warp.scale_columns(keys_half.scales + row);
    warp.weigh(page * kTileRows + row, first, scale, slope);
    const auto values = stream.take();
    if constexpr (sizeof(E) == 1) warp.scale_columns(values.scales + row);
    warp.add(values.tile + row * kHeadSize);
  }

  // Only the first 8 of a tile's 16 rows are queries.
  const float sum = group_sum<4>(warp.softmax[0].sum);
  const int query = Accumulator::row(0);
  __syncthreads();
#pragma unroll
  for (int n = 0; n < kHeadSize / 8; ++n) {
    const Vec<float, 2> pair = {{warp.out[n].r[0], warp.out[n].r[1]}};
    store(Sums::sums(warp_id(), query) + 8 * n + Accumulator::col(0), pair);
  }
  if (lane_index() % 4 == 0) {
    const Vec<float, 2> softmax = {{warp.softmax[0].max, sum}};
    store(Sums::softmax(warp_id(), query), softmax);
  }
  __syncthreads();
  // Head and split from their registers: all others are taken.
  Sums::join(p, partial, mine, blockIdx.y, blockIdx.x);
}

// A block per sequence and head, a warp per query.
template <class T>
__global__ void __launch_bounds__(kMergeThreads)
    attention_merge_kernel(AttentionParams p, Partial partial) {
  ptx::griddepcontrol_launch_dependents();
  ptx::griddepcontrol_wait();
  const int64_t head = blockIdx.x;
  const FewQueries mine = find_queries(p.batch, blockIdx.y);
  const int query = warp_id();
  if (query >= mine.tokens) return;
  const int64_t token = mine.begin + query;
  const int splits = load(p.batch.positions + token) / kSplitKeys + 1;
  const int64_t row = partial.row(p, mine.slot + query, head, 0);

  float max = -INFINITY;
  for (int s = lane_index(); s < splits; s += kWarp)
    max = fmaxf(max, load(partial.softmaxes + 2 * (row + s)));
  max = warp_max(max);

  constexpr int kN = kHeadSize / kWarp;
  Vec<float, kN> acc = {};
  float total = 0.0f;
#pragma unroll 4
  for (int s = 0; s < splits; ++s) {
    const Vec<float, 2> softmax = load<2>(partial.softmaxes + 2 * (row + s));
    const Vec<float, kN> sums = load<kN>(partial.sums + (row + s) * kHeadSize + lane_index() * kN);
    const float factor = ptx::ex2(softmax[0] - max);
#pragma unroll
    for (int i = 0; i < kN; ++i) acc[i] = fmaf(factor, sums[i], acc[i]);
    total = fmaf(factor, softmax[1], total);
  }
  const float inverse = 1.0f / total;
#pragma unroll
  for (int i = 0; i < kN; ++i) acc[i] *= inverse;
  store(static_cast<T*>(p.out) + token * p.out_ld + head * kHeadSize + lane_index() * kN,
        narrow<T>(acc));
}

template <class T, class E>
void launch_decode(const AttentionParams& p, const Partial& partial, float scale, void* stream) {
  const dim3 grid(static_cast<unsigned>(partial.S), static_cast<unsigned>(p.H),
                  static_cast<unsigned>(p.batch.B));
  launch<attention_decode_kernel<T, E>>(
      {grid, dim3(kSplitThreads), PageStream<T, E, false>::kBytes, stream}, p, partial, scale);
}

template <class T>
void for_pages(const AttentionParams& p, const Facts& gpu, void* stream) {
  const Partial partial(p);
  const float scale = kLog2E / sqrtf(static_cast<float>(p.D));
  if (gpu.hopper) {
    attention_decode_sm90(p, partial, scale, gpu, stream);
  } else if (p.pages_type == Type::i8) {
    launch_decode<T, int8_t>(p, partial, scale, stream);
  } else {
    launch_decode<T, T>(p, partial, scale, stream);
  }
  const dim3 grid(static_cast<unsigned>(p.H), static_cast<unsigned>(p.batch.B));
  launch<attention_merge_kernel<T>>({grid, dim3(kMergeThreads), 0, stream, gpu.hopper}, p, partial);
}

}  // namespace

int64_t attention_decode_scratch_bytes(int64_t T, int64_t B, int64_t P, int64_t H) {
  return slots_of(T, B) * H * splits_of(P) * (kHeadSize + 2) * static_cast<int64_t>(sizeof(float));
}

void attention_decode(const AttentionParams& p, const Facts& gpu, void* stream) {
  p.qkv_type == Type::bf16 ? for_pages<bf16>(p, gpu, stream) : for_pages<f16>(p, gpu, stream);
}

}  // namespace bc::cuda
