// Vector kernels for avx512_bf16.
#if defined(__x86_64__)

#include "cpu/attention/attention_kernel.h"
#include "cpu/embed_kernel.h"
#include "cpu/kv_append_kernel.h"
#include "cpu/rms_norm_kernel.h"
#include "cpu/rope_kernel.h"
#include "cpu/simd/simd_avx512bf16.h"
#include "cpu/swiglu_kernel.h"
#include "cpu/top_k_kernel.h"
#include "cpu/vector_kernels.h"

namespace bc::cpu {

using V = Avx512Bf16Lanes;

constexpr VectorKernels avx512_bf16_vector_kernels = {
    &Embed<V>::run,     &RmsNorm<V>::run, &Rope<V>::run, &KvAppend<V>::run,
    &Attention<V>::run, &Swiglu<V>::run,  &TopK<V>::run};

}  // namespace bc::cpu

#endif
