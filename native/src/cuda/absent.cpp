// What is linked in place of the kernels where they are not built: there is no GPU to open, so
// that no kernel is ever reached.
#include "cuda/device.h"
#include "cuda/driver.h"
#include "cuda/kernels.h"
#include "error.h"

namespace bc::cuda {
namespace {

std::string reason() { return why_no_kernels(driver_is_loaded()); }

[[noreturn]] void absent() { fail(BC_DEVICE, "cuda: %s", reason().c_str()); }

}  // namespace

Available available() { return {0, reason(), installed_driver(), ""}; }

std::unique_ptr<Device> Device::open(int index, void*) { refuse(available(), index); }

void embed(const EmbedParams&, void*) { absent(); }
void rms_norm(const RmsNormParams&, void*) { absent(); }
int64_t matmul_scratch_bytes(const MatmulParams&) { absent(); }
void matmul(const MatmulParams&, void*) { absent(); }
void rope(const RopeParams&, void*) { absent(); }
void kv_append(const KvAppendParams&, void*) { absent(); }
int64_t attention_scratch_bytes(int64_t, int64_t, int64_t, int64_t) { absent(); }
void attention(const AttentionParams&, void*) { absent(); }
void swiglu(const SwigluParams&, void*) { absent(); }
int64_t top_k_scratch_bytes(int64_t, int64_t, int64_t) { absent(); }
void top_k(const TopKParams&, void*) { absent(); }
int64_t argmax_scratch_bytes(int64_t, int64_t) { absent(); }
void argmax(const ArgmaxParams&, void*) { absent(); }
void row_norms(const RowNormsParams&, void*) { absent(); }
int64_t quantize_scratch_bytes(int64_t, int64_t) { absent(); }
void quantize(const QuantizeParams&, void*) { absent(); }
void dequantize(const DequantizeParams&, void*) { absent(); }
void convert(const ConvertParams&, void*) { absent(); }
void fill_random(const FillRandomParams&, void*) { absent(); }

}  // namespace bc::cuda
