// The instruction-set variants of what training consists of, as in vector_kernels.h.
#pragma once

#include "cpu/isa.h"
#include "cpu/tile_products.h"
#include "train.h"

namespace bc::cpu {

constexpr int64_t kMostRows = 512;  // of dx in a task of matmul_backward_input

struct TrainKernels {
  // MatmulBackward. Those of pairs are null where the processor does not multiply pairs.
  int64_t input_room;
  void (*input)(const MatmulBackwardInputParams& p, const float* dy, int64_t ld, int64_t m0,
                int64_t m1, int64_t n0, int64_t n1, int64_t k0, bool add, void* room);
  void (*input_pairs)(const MatmulBackwardInputParams& p, const Pair* dy, int64_t ld, int64_t m0,
                      int64_t m1, int64_t n0, int64_t n1, int64_t k0, bool add, void* room);
  void (*round_pairs)(const float* dy, int64_t count, Pair* out);
  void (*pack)(const float* x, int64_t ld, int64_t columns, int64_t m0, int64_t m1, int64_t tile,
               float* out);
  void (*pack_pairs)(const float* x, int64_t ld, int64_t columns, int64_t m0, int64_t m1,
                     int64_t tile, Pair* out);
  void (*weight)(const MatmulBackwardWeightParams& p, const float* dy, TileRows<float> x,
                 int64_t count, int64_t n0, int64_t k0);
  void (*weight_pairs)(const MatmulBackwardWeightParams& p, const Pair* dy, TileRows<Pair> x,
                       int64_t count, int64_t n0, int64_t k0);
  // A sample's key-value head; room: AttentionRoom.
  void (*attention)(const AttentionBackwardParams& p, int64_t sample, int64_t group, float* room);
  // Rows [begin, end), and columns [begin, end) of dweight; factors [T].
  void (*rms_norm_rows)(const RmsNormBackwardParams& p, int64_t begin, int64_t end, float* factors);
  void (*rms_norm_weight)(const RmsNormBackwardParams& p, int64_t begin, int64_t end,
                          const float* factors);
  // Columns [begin, end) of a token.
  void (*swiglu)(const SwigluBackwardParams& p, int64_t token, int64_t begin, int64_t end);
  void (*rope)(const RopeBackwardParams& p, const float* cosine, const float* sine, int64_t token,
               float* norms);
  // A row: exp(x - most) and their sum; then times a factor, less the scale at the target.
  float (*weigh_logits)(const CrossEntropyParams& p, int64_t t, float* most);
  void (*finish_logits)(const CrossEntropyParams& p, int64_t t, float factor);
  // Rows [begin, end).
  void (*row_norms)(const RowNormsBackwardParams& p, int64_t begin, int64_t end);
  // A block.
  void (*adamw)(const AdamwParams& p, int64_t begin, int64_t end);
};

extern const TrainKernels scalar_train_kernels;
#if defined(__x86_64__)
extern const TrainKernels avx2_train_kernels;
extern const TrainKernels avx512_train_kernels;
extern const TrainKernels avx512_bf16_train_kernels;
#endif

// The kernels of an instruction set that this processor has; without an argument those of isa().
const TrainKernels& train_kernels(Isa isa);
const TrainKernels& train_kernels();

}  // namespace bc::cpu
