// attention, sequences of one to eight tokens, on Hopper: the splits of attention_decode.cu, whose
// pages come by bulk copies. docs/attention-hopper.md (Generation) derives the choices and the Bound.
//
// Shapes  those of attention_decode.cu
//
// Method  A tile has up to 8 of the queries that read one key-value head (attention_split.cuh), as rows
//         0 to 7 of mma.sync. A block has every X-th split of a sequence and tile, with X such that all
//         blocks are resident at once, two on an SM. Each of its four warps has 16 positions of each
//         page and a ring of its own, which it fills itself and which goes on from split to split. The
//         kernel starts early, but reads nothing before the kernels ahead have ended.
//
// Bound   Memory, as in attention_decode.cu. S=4096, D=128: 83.9 MB with G=40 (i8: 43.3), 25.0 us at
//         3.35 TB/s; 16.8 MB with G=8, 5.0 us, whatever H is up to 64. More rows than 8 read the cache
//         again, most of it from L2. Expected with the beginning, the end and the merge: 89 % of it.
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

constexpr int kRows = 8;  // a tile of queries has half the rows of an mma

// Brings a warp's rows of the pages of a block into shared memory. Halves of pages are counted: the keys
// of the first page, its values, the keys of the next.
template <class T, class E, int kD>
class WarpRows {
 public:
  static constexpr bool kScaled = sizeof(E) == 1;
  static constexpr int kColumns = 128 / sizeof(E);  // in a line of 128 bytes
  static constexpr int kSides = kD < kColumns ? 1 : kD / kColumns;
  static constexpr int kFold = kD < kColumns ? kColumns / kD : 1;  // rows in a line
  static constexpr int kStages = (kScaled ? 10 : 5) * 128 / kD;

 private:
  static constexpr uint32_t kTile = kWarpRows * kD * sizeof(E);
  static constexpr uint32_t kScale = kScaled ? kWarpRows * sizeof(float) : 0;
  static constexpr uint32_t kAll = kTileWarps * kStages;
  static constexpr uint32_t kBarriers = kAll * (kTile + kScale);
  static_assert(kTile % kSwizzleAtom == 0, "tiles begin where the swizzle does");

 public:
  static constexpr uint32_t kBytes = kBarriers + kAll * sizeof(uint64_t);

  // `pages`: how many pages of the splits have rows of this warp.
  __device__ __forceinline__ WarpRows(const AttentionParams& p, const TensorMap* map,
                                      int64_t sequence, int64_t kv_head, const Splits& splits,
                                      int pages)
      : map_(map),
        scales_(p.scales),
        table_(p.batch.table + sequence * p.batch.P),
        splits_(splits),
        G_(p.G),
        kv_head_(kv_head),
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
    Shared<T> tile;        // [sides][16 / kFold lines][64]; a T holds two numbers of int8
    Shared<float> scales;  // [16], for int8 pages
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
          ((page_ * 2 + copied_ % 2) * G_ + kv_head_) * kTileRows + warp_id() * kWarpRows;
      ptx::mbarrier_arrive_expect_tx(full(stage), kTile + kScale);
      ptx::cp_async_bulk_tensor_3d(shared_memory<T>(at(stage) * kTile), map_, 0,
                                   static_cast<int32_t>(row / kFold), 0, full(stage));
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
  int64_t G_, kv_head_;
  int halves_;
  int64_t page_ = 0;  // lane i has that of page i of 32
  int copied_ = 0, taken_ = 0;
};

// Makes a pair of T, exactly, from bytes 0 and 2 of four, which are in two's complement.
template <class T>
__device__ __forceinline__ uint32_t even_bytes(uint32_t bytes) {
  constexpr uint8_t kAndOr = (0xf0 & 0xcc) | 0xaa;   // (a & b) | c of lop3
  constexpr uint8_t kAndXor = (0xf0 & 0xcc) ^ 0xaa;  // (a & b) ^ c
  if constexpr (std::is_same<T, bf16>::value) {
    // 2^7 + the lower seven bits, less 2^7, or less 2^8 where the byte is negative.
    const uint32_t lower = ptx::lop3<kAndOr>(bytes, 0x007f007fu, 0x43004300u);
    const uint32_t sign = ptx::lop3<kAndOr>(bytes, 0x00800080u, 0x43004300u);
    return ptx::fma_bf16x2(sign, 0xbf80bf80u, lower);
  } else {
    // 2^10 + 128 + the byte, less 2^10 + 128.
    const uint32_t shifted = ptx::lop3<kAndXor>(bytes, 0x00ff00ffu, 0x64806480u);
    return ptx::fma_f16x2(shifted, 0x3c003c00u, 0xe480e480u);
  }
}
template <class T>
__device__ __forceinline__ uint32_t odd_bytes(uint32_t bytes) {
  return even_bytes<T>(bytes >> 8);
}

// Where this lane's row of a tile [sides][16 / kFold lines][64 columns of 16 bits] begins for ldmatrix.
template <int kFold, class T>
__device__ __forceinline__ Shared<T> lane_at(Shared<T> tile, const RowCol& lane, int column) {
  const int within = lane.row % kFold * (kTileColumns / kFold);
  return tile + column / kTileColumns * (kWarpRows / kFold * kTileColumns) +
         swizzled_128(lane.row / kFold, within + column % kTileColumns + lane.col);
}

// Eight queries of a warp and 16 keys at a time: scores, weights, and the sum of weighted values. With
// g = lane / 4 and t = lane % 4, the lane has what concerns query g.
template <class T, class E, int kD>
struct FewAttention {
  static constexpr bool kWiden = sizeof(E) == 1;
  // How many times 16 columns of 16 bits a row of a tile has.
  static constexpr int kPieces = kD * static_cast<int>(sizeof(E)) / 32;
  static constexpr int kFold = WarpRows<T, E, kD>::kFold;
  // Sums lie behind the pages. Their rows are longer than D, so that they fall into other banks.
  using Sums = WarpSums<kD, kD + (kWiden ? 16 : 8), kRows, WarpRows<T, E, kD>::kBytes>;

  FragmentA<T> q[kD / 16];
  Accumulator scores[kWarpRows / 8];
  Accumulator out[kD / 8];
  OnlineSoftmax softmax;

  // `row` is query g. Where the tile has no such query, zeros come.
  __device__ __forceinline__ void load_queries(const T* row, bool here) {
    const int t = lane_index() % 4;
#pragma unroll
    for (int k = 0; k < kD / 16; ++k) {
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
    for (int n = 0; n < kD / 8; ++n) out[n] = {};
  }

  // scores = q k^T
  __device__ __forceinline__ void score(Shared<T> keys) {
#pragma unroll
    for (int n = 0; n < kWarpRows / 8; ++n) scores[n] = {};
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const TwoB<T> b = load_b(lane_at<kFold>(keys, lane_of_b(), 16 * i));
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

  // scores[.][n] *= scales[n]. Scales from `rows` on may be anything and count as 0.
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
  // first key is at position `key`, query g at `query`, and sees a window; scale and slope, that of g's
  // head, are in units of log2.
  __device__ __forceinline__ void weigh(int key, int query, int window, float scale, float slope) {
    float max = -INFINITY;
#pragma unroll
    for (int n = 0; n < kWarpRows / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        float& s = scores[n].r[i];
        const int distance = key + 8 * n + Accumulator::col(i) - query;
        s = fmaf(slope, static_cast<float>(distance), s * scale);
        // As an unsigned number, the distance to a key past the query is 2^31 or more.
        if (static_cast<uint32_t>(-distance) >= static_cast<uint32_t>(window)) s = -INFINITY;
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
    for (int n = 0; n < kD / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) out[n].r[i] *= factor;
    }
  }

  // out += weights v. Values from row `rows` on may be anything and count as zeros.
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
      const TwoB<T> b = load_b_trans(lane_at<kFold>(values, lane_of_b_trans(), 16 * i));
      if constexpr (kWiden) {
        // Bytes are finite whatever they hold, and their weights are zeros already.
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

  // Stores the sums of the warp, which Sums::join reads.
  __device__ __forceinline__ void store_sums() {
    const int query = Accumulator::row(0);
    const Shared<float> to = Sums::sums(warp_id(), query);
    const float sum = group_sum<4>(softmax.sum);
#pragma unroll
    for (int n = 0; n < kD / 8; n += 2) {
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

template <class T, class E, int kD>
__global__ void __launch_bounds__(kSplitThreads, kBlocks)
    attention_decode_sm90_kernel(const __grid_constant__ AttentionParams p,
                                 const __grid_constant__ Partial partial, float scale,
                                 const __grid_constant__ TensorMap map) {
  ptx::griddepcontrol_launch_dependents();
  using Pages = WarpRows<T, E, kD>;
  Pages::init();
  ptx::griddepcontrol_wait();

  const uint32_t kv_heads = static_cast<uint32_t>(p.G);
  const int kv_head = static_cast<int>(blockIdx.y % kv_heads);
  const RowTile<kRows> tile(p, partial, blockIdx.z, kv_head,
                            static_cast<int>(blockIdx.y / kv_heads));
  if (tile.rows <= 0) return;
  const int last = tile.highest();
  const Splits splits(first_seen(tile.lowest(), partial.window), static_cast<int>(blockIdx.x),
                      static_cast<int>(gridDim.x));
  if (splits.first * kSplitKeys > last) return;

  const int row = warp_id() * kWarpRows;                   // the warp's first row of a page
  const int pages = (last + kTileRows - row) / kTileRows;  // pages that have this row
  Pages stream(p, &map, blockIdx.z, kv_head, splits, splits.pages(pages));
  stream.start();
  FewAttention<T, E, kD> warp;
  const int query = Accumulator::row(0);
  const bool here = query < tile.rows;
  warp.load_queries(static_cast<const T*>(p.qkv) + (here ? tile.at(p, query, kD) : 0), here);
  const int position = tile.position_of(query);
  const float slope =
      p.slopes == nullptr || !here ? 0.0f : load(p.slopes + tile.head_of(query)) * kLog2E;

  for (int split = splits.first; split * kSplitKeys <= last; split += splits.stride) {
    warp.reset();
    const int end = splits.end(split, pages);
    for (int page = splits.begin(split); page < end; ++page) {
      const int key = page * kTileRows + row;
      const auto of_keys = stream.take();
      warp.score(of_keys.tile);
      if constexpr (Pages::kScaled) warp.scale_columns(of_keys.scales, last + 1 - key);
      stream.done();
      warp.weigh(key, position, partial.window, scale, slope);
      const auto values = stream.take();
      if constexpr (Pages::kScaled) warp.scale_columns(values.scales, last + 1 - key);
      warp.add(values.tile, last + 1 - key);
      stream.done();
    }
    __syncthreads();  // the sums of the split before have been joined
    warp.store_sums();
    __syncthreads();
    FewAttention<T, E, kD>::Sums::join(p, partial, tile, split);
  }
}

template <class T, class E, int kD>
void launch_decode(const AttentionParams& p, const Partial& partial, float scale, const Facts& gpu,
                   void* stream) {
  using Pages = WarpRows<T, E, kD>;
  const auto lines = static_cast<uint64_t>(p.batch.pages * 2 * p.G * kTileRows / Pages::kFold);
  constexpr uint64_t kLineBytes = kD * sizeof(E) * Pages::kFold;
  const TensorMap map = make_tensor_map({p.pages,
                                         sizeof(E),
                                         3,
                                         {Pages::kColumns, lines, Pages::kSides},
                                         {kLineBytes, 128},
                                         {Pages::kColumns, kWarpRows / Pages::kFold, Pages::kSides},
                                         Swizzle::bytes_128});
  // As many blocks are launched as there is room for, all at once. Where tiles alone are more than that,
  // there are four rounds; the last one is half full on average, an eighth of all.
  const int64_t tiles = p.G * tiles_of(p, kRows);
  const int64_t places = int64_t{kBlocks} * gpu.sms;
  const int64_t parts = tiles * p.batch.B;
  const dim3 grid(
      static_cast<unsigned>(split_blocks(parts, splits_seen(p), places, parts <= places ? 1 : 4)),
      static_cast<unsigned>(tiles), static_cast<unsigned>(p.batch.B));
  launch<attention_decode_sm90_kernel<T, E, kD>>(
      {grid, dim3(kSplitThreads), Pages::kBytes + FewAttention<T, E, kD>::Sums::kBytes, stream,
       true},
      p, partial, scale, map);
}

template <class T, int kD>
void for_pages(const AttentionParams& p, const Partial& partial, float scale, const Facts& gpu,
               void* stream) {
  p.pages_type == Type::i8 ? launch_decode<T, int8_t, kD>(p, partial, scale, gpu, stream)
                           : launch_decode<T, T, kD>(p, partial, scale, gpu, stream);
}

template <class T>
void for_heads(const AttentionParams& p, const Partial& partial, float scale, const Facts& gpu,
               void* stream) {
  p.D == 64 ? for_pages<T, 64>(p, partial, scale, gpu, stream)
            : for_pages<T, 128>(p, partial, scale, gpu, stream);
}

}  // namespace

void attention_decode_sm90(const AttentionParams& p, const Partial& partial, float scale,
                           const Facts& gpu, void* stream) {
  p.qkv_type == Type::bf16 ? for_heads<bf16>(p, partial, scale, gpu, stream)
                           : for_heads<f16>(p, partial, scale, gpu, stream);
}

}  // namespace bc::cuda
