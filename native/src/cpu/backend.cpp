// The CPU as a backend: activations are f32, and every op has ended when it returns.
#include "backend.h"

#include "cpu/isa.h"
#include "cpu/kernels.h"
#include "cpu/train/kernels.h"
#include "error.h"
#include "require.h"
#include "system.h"

namespace bc {
namespace {

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int threads) : pool_(threads) {}

  std::string name() const override { return std::string("CPU, ") + cpu::name_of(cpu::isa()); }
  DeviceFacts facts() const override {
    DeviceFacts facts{};
    facts.threads = pool_.threads();
    facts.activation_bits = 32;
    for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::i8})
      facts.cache_types |= type_bit(type);
    for (int64_t D = 8; D <= kMaxHeadSize; D += 8) facts.head_sizes |= head_size_bit(D);
    facts.smallest_piece = 1;
    facts.reads_host_memory = true;
    return facts;
  }
  void pin() override {
    if (pinned_) fail(BC_INVALID_ARGUMENT, "context_pin: context is pinned already");
    pool_.pin(physical_cores());
    pinned_ = true;
  }

  void memory(int64_t* available, int64_t* total) const override { memory_info(available, total); }
  std::shared_ptr<Storage> allocate(int64_t bytes, bool) override {
    return allocate_ram(bytes, used_);
  }
  std::shared_ptr<Storage> allocate_on_host(int64_t bytes) override {
    return allocate_ram(bytes, used_);
  }

  void synchronize() override {}
  std::unique_ptr<Graph> record(const std::function<void()>&) override { return nullptr; }
  void launch(Graph&) override {}

  void check(const char* op, const EmbedParams& p) const override {
    require_type(op, "out", p.out_type, Type::f32);
  }
  void check(const char* op, const RmsNormParams& p) const override {
    require_type(op, "out", p.out_type, Type::f32);
  }
  void check(const char* op, const MatmulParams& p) const override {
    require_type(op, "x", p.x_type, Type::f32);
    require_type(op, "out", p.out_type, Type::f32);
  }
  void check(const char* op, const RopeParams& p) const override {
    require_type(op, "qkv", p.type, Type::f32);
  }
  void check(const char* op, const KvAppendParams& p) const override {
    require_type(op, "qkv", p.qkv_type, Type::f32);
  }
  void check(const char*, const KvCopyParams&) const override {}
  void check(const char* op, const AttentionParams& p) const override {
    require_type(op, "out", p.out_type, Type::f32);
    require_type(op, "qkv", p.qkv_type, Type::f32);
  }
  void check(const char* op, const SwigluParams& p) const override {
    require_type(op, "out", p.type, Type::f32);
  }
  void check(const char* op, const LoraParams& p) const override {
    require_type(op, "x", p.x_type, Type::f32);
    require_type(op, "out", p.out_type, Type::f32);
  }
  void check(const char*, const TopKParams&) const override {}
  void check(const char*, const QuantizeParams&) const override {}
  void check(const char*, const PackCodesParams&) const override {}
  void check(const char*, const DequantizeParams&) const override {}
  void check(const char*, const ConvertParams&) const override {}
  void check(const char*, const RowNormsParams&) const override {}
  void check(const char*, const FillRandomParams&) const override {}

  void run(const EmbedParams& p) override { cpu::embed(p, pool_); }
  void run(const RmsNormParams& p) override { cpu::rms_norm(p, pool_); }
  void run(const MatmulParams& p) override {
    p.epilogue == Epilogue::swiglu ? cpu::matmul_swiglu(p, sums_, scratch_, pool_)
                                   : cpu::matmul(p, scratch_, pool_);
  }
  void run(const RopeParams& p) override { cpu::rope(p, angles_, pool_); }
  void run(const KvAppendParams& p) override { cpu::kv_append(p, pool_); }
  void run(const KvCopyParams& p) override { cpu::kv_copy(p, pool_); }
  void run(const AttentionParams& p) override { cpu::attention(p, scratch_, pool_); }
  void run(const SwigluParams& p) override { cpu::swiglu(p, pool_); }
  void run(const LoraParams& p) override { cpu::lora(p, lora_, pool_); }
  void run(const TopKParams& p) override { cpu::top_k(p, pool_); }
  void run(const QuantizeParams& p) override { cpu::quantize(p, pool_); }
  void run(const PackCodesParams& p) override { cpu::pack_codes(p, pool_); }
  void run(const DequantizeParams& p) override { cpu::dequantize(p, pool_); }
  void run(const ConvertParams& p) override { cpu::convert(p, pool_); }
  void run(const RowNormsParams& p) override { cpu::row_norms(p, pool_); }
  void run(const FillRandomParams& p) override { cpu::fill_random(p, pool_); }
  void run(const SecondMomentsParams& p) override {
    std::vector<float> room;
    cpu::second_moments(p, room, pool_);
  }
  void run(const MomentsFactorParams& p) override {
    std::vector<float> room;
    cpu::moments_factor(p, room, pool_);
  }
  void run(const RoundWeightsParams& p) override { cpu::round_weights(p, pool_); }
  void run(const MatmulBackwardInputParams& p) override {
    cpu::matmul_backward_input(p, train_, pool_);
  }
  void run(const MatmulBackwardWeightParams& p) override {
    cpu::matmul_backward_weight(p, train_, pool_);
  }
  void run(const RmsNormBackwardParams& p) override { cpu::rms_norm_backward(p, train_, pool_); }
  void run(const SwigluBackwardParams& p) override { cpu::swiglu_backward(p, pool_); }
  void run(const RopeBackwardParams& p) override { cpu::rope_backward(p, angles_, train_, pool_); }
  void run(const AttentionBackwardParams& p) override { cpu::attention_backward(p, train_, pool_); }
  void run(const CrossEntropyParams& p) override { cpu::cross_entropy(p, pool_); }
  void run(const EmbedBackwardParams& p) override { cpu::embed_backward(p, pool_); }
  void run(const RowNormsBackwardParams& p) override { cpu::row_norms_backward(p, pool_); }
  void run(const ZeroParams& p) override { cpu::zero(p, pool_); }
  void run(const SumOfSquaresParams& p) override { cpu::sum_of_squares(p, pool_); }
  void run(const AdamwParams& p) override { cpu::adamw(p, pool_); }

 private:
  ThreadPool pool_;
  bool pinned_ = false;
  cpu::Scratch scratch_;
  std::vector<float> sums_;  // of matmul_swiglu
  cpu::RopeAngles angles_;
  cpu::LoraScratch lora_;
  cpu::TrainScratch train_;
};

}  // namespace

std::unique_ptr<Backend> cpu_backend(int threads) {
  if (!cpu::isa_error().empty()) fail(BC_INVALID_ARGUMENT, "%s", cpu::isa_error().c_str());
  return std::make_unique<CpuBackend>(threads == 0 ? cpu_cores() : threads);
}

}  // namespace bc
