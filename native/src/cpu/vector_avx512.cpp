// Vector kernels for avx512.
#if defined(__x86_64__)

#include "cpu/attention/attention_kernel.h"
#include "cpu/embed_kernel.h"
#include "cpu/kv_append_kernel.h"
#include "cpu/rms_norm_kernel.h"
#include "cpu/rope_kernel.h"
#include "cpu/simd/simd_avx512.h"
#include "cpu/swiglu_kernel.h"
#include "cpu/top_k_kernel.h"
#include "cpu/vector_kernels.h"

namespace bc::cpu {

using V = Avx512Lanes;

constexpr VectorKernels avx512_vector_kernels = {
    &Embed<V>::run,     &RmsNorm<V>::run, &Rope<V>::run, &KvAppend<V>::run,
    &Attention<V>::run, &Swiglu<V>::run,  &TopK<V>::run};

}  // namespace bc::cpu

#endif
