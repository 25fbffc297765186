// matmul_backward_input, matmul_backward_weight: dx (+)= (dy * row_scale) w and dw += dy^T x.
//
// Shapes  dx, x [M,K]; dy [M,N]; w, dw [N,K]; row_scale [N] or none.
// Method  Products of tiles (tile_products.h), lanes along K. In f32; or where the processor has dot products
//         of bf16 pairs and f32 is not asked for, both operands are rounded to bf16 and summed in f32.
//           dx  A task is 64 columns of up to 512 rows, whose sums stay in the second-level cache while tiles
//               of w, 32 KB, come by, decoded once for all of these rows. As pairs dy is rounded 4096 columns
//               at a time.
//           dw  1024 tokens at a time: x is packed once for all tasks, dy by the task, which is a tile of 64
//               rows of dw by a share of the columns. A few rows of dw, as of LoRA, read x where it lies.
//         The order of an output's additions depends on N or M alone, not on threads or tasks.
// Bound   Compute: M N K products. dx reads w once for 512 rows, dw is read and written once for 1024.
#include <algorithm>

#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kColumns = 4096;  // of dy that are rounded at once
constexpr int64_t kTokens = 1024;   // that dw gains at once
constexpr int64_t kTasks = 4;     // for each thread, so that threads of unequal speed end together
constexpr int64_t kFewRows = 64;  // of dw: x is read once and need not be packed

int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Into how many parts something is cut, so that `tasks` of it are enough for all threads.
int64_t parts_of(int64_t most, int64_t tasks, const ThreadPool& pool) {
  const int64_t wanted = pool.threads() == 1 ? 1 : pool.threads() * kTasks;
  return std::clamp<int64_t>((wanted + tasks - 1) / tasks, 1, most);
}

}  // namespace

void matmul_backward_input(const MatmulBackwardInputParams& p, TrainScratch& scratch,
                           ThreadPool& pool, const TrainKernels& kernels) {
  const bool pairs = kernels.input_pairs != nullptr && !p.exact && p.w_type != Type::f32;
  const int64_t tiles = (p.K + kTile - 1) / kTile;
  const int64_t least = (p.M + kMostRows - 1) / kMostRows;
  // A block of fewer than 64 rows would decode w for too few of them.
  const int64_t blocks = parts_of(std::max(least, p.M / 64), tiles * least, pool) * least;
  const int64_t rows = up((p.M + blocks - 1) / blocks, 8);
  const int64_t room = up(kernels.input_room, 64);
  const int64_t width = up(std::min(p.N, kColumns), 2) / 2;
  Pair* const rounded = scratch.operand.take<Pair>(pairs ? p.M * width : 0);
  uint8_t* const rooms = scratch.rooms.take<uint8_t>(pool.threads() * room);
  const int64_t step = pairs ? kColumns : p.N;
  for (int64_t n0 = 0; n0 < p.N; n0 += step) {
    const int64_t n1 = std::min(n0 + step, p.N);
    if (pairs) {
      pool.parallel_for(p.M, 4, [&](int64_t begin, int64_t end, int) {
        for (int64_t m = begin; m < end; ++m)
          kernels.round_pairs(p.dy + m * p.dy_ld + n0, n1 - n0, rounded + m * width);
      });
    }
    const bool add = p.accumulate || n0 > 0;
    pool.parallel_for(tiles * blocks, 1, [&](int64_t task, int64_t, int worker) {
      const int64_t k0 = task / blocks * kTile;
      const int64_t m0 = task % blocks * rows;
      const int64_t m1 = std::min(m0 + rows, p.M);
      if (m0 >= m1) return;
      void* const own = rooms + worker * room;
      if (pairs) {
        kernels.input_pairs(p, rounded, width, m0, m1, n0, n1, k0, add, own);
      } else {
        kernels.input(p, p.dy, p.dy_ld, m0, m1, n0, n1, k0, add, own);
      }
    });
  }
}

namespace {

template <class E>
struct WeightKernels {
  void (*pack)(const float* x, int64_t ld, int64_t columns, int64_t m0, int64_t m1, int64_t tile,
               E* out);
  void (*run)(const MatmulBackwardWeightParams& p, const E* dy, TileRows<E> x, int64_t count,
              int64_t n0, int64_t k0);
};

template <class E>
void backward_weight(const MatmulBackwardWeightParams& p, TrainScratch& scratch, ThreadPool& pool,
                     WeightKernels<E> kernels) {
  constexpr bool pairs = !std::is_same_v<E, float>;
  const int64_t rows = (p.N + kTile - 1) / kTile;
  const int64_t columns = (p.K + kTile - 1) / kTile;
  const int64_t shares = parts_of(columns, rows, pool);
  const int64_t share = (columns + shares - 1) / shares;
  const auto elements = [](int64_t tokens) { return pairs ? (tokens + 1) / 2 : tokens; };
  const int64_t most = elements(std::min(p.M, kTokens));
  const bool packed = pairs || p.N > kFewRows;
  E* const x = scratch.operand.take<E>((packed ? columns : 1) * most * kTile);
  E* const rooms = scratch.rooms.take<E>(pool.threads() * most * kTile);
  for (int64_t m0 = 0; m0 < p.M; m0 += kTokens) {
    const int64_t m1 = std::min(m0 + kTokens, p.M);
    const int64_t count = elements(m1 - m0);
    // The last tile is packed in any case, where it is not whole.
    const int64_t first = packed ? 0 : p.K / kTile;
    pool.parallel_for(columns - first, 1, [&](int64_t i, int64_t, int) {
      E* const to = x + (packed ? (first + i) * count * kTile : 0);
      kernels.pack(p.x, p.x_ld, p.K, m0, m1, first + i, to);
    });
    pool.parallel_for(rows * shares, 1, [&](int64_t task, int64_t, int worker) {
      const int64_t row = task / shares;
      const int64_t begin = task % shares * share;
      const int64_t end = std::min(begin + share, columns);
      if (begin >= end) return;
      E* const dy = rooms + worker * most * kTile;
      kernels.pack(p.dy, p.dy_ld, p.N, m0, m1, row, dy);
      for (int64_t tile = begin; tile < end; ++tile) {
        TileRows<E> of{x + (packed ? tile * count * kTile : 0), kTile};
        if constexpr (!pairs) {
          if (tile < first) of = {p.x + m0 * p.x_ld + tile * kTile, p.x_ld};
        }
        kernels.run(p, dy, of, count, row * kTile, tile * kTile);
      }
    });
  }
}

}  // namespace

void matmul_backward_weight(const MatmulBackwardWeightParams& p, TrainScratch& scratch,
                            ThreadPool& pool, const TrainKernels& kernels) {
  if (kernels.weight_pairs != nullptr && !p.exact && p.N > kFewRows) {
    backward_weight<Pair>(p, scratch, pool, {kernels.pack_pairs, kernels.weight_pairs});
  } else {
    backward_weight<float>(p, scratch, pool, {kernels.pack, kernels.weight});
  }
}

}  // namespace bc::cpu
