#include "../ops.h"
namespace bc::cpu {
void embed(const EmbedParams&, ThreadPool&) {}
void rms_norm(const RmsNormParams&, ThreadPool&) {}
void rope(const RopeParams&, ThreadPool&) {}
void kv_append(const KvAppendParams&, ThreadPool&) {}
void attention(const AttentionParams&, ThreadPool&) {}
void swiglu(const SwigluParams&, ThreadPool&) {}
void top_k(const TopKParams&, ThreadPool&) {}
void argmax(const ArgmaxParams&, ThreadPool&) {}
}
