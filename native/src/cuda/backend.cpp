// A GPU as a backend: everything happens on one stream, in order, and behind the host.
#include "backend.h"

#include <cstring>

#include "cuda/device.h"
#include "cuda/host_packer.h"
#include "cuda/kernels.h"
#include "cuda/limits.h"
#include "cuda/train/kernels.h"
#include "error.h"

namespace bc {
namespace {

using SharedDevice = std::shared_ptr<cuda::Device>;

// Memory of a GPU, with a copy on the host of what was written to it where that is asked for.
class DeviceMemory final : public Storage {
 public:
  DeviceMemory(SharedDevice device, int64_t bytes, bool mirrored, Used used)
      : device_(std::move(device)), used_(std::move(used)) {
    if (mirrored) mirror_ = std::make_unique<uint8_t[]>(static_cast<size_t>(bytes));
    data_ = static_cast<uint8_t*>(device_->allocate(bytes));
    bytes_ = bytes;
    used_->fetch_add(bytes);
  }
  ~DeviceMemory() override {
    device_->release(data_);
    used_->fetch_sub(bytes_);
  }

  uint8_t* host() const override { return mirror_.get(); }
  void write(uint8_t* to, const void* source, int64_t bytes) override {
    if (bytes == 0) return;
    if (mirror_ != nullptr) {
      uint8_t* const copy = mirror_.get() + (to - data_);
      // From step to step most inputs stay as they are.
      if (std::memcmp(copy, source, static_cast<size_t>(bytes)) == 0) return;
      std::memcpy(copy, source, static_cast<size_t>(bytes));
    }
    device_->upload(to, source, bytes);
  }
  void read(void* target, const uint8_t* from, int64_t bytes) const override {
    if (bytes > 0) device_->download(target, from, bytes);
  }

 private:
  SharedDevice device_;
  Used used_;
  std::unique_ptr<uint8_t[]> mirror_;
};

// Page-locked memory of the host, which kernels read over the bus.
class HostMemory final : public Storage {
 public:
  HostMemory(SharedDevice device, int64_t bytes) : device_(std::move(device)) {
    require_ram(bytes);
    data_ = static_cast<uint8_t*>(device_->allocate_on_host(bytes));
    bytes_ = bytes;
  }
  ~HostMemory() override { device_->release_on_host(data_); }

  uint8_t* host() const override { return nullptr; }
  void write(uint8_t* to, const void* source, int64_t bytes) override {
    if (bytes > 0) device_->upload(to, source, bytes);
  }
  void read(void* target, const uint8_t* from, int64_t bytes) const override {
    if (bytes > 0) device_->download(target, from, bytes);
  }

 private:
  SharedDevice device_;
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(std::unique_ptr<cuda::Device> device)
      : device_(std::move(device)), gpu_(device_->facts()), packer_(*device_, gpu_.hopper) {}

  std::string name() const override {
    return gpu_.name + ", sm_" + std::to_string(gpu_.capability) + ", " + std::to_string(gpu_.sms) +
           " multiprocessors";
  }
  DeviceFacts facts() const override {
    DeviceFacts facts{};
    facts.threads = 1;
    facts.activation_bits = 16;
    facts.cache_types = type_bit(Type::f16) | type_bit(Type::bf16) | type_bit(Type::i8);
    for (const int64_t D : cuda::kHeadSizes) facts.head_sizes |= head_size_bit(D);
    facts.smallest_piece = cuda::kFewQueries + 1;
    facts.fuses_swiglu = true;
    return facts;
  }
  void pin() override {
    fail(BC_INVALID_ARGUMENT, "context_pin: device is a GPU, expected a CPU context");
  }

  void memory(int64_t* available, int64_t* total) const override {
    device_->memory(available, total);
  }
  std::shared_ptr<Storage> allocate(int64_t bytes, bool mirrored) override {
    return std::make_shared<DeviceMemory>(device_, bytes, mirrored, used_);
  }
  std::shared_ptr<Storage> allocate_on_host(int64_t bytes) override {
    return std::make_shared<HostMemory>(device_, bytes);
  }

  void write_packed(Storage& to, uint8_t* at, Type type, const uint8_t* from,
                    int64_t bytes) const override {
    packer_.reordered(type, from, bytes, [&](int64_t done, const uint8_t* ordered, int64_t part) {
      to.write(at + done, ordered, part);
    });
  }

  void synchronize() override { device_->synchronize(); }
  std::unique_ptr<Graph> record(const std::function<void()>& body) override {
    return device_->record(body);
  }
  void launch(Graph& graph) override { device_->run(graph); }

  void check(const char* op, const EmbedParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const RmsNormParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const MatmulParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const RopeParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const KvAppendParams& p) const override { cuda::check(op, p); }
  void check(const char*, const KvCopyParams&) const override {}
  void check(const char* op, const AttentionParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const SwigluParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const LoraParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const TopKParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const QuantizeParams& p) const override { cuda::check(op, p); }
  void check(const char*, const PackCodesParams&) const override {}
  void check(const char* op, const DequantizeParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const ConvertParams& p) const override { cuda::check(op, p); }
  void check(const char* op, const RowNormsParams& p) const override { cuda::check(op, p); }
  void check(const char*, const FillRandomParams&) const override {}

  int64_t scratch_bytes(const MatmulParams& p) const override {
    return cuda::matmul_scratch_bytes(p, gpu_);
  }
  int64_t scratch_bytes(const AttentionParams& p) const override {
    return cuda::attention_scratch_bytes(p);
  }
  int64_t scratch_bytes(const LoraParams& p) const override {
    return cuda::lora_scratch_bytes(p.T);
  }
  int64_t scratch_bytes(const TopKParams& p) const override {
    return cuda::top_k_scratch_bytes(p.T, p.V, p.K);
  }
  int64_t scratch_bytes(const QuantizeParams& p) const override {
    return is_codes(p.out_type) ? 0 : kErrorBytes + cuda::quantize_scratch_bytes(p.N, p.K);
  }

  void run(const EmbedParams& p) override { cuda::embed(p, stream()); }
  void run(const RmsNormParams& p) override { cuda::rms_norm(p, stream()); }
  void run(const MatmulParams& p) override { cuda::matmul(p, gpu_, stream()); }
  void run(const RopeParams& p) override { cuda::rope(p, stream()); }
  void run(const KvAppendParams& p) override { cuda::kv_append(p, stream()); }
  void run(const KvCopyParams& p) override { cuda::kv_copy(p, stream()); }
  void run(const AttentionParams& p) override { cuda::attention(p, gpu_, stream()); }
  void run(const SwigluParams& p) override { cuda::swiglu(p, stream()); }
  void run(const LoraParams& p) override { cuda::lora(p, stream()); }
  void run(const TopKParams& p) override { cuda::top_k(p, stream()); }
  void run(const QuantizeParams& p) override {
    if (is_codes(p.out_type)) return packer_.quantize(p);
    QuantizeParams there = p;
    there.error = static_cast<double*>(p.scratch);
    there.scratch = static_cast<uint8_t*>(p.scratch) + kErrorBytes;
    cuda::quantize(there, gpu_, stream());
    device_->download(p.error, there.error, kErrorBytes);
  }
  void run(const PackCodesParams& p) override { packer_.pack(p); }
  void run(const DequantizeParams& p) override { cuda::dequantize(p, gpu_, stream()); }
  void run(const ConvertParams& p) override { cuda::convert(p, stream()); }
  void run(const RowNormsParams& p) override { cuda::row_norms(p, stream()); }
  void run(const FillRandomParams& p) override {
    is_codes(p.type) ? packer_.fill(p) : cuda::fill_random(p, gpu_, stream());
  }

  void run(const MatmulBackwardInputParams& p) override {
    cuda::matmul_backward_input(p, gpu_, room(cuda::matmul_backward_scratch_bytes(p)), stream());
  }
  void run(const MatmulBackwardWeightParams& p) override {
    cuda::matmul_backward_weight(p, stream());
  }
  void run(const RmsNormBackwardParams& p) override {
    cuda::rms_norm_backward(p, room(cuda::rms_norm_backward_scratch_bytes(p)), stream());
  }
  void run(const SwigluBackwardParams& p) override { cuda::swiglu_backward(p, stream()); }
  void run(const RopeBackwardParams& p) override {
    cuda::rope_backward(p, room(cuda::rope_backward_scratch_bytes(p)), stream());
  }
  void run(const AttentionBackwardParams& p) override {
    cuda::attention_backward(p, room(cuda::attention_backward_scratch_bytes(p)), stream());
  }
  void run(const CrossEntropyParams& p) override { cuda::cross_entropy(p, stream()); }
  void run(const EmbedBackwardParams& p) override { cuda::embed_backward(p, stream()); }
  void run(const RowNormsBackwardParams& p) override { cuda::row_norms_backward(p, stream()); }
  void run(const ZeroParams& p) override { cuda::zero(p, stream()); }
  void run(const SumOfSquaresParams& p) override {
    // The sum first, then what it is made of.
    auto* const sum = static_cast<double*>(
        room(static_cast<int64_t>(sizeof(double)) + cuda::sum_of_squares_scratch_bytes(p.n)));
    cuda::sum_of_squares({p.x, p.n, sum}, sum + 1, stream());
    device_->download(p.sum, sum, sizeof(double));
  }
  void run(const AdamwParams& p) override { cuda::adamw(p, stream()); }

 private:
  static constexpr int64_t kErrorBytes = 2 * sizeof(double);

  void* stream() const { return device_->stream(); }

  // Memory for an op of training, that of the largest so far: ops of a stream follow each other.
  void* room(int64_t bytes) {
    if (bytes == 0) return nullptr;
    if (room_ == nullptr || room_->bytes() < bytes) {
      room_.reset();
      room_ = allocate(bytes, false);
    }
    return room_->data();
  }

  SharedDevice device_;
  const cuda::Facts gpu_;
  mutable cuda::HostPacker packer_;  // which makes its threads when they are needed
  std::shared_ptr<Storage> room_;
};

}  // namespace

std::unique_ptr<Backend> cuda_backend(int index, void* stream) {
  return std::make_unique<CudaBackend>(cuda::Device::open(index, stream));
}

}  // namespace bc
