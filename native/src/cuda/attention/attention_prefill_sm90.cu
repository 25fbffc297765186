// attention, sequences of more than 8 tokens, on Hopper:
// out = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached positions j from 0 to i
// of a query at i, or with a window from i - window + 1 to i. docs/attention-hopper.md derives every
// choice below and the Bound.
//
// Shapes  qkv [T,(H+2G)D], of which the queries [T,H D] are read; pages [pages,2,G,64,D] of the same
//         type, or i8 with scales [pages,2,G,64]; slopes [H] or none; out [T,H D]. D is 64 or 128.
//
// Method  A persistent block runs on each SM. One warpgroup brings tiles (attention_pages_sm90.cuh),
//         and two multiply, each for 64 of 128 queries of one sequence and head, which meet 128 keys
//         at a time. Two blocks make a cluster, and each brings one of two pages to both. The block of
//         keys on the diagonal comes first, then the others downwards; blocks that the window hides, or
//         that ALiBi is certain to let vanish, are not read. Products of one block and the softmax of
//         the next overlap. A result depends, bit for bit, on the query's own sequence and position
//         alone.
//
// Bound   Compute: 4D flops a query, key and query head, for whole blocks of 128 x 128: 2048 clocks of
//         an SM's tensor cores for one, with D = 128. T=4096 and more: 600 to 700 of 949 TFLOP/s are
//         expected; of int8 pages, which issue slots and shared memory bound too, 450 to 550.
//
// Limits  attention_prefill_sm90_kernel: 168 registers, 384 threads, 231616 bytes of shared memory, on sm_90
//
// Twin    attention_prefill.cu
// Source  Shah et al. 2024, arXiv:2407.08608; Press et al. 2021, arXiv:2108.12409 (ALiBi)
#include "cuda/attention/attention_pages_sm90.cuh"
#include "cuda/reduce.cuh"

namespace bc::cuda::prefill_sm90 {

// A warpgroup that computes 64 queries of a tile. Thread and register say which elements it holds
// (ptx/sm90.cuh): a thread has two rows, 8 apart, and two of every 8 columns.
template <class T, class E, int kD>
class Consumer {
  using R = Room<E, kD>;
  using Place = typename R::Place;

 public:
  __device__ __forceinline__ Consumer(const AttentionParams& p, float scale, int window)
      : p_(p),
        scale_(scale),
        window_(window),
        lane_(static_cast<int>(ptx::lane_id())),
        group_(static_cast<int>(threadIdx.x) / kWarpgroup - 1),
        warp_row_(group_ * kGroupRows + static_cast<int>(threadIdx.x) / kWarp % 4 * 16),
        column_(lane_ % 4 * 2) {}

  __device__ __forceinline__ void run() {
    if (group_ == 1) pass_turn();
    for (int i = 0;; ++i) {
      const int buffer = i % kBuffers;
      wait_phase(R::queries_full(buffer), i / kBuffers % 2);
      const Work work = load<1>(R::work(buffer))[0];
      if (work.level < 0) break;
      if (work.begin < (group_ + 1) * kGroupRows && work.end > group_ * kGroupRows) {
        attend(work, R::template queries<T>(buffer));
      } else {
        pass_over(work);
      }
      ptx::fence_proxy_async();
      __syncwarp();
      if (lane_ == 0) ptx::mbarrier_arrive(R::queries_empty(buffer));
    }
    if (group_ == 0) take_turn();
  }

 private:
  static constexpr int kGroupRows = kRows / kGroups;
  static constexpr int kScores = kRows / 2;  // scores that a thread holds
  static constexpr int kOut = kD / 2;

  __device__ __forceinline__ void attend(const Work& work, Shared<T> queries) {
    const bool below =
        work.level < work.top;  // the first of the blocks that come is not for this tile
    if (below) release(take());
    // The diagonal block comes first.
    const Place first_keys = take();
    score(queries, first_keys);
    ptx::wgmma_wait_group<0>();
    ptx::pin_registers(scores_);
    scale_columns(first_keys);
    release(first_keys);
    if (below) release(take());
    softmax_[0] = {};
    softmax_[1] = {};
    float factor[2];
    weigh<true>(work, work.level, factor);
    scale_columns(next_values(work.level > work.lowest));
    narrow_weights();

    for (int level = work.level - 1; level >= work.last; --level) {
      const Place keys = take();
      take_turn();
      score(queries, keys);
      const Place values = take();
      add(values, level < work.level - 1);
      pass_turn();
      ptx::wgmma_wait_group<1>();
      ptx::pin_registers(scores_);
      scale_columns(keys);
      release(keys);
      weigh<false>(work, level, factor);
      ptx::wgmma_wait_group<0>();
      ptx::pin_registers(out_);
      release(values);
      // Most of the time the maximum stays, and a factor of 1 changes nothing.
      if (!ptx::vote_all(factor[0] == 1.0f && factor[1] == 1.0f)) {
#pragma unroll
        for (int i = 0; i < kOut; ++i) out_[i] *= factor[i / 2 % 2];
      }
      scale_columns(next_values(level > work.lowest));
      narrow_weights();
    }
    // The lowest block may be for the other tile of the cluster alone, outside of this tile's window.
    const bool above = work.last > work.lowest;
    if (above) release(take());
    const Place values = take();
    add(values, work.level > work.last);
    ptx::wgmma_wait_group<0>();
    ptx::pin_registers(out_);
    release(values);
    if (above) release(take());
    write(work, queries);
  }

  // Lets a tile pass in which this warpgroup has no queries.
  __device__ __forceinline__ void pass_over(const Work& work) {
    const int first = work.level < work.top ? work.level : work.top;
    for (int piece = 0; piece < 2 * (work.top - first) + 1; ++piece) release(take());
    for (int level = first - 1; level >= work.last; --level) {
      take_turn();
      pass_turn();
      release(take());
      release(take());
    }
    for (int piece = 0; piece < 2 * (work.last - work.lowest) + 1; ++piece) release(take());
  }

  // Waits for the next tile of the ring.
  __device__ __forceinline__ Place take() {
    const Place at = place_;
    wait_phase(R::full(at.stage), at.parity);
    place_.next();
    return at;
  }
  __device__ __forceinline__ void release(Place at) {
    if constexpr (R::kWiden) __syncwarp();  // all lanes have read the scales
    if constexpr (R::kCluster == 1) {
      if (lane_ == 0) ptx::mbarrier_arrive(R::empty(at.stage));
    } else {
      if (lane_ < R::kCluster)
        ptx::mbarrier_arrive_cluster(R::empty(at.stage), static_cast<uint32_t>(lane_));
    }
  }

  // The place of the values of the block at hand: after the keys of the next block, if there is one.
  __device__ __forceinline__ Place next_values(bool after_keys) const {
    Place at = place_;
    if (after_keys) at.next();
    return at;
  }

  // For int8 pages: scores[.][n] *= scales[n], with the scales of keys before the softmax and those of
  // values after it.
  __device__ __forceinline__ void scale_columns(Place tile) {
    if constexpr (R::kWiden) {
      wait_phase(R::full(tile.stage), tile.parity);
#pragma unroll
      for (int n = 0; n < kRows / 8; ++n) {
        const Vec<float, 2> s = load<2>(R::scales(tile.stage) + 8 * n + column_);
#pragma unroll
        for (int i = 0; i < 4; ++i) scores_[4 * n + i] *= s[i % 2];
      }
    }
  }

  // Warpgroups take turns in handing products to the tensor cores.
  __device__ __forceinline__ void take_turn() { ptx::bar_sync(1 + group_, kGroups * kWarpgroup); }
  __device__ __forceinline__ void pass_turn() { ptx::bar_arrive(2 - group_, kGroups * kWarpgroup); }

  // Descriptors count in units of 16 bytes.
  static __device__ __forceinline__ uint64_t units(int elements) {
    return static_cast<uint64_t>(elements) * 2 / 16;
  }

  // scores = q k^T
  __device__ __forceinline__ void score(Shared<T> queries, Place keys) {
    const uint64_t a = k_major(queries + group_ * kGroupRows * kTileColumns);
    const uint64_t b = k_major(R::template slot<T>(keys.stage));
    ptx::wgmma_fence();
#pragma unroll
    for (int k = 0; k < kD / 16; ++k) {
      const uint64_t at = units(k / 4 * R::kSide + k % 4 * 16);
      ptx::wgmma_ss<T, kRows, 0, 0>(scores_, a + at, b + at, k > 0);
    }
    ptx::wgmma_commit_group();
  }

  // out += weights v
  __device__ __forceinline__ void add(Place values, bool more) {
    const uint64_t b = mn_major(R::template slot<T>(values.stage), R::kSide * 2);
    ptx::wgmma_fence();
#pragma unroll
    for (int k = 0; k < kRows / 16; ++k) {
      ptx::wgmma_rs<T, kD, 1>(out_, weights_[k], b + units(k * 16 * kTileColumns), more || k > 0);
    }
    ptx::wgmma_commit_group();
  }

  // Turns scores into weights 2^(score - maximum so far). factor multiplies what was summed before.
  template <bool kDiagonal>
  __device__ __forceinline__ void weigh(const Work& work, int level, float (&factor)[2]) {
    if (work.slope != 0.0f) {
#pragma unroll
      for (int i = 0; i < kScores; ++i)
        scores_[i] = fmaf(work.product_slope, static_cast<float>(i / 4 * 8 + i % 2), scores_[i]);
    }
    // Below this level the window ends inside of blocks.
    if (level <= work.level - window_ / kRows) hide(work, level);
    float max[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int i = 0; i < kScores; ++i) {
      const int half = i / 2 % 2;
      if (kDiagonal && i / 4 * 8 + i % 2 + column_ > row(half)) scores_[i] = -INFINITY;
      max[half] = fmaxf(max[half], scores_[i]);
    }
    float offset[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int distance = (level - work.level) * kRows + column_ - row(half);
      offset[half] = work.slope * static_cast<float>(distance);
      factor[half] = softmax_[half].raise(group_max<4>(fmaf(max[half], scale_, offset[half])));
      offset[half] -= softmax_[half].max;
    }
    float sum[2][2] = {};
#pragma unroll
    for (int i = 0; i < kScores; ++i) {
      const int half = i / 2 % 2;
      scores_[i] = ptx::ex2(fmaf(scores_[i], scale_, offset[half]));
      sum[half][i % 2] += scores_[i];
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) softmax_[half].sum += sum[half][0] + sum[half][1];
  }

  // Scores of keys in front of the window become -inf. All scores of a row may become so: its maximum is
  // known from its own key, which came first.
  __device__ __forceinline__ void hide(const Work& work, int level) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int before = (work.level - level) * kRows + row(half) - window_ - column_;
#pragma unroll
      for (int i = 2 * half; i < kScores; i += 4) {
        if (i / 4 * 8 <= before) scores_[i] = -INFINITY;
        if (i / 4 * 8 + 1 <= before) scores_[i + 1] = -INFINITY;
      }
    }
  }

  __device__ __forceinline__ void narrow_weights() {
#pragma unroll
    for (int i = 0; i < kScores / 2; ++i)
      weights_[i / 4][i % 4] = narrow_pair<T>(scores_[2 * i], scores_[2 * i + 1]);
  }

  // The output leaves through this warp's rows of the queries, so that whole sectors are stored.
  __device__ __forceinline__ void write(const Work& work, Shared<T> queries) {
    const Shared<T> rows = queries + warp_row_ * kTileColumns;
    ptx::bar_sync(3 + group_, kWarpgroup);  // a warp has waited for its own share of q k^T alone
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float inverse = 1.0f / group_sum<4>(softmax_[half].sum);
#pragma unroll
      for (int n = 0; n < kD / 8; ++n) {
        const int at = n / 8 * R::kSide + swizzled_128(lane_ / 4 + 8 * half, n % 8 * 8 + column_);
        const Vec<float, 2> pair = {{fmaf(out_[4 * n + 2 * half], inverse, 0.0f),
                                     fmaf(out_[4 * n + 2 * half + 1], inverse, 0.0f)}};
        store(rows + at, narrow<T>(pair));
      }
    }
    __syncwarp();
    constexpr int kChunk = 8;
    constexpr int kChunks = kD / kChunk;
    T* out =
        static_cast<T*>(p_.out) + (int64_t{work.token} + warp_row_) * p_.out_ld + work.head * kD;
#pragma unroll
    for (int i = 0; i < 16 * kChunks / kWarp; ++i) {
      const int r = (i * kWarp + lane_) / kChunks;
      const int col = lane_ % kChunks * kChunk;
      if (warp_row_ + r >= work.begin && warp_row_ + r < work.end) {
        store(out + r * p_.out_ld + col,
              load<kChunk>(rows +
                           (col / kTileColumns * R::kSide + swizzled_128(r, col % kTileColumns))));
      }
    }
  }

  // The row of this thread in the tile.
  __device__ __forceinline__ int row(int half) const { return warp_row_ + lane_ / 4 + 8 * half; }

  const AttentionParams& p_;
  const float scale_;
  const int window_;
  const int lane_, group_;
  const int warp_row_;  // the warp's first row of the tile
  const int column_;    // the thread's first of every 8 columns
  Place place_;
  float scores_[kScores];
  uint32_t weights_[kRows / 16][4];
  float out_[kOut];
  OnlineSoftmax softmax_[2];
};

}  // namespace bc::cuda::prefill_sm90

namespace bc::cuda {
namespace {

using namespace prefill_sm90;

template <class T, class E, int kD>
__global__ void __launch_bounds__(kThreads, 1)
    attention_prefill_sm90_kernel(const __grid_constant__ AttentionParams p, float scale,
                                  int window, const __grid_constant__ TensorMap queries,
                                  const __grid_constant__ TensorMap pages,
                                  const __grid_constant__ AttentionNorms norms) {
#if !defined(__CUDACC__) || defined(BC_SM90A)
  using R = Room<E, kD>;
  if (threadIdx.x == 0) R::init_barriers();
  R::meet();
  if (threadIdx.x < kWarpgroup) {
    ptx::setmaxnreg_dec<R::kProducerRegisters>();
    Producer<T, E, kD>(p, scale, window, &queries, &pages, norms).run();
  } else {
    ptx::setmaxnreg_inc<R::kConsumerRegisters>();
    Consumer<T, E, kD>(p, scale, window).run();
  }
  R::meet();  // no block ends while the other may still reach its shared memory
#else
  __trap();
#endif
}

template <class T, class E, int kD>
void launch_prefill(const AttentionParams& p, const Facts& gpu, void* stream) {
  using R = Room<E, kD>;
  const TensorMap queries = map_of_rows(p.qkv, p.batch.T, p.H * kD, p.ld, kRows);
  const TensorMap pages = R::kWiden ? TensorMap{}
                                    : map_of_rows(p.pages, p.batch.pages * 2 * p.G * kPageSize, kD,
                                                  kD, static_cast<int>(kPageSize));
  // The host knows sizes only. For much shorter texts, finding the lengths would cost what it saves.
  constexpr int64_t kFar = 4096;
  const bool far = kD == AttentionNorms::kHeadSize && p.slopes != nullptr && p.batch.T >= 2048 &&
                   p.batch.P * kPageSize >= kFar && (p.window == 0 || p.window >= kFar);
  const AttentionNorms norms = far ? attention_norms(p, gpu, stream) : AttentionNorms{};
  const float scale = kLog2E / sqrtf(static_cast<float>(kD));
  constexpr int kCluster = R::kCluster;
  const int clusters = gpu.sms < kCluster ? 1 : gpu.sms / kCluster;
  Launch how = {dim3(static_cast<unsigned>(clusters * kCluster)), dim3(kThreads), R::kBytes,
                stream};
  how.cluster = kCluster;
  launch<attention_prefill_sm90_kernel<T, E, kD>>(how, p, scale, window_of(p), queries, pages,
                                                  norms);
}

template <class T, int kD>
void for_pages(const AttentionParams& p, const Facts& gpu, void* stream) {
  p.pages_type == Type::i8 ? launch_prefill<T, int8_t, kD>(p, gpu, stream)
                           : launch_prefill<T, T, kD>(p, gpu, stream);
}

template <class T>
void for_heads(const AttentionParams& p, const Facts& gpu, void* stream) {
  p.D == 64 ? for_pages<T, 64>(p, gpu, stream) : for_pages<T, 128>(p, gpu, stream);
}

}  // namespace

void attention_prefill_sm90(const AttentionParams& p, const Facts& gpu, void* stream) {
  p.qkv_type == Type::bf16 ? for_heads<bf16>(p, gpu, stream) : for_heads<f16>(p, gpu, stream);
}

}  // namespace bc::cuda
