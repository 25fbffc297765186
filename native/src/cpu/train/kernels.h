// The ops of training on the CPU, as train.h describes them.
#pragma once

#include <vector>

#include "cpu/kernels.h"
#include "train.h"

namespace bc::cpu {

// Memory at a multiple of 64 that grows with the largest call and keeps what the last one left.
class Room {
 public:
  template <class T>
  T* take(int64_t count) {
    const size_t needed = static_cast<size_t>(count) * sizeof(T) + kAlignment;
    if (bytes_.size() < needed) bytes_ = std::vector<uint8_t>(needed);
    const auto at = reinterpret_cast<uintptr_t>(bytes_.data());
    return reinterpret_cast<T*>((at + kAlignment - 1) / kAlignment * kAlignment);
  }

 private:
  static constexpr uintptr_t kAlignment = 64;
  std::vector<uint8_t> bytes_;
};

// What ops of training need while they run.
struct TrainScratch {
  Room operand;  // an operand as products of tiles read it
  Room rooms;    // of each thread
};

struct TrainKernels;
const TrainKernels& train_kernels();

void matmul_backward_input(const MatmulBackwardInputParams& p, TrainScratch& scratch,
                           ThreadPool& pool, const TrainKernels& kernels = train_kernels());
void matmul_backward_weight(const MatmulBackwardWeightParams& p, TrainScratch& scratch,
                            ThreadPool& pool, const TrainKernels& kernels = train_kernels());
void rms_norm_backward(const RmsNormBackwardParams& p, TrainScratch& scratch, ThreadPool& pool,
                       const TrainKernels& kernels = train_kernels());
void swiglu_backward(const SwigluBackwardParams& p, ThreadPool& pool,
                     const TrainKernels& kernels = train_kernels());
void rope_backward(const RopeBackwardParams& p, RopeAngles& angles, TrainScratch& scratch,
                   ThreadPool& pool, const TrainKernels& kernels = train_kernels());
void attention_backward(const AttentionBackwardParams& p, TrainScratch& scratch, ThreadPool& pool,
                        const TrainKernels& kernels = train_kernels());
void cross_entropy(const CrossEntropyParams& p, ThreadPool& pool,
                   const TrainKernels& kernels = train_kernels());
void embed_backward(const EmbedBackwardParams& p, ThreadPool& pool);
void row_norms_backward(const RowNormsBackwardParams& p, ThreadPool& pool,
                        const TrainKernels& kernels = train_kernels());
void zero(const ZeroParams& p, ThreadPool& pool);
void sum_of_squares(const SumOfSquaresParams& p, ThreadPool& pool);
void adamw(const AdamwParams& p, ThreadPool& pool, const TrainKernels& kernels = train_kernels());

}  // namespace bc::cpu
