// Vector kernels for avx512_bf16.
#if defined(__x86_64__)

#include "argmax_kernel.h"
#include "attention_kernel.h"
#include "embed_kernel.h"
#include "kv_append_kernel.h"
#include "rms_norm_kernel.h"
#include "rope_kernel.h"
#include "simd_avx512bf16.h"
#include "swiglu_kernel.h"
#include "top_k_kernel.h"
#include "vector_kernels.h"

namespace bc::cpu {

using V = Avx512Bf16Lanes;

constexpr VectorKernels avx512_bf16_vector_kernels = {
    &Embed<V>::run,     &RmsNorm<V>::run, &Rope<V>::run, &KvAppend<V>::run,
    &Attention<V>::run, &Swiglu<V>::run,  &TopK<V>::run, &Argmax<V>::run};

}  // namespace bc::cpu

#endif
