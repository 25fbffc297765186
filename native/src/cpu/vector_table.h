// The kernels of one instruction set, for its lanes V: each vector_*.cpp has one such table, and no more.
#pragma once

#include "cpu/attention/attention_kernel.h"
#include "cpu/embed_kernel.h"
#include "cpu/kv_append_kernel.h"
#include "cpu/lora_kernel.h"
#include "cpu/rms_norm_kernel.h"
#include "cpu/rope_kernel.h"
#include "cpu/swiglu_kernel.h"
#include "cpu/top_k_kernel.h"
#include "cpu/vector_kernels.h"

namespace bc::cpu {

// In the order of the fields.
template <class V>
constexpr VectorKernels kVectorTable = {&Embed<V>::run,    &RmsNorm<V>::run,   &Rope<V>::run,
                                        &KvAppend<V>::run, &Attention<V>::run, &Swiglu<V>::run,
                                        &Lora<V>::a,       &Lora<V>::b,        &TopK<V>::run};

}  // namespace bc::cpu
