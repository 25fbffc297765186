// attention, sequences of one to eight tokens, on Hopper: the splits of attention_decode.cu, whose
// pages come by bulk copies.
//
// Shapes  those of attention_decode.cu
//
// Method  A block has every X-th split of a sequence and head, with X such that all blocks are there
//         at once, two on a processor. Its four warps have 16 positions of each page, and each a ring
//         of its own that goes on from split to split: a stage is the warp's rows of keys or of
//         values of one page, brought by one bulk copy, and nobody else is waited for. The warp that
//         has read a stage fills it again: lane i, which knows page i of 32, starts that page's
//         copies. A dozen instructions for 4 KB are not worth a warp that does nothing else. Products
//         are mma.sync, with the queries as rows 0 to 7.
//
//         Rows in shared memory have 128 bytes and the swizzle of that width, which only copies of
//         tensors give: a plain bulk copy would lay rows of 256 bytes under each other, in the same
//         banks. A box is [16 rows][128 bytes] of int8; of 16 bits two such side by side. Bytes are
//         not widened in shared memory: as pairs, which ldmatrix (for values transposed) takes them
//         for, they come with the even bytes of a register as one operand of an mma and the odd ones
//         as another; queries are loaded and sums stored in the order of columns that this gives.
//         Boxes beyond the last position are not copied. In the last one the rows beyond it may hold
//         anything: their scores are masked, their values zeroed before a weight of 0 meets them.
//
//         The kernel starts early, but reads nothing before those ahead are done: kv_append writes
//         the last page, and what else may be under way an op cannot know. What overlaps is the
//         launch. To fetch older pages too would save 1 us of 25 and need a contract on what comes
//         before attention. The merge is an early kernel as well: in the last block of a head it
//         would need counters to be reset, or clusters, to save a launch that is hidden already.
//
// Bound   Memory, as in attention_decode.cu. S=4096, C=5120: 83.9 MB (i8: 43.3), 25.0 us at 3.35
//         TB/s, where an SM takes 14.5 bytes a clock.
//
//         Under way: 3.35 TB/s for 1 us are 25 KB an SM. Two blocks with rings of 5 stages, 80 KB a
//         block, have 160 KB (i8: 10 stages, 82 KB, 165 KB).
//
//         No rounds: a block that begins waits for three loads after each other, 2000 clocks, and
//         blocks that begin together end together, so one block for every split would leave memory
//         idle for a tenth of the time. 40 heads at 4096 positions are 240 blocks of two or three of
//         16 splits; when some have no third one the others take the memory that they leave. What
//         remains is once the beginning, the end and the merge, 3 us: 89 % of 3.35 TB/s, 3.0.
//
//         Instructions of a warp for 16 positions, 8 KB (i8: 4.2): 32 mma, 16 ldmatrix (8), 32 lop3 to
//         zero rows (i8: 80 to widen), 64 for the softmax, some 60 for waits and addresses: 205
//         (245). Four schedulers: 51 clocks for 8 KB, where the memory takes 565 (61 of 290). Tensor
//         cores: 32 mma of 2048 products, 64 clocks at 1024 a clock. Shared memory: 64 passes to
//         write and 64 to read. A page of a warp lasts some 600 clocks from its wait to its last
//         product, most of it latency: 8 warps could take 110 bytes a clock (56).
//
// Limits  attention_decode_sm90_kernel: 168 registers, 128 threads, 103488 bytes of shared memory, on sm_90
//
// Twin    cpu/attention/attention.cpp
// Source  Dao et al. 2023, "Flash-Decoding for long-context inference", pytorch.org/blog
#include <algorithm>

#include "cuda/attention/attention_split.cuh"
#include "cuda/stages_sm90.cuh"
#include "cuda/wgmma.cuh"

namespace bc::cuda {
namespace {

// A warp's rows of the pages of a block on their way to shared memory. Halves are counted: keys of
// the first page, its values, keys of the next.
template <class T, class E>
class WarpRows {
 public:
  static constexpr bool kScaled = sizeof(E) == 1;
  static constexpr int kColumns = 128 / sizeof(E);  // of a row of 128 bytes
  static constexpr int kSides = kHeadSize / kColumns;
  static constexpr int kStages = kScaled ? 10 : 5;

 private:
  static constexpr uint32_t kTile = kWarpRows * kHeadSize * sizeof(E);
  static constexpr uint32_t kScale = kScaled ? kWarpRows * sizeof(float) : 0;
  static constexpr uint32_t kAll = kTileWarps * kStages;
  static constexpr uint32_t kBarriers = kAll * (kTile + kScale);
  static_assert(kTile % kSwizzleAtom == 0, "tiles begin where the swizzle does");

 public:
  static constexpr uint32_t kBytes = kBarriers + kAll * sizeof(uint64_t);

  // `pages` of the splits have rows of the warp.
  __device__ __forceinline__ WarpRows(const AttentionParams& p, const TensorMap* map,
                                      int64_t sequence, int64_t head, const Splits& splits,
                                      int pages)
      : map_(map),
        scales_(p.scales),
        table_(p.batch.table + sequence * p.batch.P),
        splits_(splits),
        H_(p.G),
        head_(head),
        halves_(2 * pages) {}

  static __device__ __forceinline__ void init() {
    if (lane_index() == 0) {
#pragma unroll
      for (int i = 0; i < kStages; ++i) ptx::mbarrier_init(full(i), 1);
      ptx::fence_mbarrier_init();
    }
    __syncwarp();
  }

  __device__ __forceinline__ void start() {
#pragma unroll 1
    for (int i = 0; i < kStages; ++i) copy_next();
  }

  // The next half, which stays until done().
  struct Half {
    Shared<T> tile;        // [sides][16][64], of int8 two in a T
    Shared<float> scales;  // [16] of int8
  };
  __device__ __forceinline__ Half take() {
    const int stage = taken_ % kStages;
    wait_phase(full(stage), taken_ / kStages % 2);
    return {shared_memory<T>(at(stage) * kTile),
            shared_memory<float>(kAll * kTile + at(stage) * kScale)};
  }
  __device__ __forceinline__ void done() {
    __syncwarp();
    ++taken_;
    copy_next();
  }

 private:
  static __device__ __forceinline__ uint32_t at(int stage) {
    return static_cast<uint32_t>(warp_id() * kStages + stage);
  }
  static __device__ __forceinline__ Shared<uint64_t> full(int stage) {
    return shared_memory<uint64_t>(kBarriers) + at(stage);
  }

  __device__ __forceinline__ void copy_next() {
    if (copied_ == halves_) return;
    const int i = copied_ / 2;  // of the pages
    if (copied_ % (2 * kWarp) == 0 && i + lane_index() < halves_ / 2)
      page_ = load(table_ + splits_.page(i + lane_index()));
    if (lane_index() == i % kWarp) {
      const int stage = copied_ % kStages;
      const int64_t row =
          ((page_ * 2 + copied_ % 2) * H_ + head_) * kTileRows + warp_id() * kWarpRows;
      ptx::mbarrier_arrive_expect_tx(full(stage), kTile + kScale);
      ptx::cp_async_bulk_tensor_3d(shared_memory<T>(at(stage) * kTile), map_, 0,
                                   static_cast<int32_t>(row), 0, full(stage));
      if constexpr (kScaled)
        ptx::cp_async_bulk(shared_memory<float>(kAll * kTile + at(stage) * kScale), scales_ + row,
                           kScale, full(stage));
    }
    ++copied_;
  }

  const TensorMap* map_;
  const float* scales_;
  const int32_t* table_;
  const Splits splits_;
  int64_t H_, head_;
  int halves_;
  int64_t page_ = 0;  // lane i has that of page i of 32
  int copied_ = 0, taken_ = 0;
};

// Bytes 0 and 2 of four, two's complement, as a pair of T, exactly.
template <class T>
__device__ __forceinline__ uint32_t even_bytes(uint32_t bytes) {
  constexpr uint8_t kAndOr = (0xf0 & 0xcc) | 0xaa;   // (a & b) | c of lop3
  constexpr uint8_t kAndXor = (0xf0 & 0xcc) ^ 0xaa;  // (a & b) ^ c
  if constexpr (std::is_same<T, bf16>::value) {
    // 2^7 + the lower seven bits, less 2^7 or, of a negative one, 2^8.
    const uint32_t lower = ptx::lop3<kAndOr>(bytes, 0x007f007fu, 0x43004300u);
    const uint32_t sign = ptx::lop3<kAndOr>(bytes, 0x00800080u, 0x43004300u);
    return ptx::fma_bf16x2(sign, 0xbf80bf80u, lower);
  } else {
    // 2^10 + 128 + the byte, less the first two.
    const uint32_t shifted = ptx::lop3<kAndXor>(bytes, 0x00ff00ffu, 0x64806480u);
    return ptx::fma_f16x2(shifted, 0x3c003c00u, 0xe480e480u);
  }
}
template <class T>
__device__ __forceinline__ uint32_t odd_bytes(uint32_t bytes) {
  return even_bytes<T>(bytes >> 8);
}

// Where this lane's row of a tile [sides][16 rows][64 columns of 16 bits] begins for ldmatrix.
template <class T>
__device__ __forceinline__ Shared<T> lane_at(Shared<T> tile, const RowCol& lane, int column) {
  return tile + column / kTileColumns * (kWarpRows * kTileColumns) +
         swizzled_128(lane.row, column % kTileColumns + lane.col);
}

// Eight queries of a warp and 16 keys at a time: scores, weights, and the sum of weighted values. With
// g = lane / 4 and t = lane % 4, the lane has what concerns query g.
template <class T, class E>
struct FewAttention {
  static constexpr bool kWiden = sizeof(E) == 1;
  // Of 16 columns of 16 bits that a tile's row has.
  static constexpr int kPieces = kHeadSize * static_cast<int>(sizeof(E)) / 32;
  // Behind the pages. Rows are longer than D, so that they fall into other banks.
  using Sums =
      WarpSums<kHeadSize, kHeadSize + (kWiden ? 16 : 8), kFewQueries, WarpRows<T, E>::kBytes>;

  FragmentA<T> q[kHeadSize / 16];
  Accumulator scores[kWarpRows / 8];
  Accumulator out[kHeadSize / 8];
  OnlineSoftmax softmax;

  // `row` is query 0 of this head. Queries from `count` on are zeros.
  __device__ __forceinline__ void load_queries(const T* row, int64_t ld, int count) {
    const int t = lane_index() % 4;
    const bool here = lane_index() / 4 < count;
    row += here ? lane_index() / 4 * ld : 0;
#pragma unroll
    for (int k = 0; k < kHeadSize / 16; ++k) {
      q[k] = {};
      if (!here) continue;
      if constexpr (kWiden) {
        // Columns in the order of the bytes of keys: 4t and 4t + 2, then 4t + 1 and 4t + 3.
        const auto four = same_bits<Vec<uint32_t, 2>>(load<4>(row + 16 * k + 4 * t));
        q[k].r[0] = ptx::prmt(four[0], four[1], 0x5410u);
        q[k].r[2] = ptx::prmt(four[0], four[1], 0x7632u);
      } else {
        q[k].r[0] = same_bits<uint32_t>(load<2>(row + 16 * k + 2 * t));
        q[k].r[2] = same_bits<uint32_t>(load<2>(row + 16 * k + 8 + 2 * t));
      }
    }
  }

  // Begins a split.
  __device__ __forceinline__ void reset() {
    softmax = {};
#pragma unroll
    for (int n = 0; n < kHeadSize / 8; ++n) out[n] = {};
  }

  // scores = q k^T
  __device__ __forceinline__ void score(Shared<T> keys) {
#pragma unroll
    for (int n = 0; n < kWarpRows / 8; ++n) scores[n] = {};
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const TwoB<T> b = load_b(lane_at(keys, lane_of_b(), 16 * i));
      if constexpr (kWiden) {
#pragma unroll
        for (int j = 0; j < 2; ++j) {
          mma(scores[0], q[2 * i + j],
              FragmentB<T>{{even_bytes<T>(b.n0.r[j]), odd_bytes<T>(b.n0.r[j])}});
          mma(scores[1], q[2 * i + j],
              FragmentB<T>{{even_bytes<T>(b.n8.r[j]), odd_bytes<T>(b.n8.r[j])}});
        }
      } else {
        mma(scores[0], q[i], b.n0);
        mma(scores[1], q[i], b.n8);
      }
    }
  }

  // scores[.][n] *= scales[n]. From `rows` on scales may be anything and count as 0.
  __device__ __forceinline__ void scale_columns(Shared<float> scales, int rows) {
#pragma unroll
    for (int n = 0; n < kWarpRows / 8; ++n) {
      const Vec<float, 2> s = load<2>(scales + 8 * n + Accumulator::col(0));
#pragma unroll
      for (int i = 0; i < 2; ++i)
        scores[n].r[i] *= 8 * n + Accumulator::col(i) < rows ? s[i] : 0.0f;
    }
  }

  // Turns scores into weights 2^(score - maximum so far), and corrects the sums of earlier keys. The
  // first key is at position `key`, the first query at `query`; scale and slope are in units of log2.
  __device__ __forceinline__ void weigh(int key, int query, float scale, float slope) {
    const int row = query + Accumulator::row(0);
    float max = -INFINITY;
#pragma unroll
    for (int n = 0; n < kWarpRows / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        float& s = scores[n].r[i];
        const int distance = key + 8 * n + Accumulator::col(i) - row;
        s = fmaf(slope, static_cast<float>(distance), s * scale);
        if (distance > 0) s = -INFINITY;
        max = fmaxf(max, s);
      }
    }
    const float factor = softmax.raise(group_max<4>(max));
#pragma unroll
    for (int n = 0; n < kWarpRows / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        float& s = scores[n].r[i];
        s = softmax.weight(s);
        softmax.sum += s;
      }
    }
#pragma unroll
    for (int n = 0; n < kHeadSize / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) out[n].r[i] *= factor;
    }
  }

  // out += weights v. Rows from `rows` on may be anything and count as zeros.
  __device__ __forceinline__ void add(Shared<T> values, int rows) {
    const FragmentA<T> a = {{narrow_pair<T>(scores[0].r[0], scores[0].r[1]), 0,
                             narrow_pair<T>(scores[1].r[0], scores[1].r[1]), 0}};
    uint32_t keep[2];  // the halves of a register that are rows of values
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int row = 8 * r + Accumulator::col(0);
      keep[r] = (row < rows ? 0xffffu : 0u) | (row + 1 < rows ? 0xffff0000u : 0u);
    }
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const TwoB<T> b = load_b_trans(lane_at(values, lane_of_b_trans(), 16 * i));
      if constexpr (kWiden) {
        // Bytes are finite whatever they are: their weights are zeros already.
        mma(out[4 * i], a, FragmentB<T>{{even_bytes<T>(b.n0.r[0]), even_bytes<T>(b.n0.r[1])}});
        mma(out[4 * i + 1], a, FragmentB<T>{{odd_bytes<T>(b.n0.r[0]), odd_bytes<T>(b.n0.r[1])}});
        mma(out[4 * i + 2], a, FragmentB<T>{{even_bytes<T>(b.n8.r[0]), even_bytes<T>(b.n8.r[1])}});
        mma(out[4 * i + 3], a, FragmentB<T>{{odd_bytes<T>(b.n8.r[0]), odd_bytes<T>(b.n8.r[1])}});
      } else {
        mma(out[2 * i], a, FragmentB<T>{{b.n0.r[0] & keep[0], b.n0.r[1] & keep[1]}});
        mma(out[2 * i + 1], a, FragmentB<T>{{b.n8.r[0] & keep[0], b.n8.r[1] & keep[1]}});
      }
    }
  }

  // What the warp has, for Sums::join.
  __device__ __forceinline__ void store_sums() {
    const int query = Accumulator::row(0);
    const Shared<float> to = Sums::sums(warp_id(), query);
    const float sum = group_sum<4>(softmax.sum);
#pragma unroll
    for (int n = 0; n < kHeadSize / 8; n += 2) {
      const float* even = out[n].r;
      const float* odd = out[n + 1].r;
      if constexpr (kWiden) {
        store(to + 8 * n + 2 * Accumulator::col(0),
              Vec<float, 4>{{even[0], odd[0], even[1], odd[1]}});
      } else {
        store(to + 8 * n + Accumulator::col(0), Vec<float, 2>{{even[0], even[1]}});
        store(to + 8 * n + 8 + Accumulator::col(0), Vec<float, 2>{{odd[0], odd[1]}});
      }
    }
    if (lane_index() % 4 == 0)
      store(Sums::softmax(warp_id(), query), Vec<float, 2>{{softmax.max, sum}});
  }
};

constexpr int kBlocks = 2;  // on an SM

template <class T, class E>
__global__ void __launch_bounds__(kSplitThreads, kBlocks)
    attention_decode_sm90_kernel(AttentionParams p, Partial partial, float scale,
                                 const __grid_constant__ TensorMap map) {
  ptx::griddepcontrol_launch_dependents();
  using Pages = WarpRows<T, E>;
  Pages::init();
  ptx::griddepcontrol_wait();

  const Splits splits(0, static_cast<int>(blockIdx.x), static_cast<int>(gridDim.x));
  const int64_t head = blockIdx.y;
  const int64_t sequence = blockIdx.z;
  const RowTile<kFewQueries> tile(p, partial, sequence, static_cast<int>(head), 0);
  const FewQueries& mine = tile.queries;
  if (mine.tokens == 0) return;
  const int first = load(p.batch.positions + mine.begin);
  const int keys = first + mine.tokens;
  if (splits.first * kSplitKeys >= keys) return;

  const int row = warp_id() * kWarpRows;                       // the warp's first of a page
  const int pages = (keys - row + kTileRows - 1) / kTileRows;  // that have it
  Pages stream(p, &map, sequence, head, splits, splits.pages(pages));
  stream.start();
  FewAttention<T, E> warp;
  warp.load_queries(static_cast<const T*>(p.qkv) + mine.begin * p.ld + head * kHeadSize, p.ld,
                    mine.tokens);
  const float slope = p.slopes == nullptr ? 0.0f : load(p.slopes + head) * kLog2E;

  for (int split = splits.first; split * kSplitKeys < keys; split += splits.stride) {
    warp.reset();
    const int end = pages < (split + 1) * kSplitPages ? pages : (split + 1) * kSplitPages;
    for (int page = split * kSplitPages; page < end; ++page) {
      const int key = page * kTileRows + row;
      const auto of_keys = stream.take();
      warp.score(of_keys.tile);
      if constexpr (Pages::kScaled) warp.scale_columns(of_keys.scales, keys - key);
      stream.done();
      warp.weigh(key, first, scale, slope);
      const auto values = stream.take();
      if constexpr (Pages::kScaled) warp.scale_columns(values.scales, keys - key);
      warp.add(values.tile, keys - key);
      stream.done();
    }
    __syncthreads();  // the sums of the split before have been joined
    warp.store_sums();
    __syncthreads();
    FewAttention<T, E>::Sums::join(p, partial, tile, split);
  }
}

template <class T, class E>
void launch_decode(const AttentionParams& p, const Partial& partial, float scale, const Facts& gpu,
                   void* stream) {
  using Pages = WarpRows<T, E>;
  const auto rows = static_cast<uint64_t>(p.batch.pages * 2 * p.G * kTileRows);
  constexpr uint64_t kRowBytes = kHeadSize * sizeof(E);
  const TensorMap map = make_tensor_map({p.pages,
                                         sizeof(E),
                                         3,
                                         {Pages::kColumns, rows, Pages::kSides},
                                         {kRowBytes, 128},
                                         {Pages::kColumns, kWarpRows, Pages::kSides},
                                         Swizzle::bytes_128});
  const dim3 grid(
      static_cast<unsigned>(split_blocks(p.H * p.batch.B, partial.S, int64_t{kBlocks} * gpu.sms,
                                         p.H * p.batch.B <= int64_t{kBlocks} * gpu.sms ? 1 : 4)),
      static_cast<unsigned>(p.H), static_cast<unsigned>(p.batch.B));
  launch<attention_decode_sm90_kernel<T, E>>(
      {grid, dim3(kSplitThreads), Pages::kBytes + FewAttention<T, E>::Sums::kBytes, stream, true},
      p, partial, scale, map);
}

template <class T>
void for_pages(const AttentionParams& p, const Partial& partial, float scale, const Facts& gpu,
               void* stream) {
  p.pages_type == Type::i8 ? launch_decode<T, int8_t>(p, partial, scale, gpu, stream)
                           : launch_decode<T, T>(p, partial, scale, gpu, stream);
}

}  // namespace

void attention_decode_sm90(const AttentionParams& p, const Partial& partial, float scale,
                           const Facts& gpu, void* stream) {
  p.qkv_type == Type::bf16 ? for_pages<bf16>(p, partial, scale, gpu, stream)
                           : for_pages<f16>(p, partial, scale, gpu, stream);
}

}  // namespace bc::cuda
