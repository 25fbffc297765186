// rms_norm_backward, swiglu_backward, rope_backward, cross_entropy, embed_backward, row_norms_backward,
// sum_of_squares and adamw: ops that read rows or numbers one after the other. Their kernels are in the files of
// their names; this is how threads share them. No sum depends on the number of threads.
#include <algorithm>
#include <cmath>

#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"

namespace bc::cpu {
namespace {

constexpr int64_t kColumns = 2048;     // of a row that a task takes: about a microsecond
constexpr int64_t kWeights = 64;       // columns of a norm's weight that a task sums for all tokens
constexpr int64_t kNumbers = 1 << 15;  // of which the squares are summed by a task
constexpr int64_t kNormTokens = 64;    // whose gradients of head norms are summed by a task
constexpr int64_t kStateBlocks = 64;   // of adamw that a task takes

}  // namespace

void rms_norm_backward(const RmsNormBackwardParams& p, TrainScratch& scratch, ThreadPool& pool,
                       const TrainKernels& kernels) {
  float* const factors = scratch.operand.take<float>(p.T);
  pool.parallel_for(p.T, 4, [&](int64_t begin, int64_t end, int) {
    kernels.rms_norm_rows(p, begin, end, factors);
  });
  if (p.dweight == nullptr) return;
  pool.parallel_for(p.C, kWeights, [&](int64_t begin, int64_t end, int) {
    kernels.rms_norm_weight(p, begin, end, factors);
  });
}

void swiglu_backward(const SwigluBackwardParams& p, ThreadPool& pool, const TrainKernels& kernels) {
  const int64_t pieces = (p.F + kColumns - 1) / kColumns;
  pool.parallel_for(p.T * pieces, 1, [&](int64_t task, int64_t, int) {
    const int64_t begin = task % pieces * kColumns;
    kernels.swiglu(p, task / pieces, begin, std::min(begin + kColumns, p.F));
  });
}

void rope_backward(const RopeBackwardParams& p, RopeAngles& angles, TrainScratch& scratch,
                   ThreadPool& pool, const TrainKernels& kernels) {
  const RopeParams& of = p.forward;
  prepare_angles(angles, of);
  const bool sums = p.dq_norm != nullptr;
  const int64_t tasks = (of.T + kNormTokens - 1) / kNormTokens;
  float* const norms = scratch.operand.take<float>(sums ? tasks * 2 * of.D : 0);
  std::fill(norms, norms + (sums ? tasks * 2 * of.D : 0), 0.0f);
  pool.parallel_for(tasks, 1, [&](int64_t task, int64_t, int) {
    for (int64_t t = task * kNormTokens; t < std::min((task + 1) * kNormTokens, of.T); ++t) {
      const float* const cosine = angles_of(angles, of, t);
      kernels.rope(p, cosine, cosine + of.D / 2, t, sums ? norms + task * 2 * of.D : nullptr);
    }
  });
  for (int64_t task = 0; sums && task < tasks; ++task) {
    for (int64_t d = 0; d < of.D; ++d) {
      p.dq_norm[d] += norms[task * 2 * of.D + d];
      p.dk_norm[d] += norms[(task * 2 + 1) * of.D + d];
    }
  }
}

void cross_entropy(const CrossEntropyParams& p, ThreadPool& pool, const TrainKernels& kernels) {
  pool.parallel_for(p.T, 1, [&](int64_t t, int64_t, int) {
    float* const x = p.x + t * p.x_ld;
    const int32_t target = p.targets[t];
    if (target < 0) {
      std::fill(x, x + p.V, 0.0f);
      p.loss[t] = 0.0f;
      return;
    }
    const double right = static_cast<double>(x[target]);
    float most;
    const float sum = kernels.weigh_logits(p, t, &most);
    const double loss = std::log(static_cast<double>(sum)) + (static_cast<double>(most) - right);
    p.loss[t] = static_cast<float>(loss);
    kernels.finish_logits(p, t, p.scales[t] / sum);
  });
}

void embed_backward(const EmbedBackwardParams& p, ThreadPool& pool) {
  pool.parallel_for(p.C, kWeights, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = 0; t < p.T; ++t) {
      float* const row = p.dtable + p.ids[t] * p.dtable_ld;
      const float* const dx = p.dx + t * p.dx_ld;
      for (int64_t c = begin; c < end; ++c) row[c] += dx[c];
    }
  });
}

void row_norms_backward(const RowNormsBackwardParams& p, ThreadPool& pool,
                        const TrainKernels& kernels) {
  pool.parallel_for(p.N, 16,
                    [&](int64_t begin, int64_t end, int) { kernels.row_norms(p, begin, end); });
}

void zero(const ZeroParams& p, ThreadPool& pool) {
  pool.parallel_for(p.n, kNumbers, [&](int64_t begin, int64_t end, int) {
    std::fill(p.x + begin, p.x + end, 0.0f);
  });
}

void sum_of_squares(const SumOfSquaresParams& p, ThreadPool& pool) {
  std::vector<double> sums(static_cast<size_t>((p.n + kNumbers - 1) / kNumbers));
  pool.parallel_for(p.n, kNumbers, [&](int64_t begin, int64_t end, int) {
    double chains[8] = {};
    for (int64_t i = begin; i < end; ++i) {
      const auto x = static_cast<double>(p.x[i]);
      chains[i % 8] += x * x;
    }
    double& sum = sums[static_cast<size_t>(begin / kNumbers)];
    for (const double chain : chains) sum += chain;
  });
  *p.sum = 0.0;
  for (const double sum : sums) *p.sum += sum;
}

void adamw(const AdamwParams& p, ThreadPool& pool, const TrainKernels& kernels) {
  pool.parallel_for(p.n, kStateBlocks * kStateBlock, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; i += kStateBlock)
      kernels.adamw(p, i, std::min(i + kStateBlock, end));
  });
}

}  // namespace bc::cpu
