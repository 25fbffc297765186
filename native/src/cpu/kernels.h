// The ops on the CPU, as ops.h describes them: activations are f32. No op uses p.scratch; what one needs
// while it runs grows with the largest call, so that a step that was run once allocates nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "ops.h"
#include "thread_pool.h"

namespace bc::cpu {

// Bytes that one op needs while it runs.
using Scratch = std::vector<uint8_t>;

// The angles of the last call's tokens, which hold for the same frequencies and scale, since the layers
// of a step share positions. They are as many as the largest batch has tokens: 4TD bytes, where a table of
// all 196608 positions would take 100 MB.
struct RopeAngles {
  float scale = 0.0f;
  std::vector<double> frequencies;  // [D/2]
  std::vector<int32_t> positions;   // [T]
  std::vector<float> turns;         // [T,2,D/2] cosines, then sines, times scale
};

// Makes room for T tokens; then the cosines [D/2] and sines [D/2] of token t, which one thread may ask for.
void prepare_angles(RopeAngles& angles, const RopeParams& p);
const float* angles_of(RopeAngles& angles, const RopeParams& p, int64_t t);

// Tokens with the same adapter, whose matrices they read once.
struct LoraTile {
  int32_t adapter;
  int32_t first, count;  // where in the order, and how many
};

// What lora needs while it runs.
struct LoraScratch {
  std::vector<int32_t> order;  // tokens that have an adapter of rank 1 or more, by adapter
  std::vector<LoraTile> tiles;
  std::vector<float> products;  // [tokens in the order, the largest rank]: x A^T times the scale
};

// The kernels of isa() (vector_kernels.h). Tests and benchmarks name others.
struct VectorKernels;
const VectorKernels& vector_kernels();

void embed(const EmbedParams& p, ThreadPool& pool, const VectorKernels& kernels = vector_kernels());
void rms_norm(const RmsNormParams& p, ThreadPool& pool,
              const VectorKernels& kernels = vector_kernels());
// For products whose epilogue is none.
void matmul(const MatmulParams& p, Scratch& scratch, ThreadPool& pool);
// For products whose epilogue is swiglu. sums grows to the sums of 64 tokens.
void matmul_swiglu(const MatmulParams& p, std::vector<float>& sums, Scratch& scratch,
                   ThreadPool& pool);
void rope(const RopeParams& p, RopeAngles& angles, ThreadPool& pool,
          const VectorKernels& kernels = vector_kernels());
void kv_append(const KvAppendParams& p, ThreadPool& pool,
               const VectorKernels& kernels = vector_kernels());
void kv_copy(const KvCopyParams& p, ThreadPool& pool);
void attention(const AttentionParams& p, Scratch& scratch, ThreadPool& pool,
               const VectorKernels& kernels = vector_kernels());
void swiglu(const SwigluParams& p, ThreadPool& pool,
            const VectorKernels& kernels = vector_kernels());
void lora(const LoraParams& p, LoraScratch& scratch, ThreadPool& pool,
          const VectorKernels& kernels = vector_kernels());
void top_k(const TopKParams& p, ThreadPool& pool, const VectorKernels& kernels = vector_kernels());
void quantize(const QuantizeParams& p, ThreadPool& pool);
// Fails with BC_INVALID_ARGUMENT at the first number that out does not hold.
void pack_codes(const PackCodesParams& p, ThreadPool& pool);
void dequantize(const DequantizeParams& p, ThreadPool& pool);
void convert(const ConvertParams& p, ThreadPool& pool);
void row_norms(const RowNormsParams& p, ThreadPool& pool);

struct CalibrateKernels;
const CalibrateKernels& calibrate_kernels();

// room grows to the 512 tokens that are worked on at once.
void second_moments(const SecondMomentsParams& p, std::vector<float>& room, ThreadPool& pool,
                    const CalibrateKernels& kernels = calibrate_kernels());
// Fails with BC_INVALID_ARGUMENT where moments that are not finite have no factor.
void moments_factor(const MomentsFactorParams& p, std::vector<float>& room, ThreadPool& pool,
                    const CalibrateKernels& kernels = calibrate_kernels());
// The column at each place of the factor: by the moments' diagonal, the smallest first.
std::vector<int32_t> rounding_order(const float* moments, int64_t ld, int64_t K);
void round_weights(const RoundWeightsParams& p, ThreadPool& pool,
                   const CalibrateKernels& kernels = calibrate_kernels());

// The same seed gives the same numbers whatever the number of threads.
void fill_random(const FillRandomParams& p, ThreadPool& pool);

}  // namespace bc::cpu
