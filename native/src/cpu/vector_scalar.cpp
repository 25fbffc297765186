// Vector kernels for scalar.
#include "argmax_kernel.h"
#include "attention_kernel.h"
#include "embed_kernel.h"
#include "kv_append_kernel.h"
#include "rms_norm_kernel.h"
#include "rope_kernel.h"
#include "simd_scalar.h"
#include "swiglu_kernel.h"
#include "top_k_kernel.h"
#include "vector_kernels.h"

namespace bc::cpu {

using V = ScalarLanes;

constexpr VectorKernels scalar_vector_kernels = {
    &Embed<V>::run,     &RmsNorm<V>::run, &Rope<V>::run, &KvAppend<V>::run,
    &Attention<V>::run, &Swiglu<V>::run,  &TopK<V>::run, &Argmax<V>::run};

}  // namespace bc::cpu
