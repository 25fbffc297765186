// attention_norms: keys[b,g,page] = max_j |k_j|^2 over the positions of a page that a sequence has,
// queries[h,c] = max_t |q_t|^2 over 128 tokens of the batch. From them attention_prefill_sm90.cu knows
// how far back ALiBi lets a tile of queries see.
//
// Shapes  as of attention.cu, with heads of 128 numbers; keys [B,G,P] f32, queries [H,T/128] f32.
//         Nothing is written for sequences of up to 8 tokens, for pages past the last position and for
//         those before the window of a sequence's first query.
//
// Method  One warp finds the longest key of a page and key-value head, or the longest of 128 queries of
//         a head, reading 16 bytes a lane. About four blocks on each SM share all pages and chunks that
//         the table and the batch may have: most tables are longer than their sequences. A length that
//         is not a number counts as infinite. Products of int8 are summed as integers.
//
// Bound   Memory: the keys and queries once. 16384 positions, 40 heads, bf16: 336 MB, 0.1 ms where the
//         attention takes 5 ms.
//
// Limits  attention_norms_kernel: 64 registers, 256 threads, 0 bytes of shared memory
//
// Twin    none: no result depends on it
#include "cuda/attention/attention_tile.cuh"

namespace bc::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 4;  // on each SM, about

// The sum of the squares of the numbers in 16 bytes.
template <class E>
__device__ __forceinline__ float square(const Vec<uint32_t, 4>& chunk) {
  if constexpr (sizeof(E) == 1) {
    int32_t sum = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) sum = ptx::dp4a(chunk[i], chunk[i], sum);
    return static_cast<float>(sum);
  } else {
    const Vec<float, 8> x = widen(same_bits<Vec<E, 8>>(chunk));
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) sum = fmaf(x[i], x[i], sum);
    return sum;
  }
}

// The largest square of a length among `rows` rows; every lane gets it.
template <class E>
__device__ __forceinline__ float largest(const E* from, int64_t ld, const float* scales, int rows) {
  constexpr int kLanes = AttentionNorms::kHeadSize * static_cast<int>(sizeof(E)) / 16;  // for a row
  constexpr int kTogether = kWarp / kLanes;
  const int lane = static_cast<int>(ptx::lane_id());
  float max = 0.0f;
#pragma unroll 4
  for (int base = 0; base < rows; base += kTogether) {
    const int row = base + lane / kLanes;
    float sum = 0.0f;
    if (row < rows) {
      sum = square<E>(same_bits<Vec<uint32_t, 4>>(load_once<16 / static_cast<int>(sizeof(E))>(
          from + row * ld + lane % kLanes * (16 / static_cast<int>(sizeof(E))))));
    }
    sum = group_sum<kLanes>(sum);
    if (sizeof(E) == 1 && row < rows) {
      const float scale = load(scales + row);
      sum *= scale * scale;
    }
    max = fmaxf(max, sum == sum ? sum : INFINITY);
  }
  return warp_max(max);
}

template <class T, class E>
__global__ void __launch_bounds__(kThreads, kBlocks)
    attention_norms_kernel(AttentionParams p, AttentionNorms norms, int window) {
  const Ragged& r = p.batch;
  // First the pages of each key-value head, then the chunks of each query head.
  const int64_t pages = r.B * r.P;
  const int64_t of_keys = pages * p.G;
  const int64_t chunks = AttentionNorms::chunks(r.T);
  const int64_t units = of_keys + chunks * p.H;
  const int64_t warps = int64_t{gridDim.x} * (kThreads / kWarp);
  for (int64_t unit = int64_t{blockIdx.x} * (kThreads / kWarp) + threadIdx.x / kWarp; unit < units;
       unit += warps) {
    float* to;
    float max;
    if (unit < of_keys) {
      const int64_t g = unit / pages;
      const int64_t slot = unit % pages;
      const int64_t b = slot / r.P;
      const int64_t page = slot % r.P;
      const int begin = load(r.offsets + b);
      const int end = load(r.offsets + b + 1);
      if (end - begin <= kFewQueries) continue;
      const int64_t rows = load(r.positions + end - 1) + 1 - page * kPageSize;
      if (rows <= 0) continue;
      if (page < first_seen(load(r.positions + begin), window) / kPageSize) continue;
      const int64_t at = (load(r.table + slot) * 2 * p.G + g) * kPageSize;
      max = largest(static_cast<const E*>(p.pages) + at * AttentionNorms::kHeadSize,
                    AttentionNorms::kHeadSize, p.scales + at,
                    static_cast<int>(rows < kPageSize ? rows : kPageSize));
      to = norms.keys + (b * p.G + g) * r.P + page;
    } else {
      const int64_t h = (unit - of_keys) / chunks;
      const int64_t chunk = (unit - of_keys) % chunks;
      const int64_t token = chunk * AttentionNorms::kTokens;
      const int64_t left = r.T - token;
      max = largest(
          static_cast<const T*>(p.qkv) + token * p.ld + h * AttentionNorms::kHeadSize, p.ld,
          nullptr,
          static_cast<int>(left < AttentionNorms::kTokens ? left : AttentionNorms::kTokens));
      to = norms.queries + h * chunks + chunk;
    }
    if (ptx::lane_id() == 0) store(to, max);
  }
}

template <class T, class E>
void launch_norms(const AttentionParams& p, const AttentionNorms& norms, const Facts& gpu,
                  void* stream) {
  const auto blocks = static_cast<unsigned>(gpu.sms * kBlocks);
  launch<attention_norms_kernel<T, E>>({dim3(blocks), dim3(kThreads), 0, stream}, p, norms,
                                       window_of(p));
}

template <class T>
void for_pages(const AttentionParams& p, const AttentionNorms& norms, const Facts& gpu,
               void* stream) {
  p.pages_type == Type::i8 ? launch_norms<T, int8_t>(p, norms, gpu, stream)
                           : launch_norms<T, T>(p, norms, gpu, stream);
}

}  // namespace

int64_t attention_norms_bytes(const AttentionParams& p) {
  return (p.batch.B * p.batch.P * p.G + AttentionNorms::chunks(p.batch.T) * p.H) *
         static_cast<int64_t>(sizeof(float));
}

AttentionNorms attention_norms(const AttentionParams& p, const Facts& gpu, void* stream) {
  AttentionNorms norms;
  norms.keys = static_cast<float*>(p.scratch);
  norms.queries = norms.keys + p.batch.B * p.batch.P * p.G;
  p.qkv_type == Type::bf16 ? for_pages<bf16>(p, norms, gpu, stream)
                           : for_pages<f16>(p, norms, gpu, stream);
  return norms;
}

}  // namespace bc::cuda
