// Every function of baichuan.h with handles that are null, freed, foreign or made up, and with sizes,
// offsets, shapes and numbers at their ends and at random: a status each time, and never a crash.
#include <cstdint>
#include <limits>

#include "api_checks.h"
#include "check.h"

using namespace bc::test;

namespace {

constexpr int64_t kSizes[] = {0,
                              1,
                              -1,
                              2,
                              31,
                              32,
                              63,
                              64,
                              int64_t{1} << 31,
                              int64_t{1} << 32,
                              int64_t{1} << 44,
                              (int64_t{1} << 44) + 1,
                              int64_t{1} << 62,
                              std::numeric_limits<int64_t>::max(),
                              std::numeric_limits<int64_t>::min()};
constexpr int32_t kInts[] = {0,
                             1,
                             -1,
                             2,
                             5,
                             6,
                             7,
                             8,
                             16,
                             1024,
                             1025,
                             std::numeric_limits<int32_t>::max(),
                             std::numeric_limits<int32_t>::min()};

template <class T, size_t N>
T one_of(Random& random, const T (&values)[N]) {
  return values[random.below(static_cast<int64_t>(N))];
}

// The message belongs to the status. A null out is never written. Whether the call was in order.
bool answered(const char* name, bc_status status) {
  is_ok(name, status == BC_OK || (status >= BC_INVALID_ARGUMENT && status <= BC_DEVICE &&
                                  bc_last_error()[0] != '\0'));
  return status == BC_OK;
}

class Fuzz {
 public:
  explicit Fuzz(uint64_t seed) : random_(seed) {
    is_ok("context_create", bc_context_create(BC_CPU, 0, 2, 1, &context_) == BC_OK);
    is_ok("context_create", bc_context_create(BC_CPU, 0, 1, 1, &other_) == BC_OK);
    for (const int32_t type : {BC_F32, BC_F16, BC_BF16, BC_I32, BC_I8, BC_Q8, BC_Q4,
                               BC_CODES(3, 6, BC_FORM_GRID), BC_CODES(5, 5, BC_FORM_MIN)}) {
      tensors_.push_back(tensor(context_, type, {2, 64}));
      tensors_.push_back(tensor(context_, type, {64, 64}));
    }
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{2}, {3}, {64}, {1}, {2, 48}, {2, 16}, {1, 2}, {3, 2, 1, 64, 16}}) {
      tensors_.push_back(tensor(context_, BC_F32, shape));
      tensors_.push_back(tensor(context_, BC_I32, shape));
    }
    for (const int64_t width : {24, 48, 64, 72})
      qkv_.push_back(tensor(context_, BC_F32, {2, width}));
    for (const int64_t width : {8, 16, 32}) outs_.push_back(tensor(context_, BC_F32, {2, width}));
    norms_ = {nullptr, tensor(context_, BC_BF16, {8}), tensor(context_, BC_BF16, {16})};
    pages_ = {tensor(context_, BC_F16, {3, 2, 1, 64, 8}),
              tensor(context_, BC_F32, {3, 2, 1, 64, 16}),
              tensor(context_, BC_BF16, {3, 2, 2, 64, 8})};
    positions_ = {tensor(context_, BC_I32, {2})};
    offsets_ = {tensor(context_, BC_I32, {2})};
    table_ = {tensor(context_, BC_I32, {1, 2})};
    logits_ = {tensor(context_, BC_F32, {2, 70})};
    best_ = {tensor(context_, BC_F32, {2, 5}), tensor(context_, BC_F32, {2, 70})};
    best_ids_ = {tensor(context_, BC_I32, {2, 5}), tensor(context_, BC_I32, {2, 70})};
    coded_ = {tensor(context_, BC_CODES(2, 5, BC_FORM_ZERO), {2, 64}),
              tensor(context_, BC_CODES(6, 6, BC_FORM_SYMMETRIC), {2, 64})};
    codes_ = {tensor(context_, BC_I8, {2, 64})};
    moments_ = {tensor(context_, BC_F32, {64, 64}), tensor(context_, BC_F32, {64, 64})};
    activations_ = {tensor(context_, BC_F32, {2, 64}), tensor(context_, BC_F32, {2, 64})};
    grids_ = {tensor(context_, BC_F32, {2, 1}), tensor(context_, BC_F32, {2, 2}),
              tensor(context_, BC_F32, {2, 2})};
    lines_ = {nullptr, tensor(context_, BC_F16, {2, 2}), tensor(context_, BC_BF16, {2, 1})};
    masks_ = {nullptr, tensor(context_, BC_I32, {1, 2}), tensor(context_, BC_I32, {4, 3})};
    mask_of_ = {nullptr, tensor(context_, BC_I32, {2}), tensor(context_, BC_I32, {2})};
    write(mask_of_[2], {-1, 3});
    x_ = {tensor(context_, BC_F32, {2, 40}), tensor(context_, BC_F32, {2, 64})};
    pool_ = {tensor(context_, BC_I8, {64}), tensor(context_, BC_I8, {4096})};
    adapters_ = {tensor(context_, BC_I32, {3, 4}), tensor(context_, BC_I32, {2, 4}),
                 tensor(context_, BC_I32, {2, 5})};
    scales_ = {tensor(context_, BC_F32, {3}), tensor(context_, BC_F32, {2})};
    adapter_of_ = {tensor(context_, BC_I32, {2}), tensor(context_, BC_I32, {3})};
    write(positions_[0], {63, 64});
    write(offsets_[0], {0, 2});
    write(table_[0], {2, 0});
    tensors_.push_back(tensor(other_, BC_F32, {2, 64}));
    bc_tensor* freed = tensor(context_, BC_F32, {2, 64});
    is_ok("tensor_free", bc_tensor_free(freed) == BC_OK);
    tensors_.push_back(freed);
    tensors_.push_back(nullptr);
    tensors_.push_back(reinterpret_cast<bc_tensor*>(uintptr_t{0xdeadbeef}));
  }
  ~Fuzz() {
    bc_context_free(context_);
    bc_context_free(other_);
  }

  void contexts() {
    bc_context* out = nullptr;
    const int32_t threads = one_of(random_, kInts);
    // A thousand threads a time would only be slow.
    const bc_status status =
        bc_context_create(one_of(random_, kInts), one_of(random_, kInts),
                          threads == 1024 ? 3 : threads, one_of(random_, kInts), maybe(&out));
    answered("context_create", status);
    if (status == BC_OK) answered("context_free", bc_context_free(out));
    int64_t a = 0;
    int64_t b = 0;
    answered("memory_info", bc_memory_info(context(), maybe(&a), maybe(&b)));
    answered("memory_used", bc_memory_used(context(), maybe(&a)));
    answered("synchronize", bc_synchronize(context()));
    const char* text = nullptr;
    answered("context_device", bc_context_device(context(), maybe(&text)));
    bc_facts facts{};
    answered("context_facts", bc_context_facts(context(), maybe(&facts)));
  }

  void sizes() {
    int64_t shape[5];
    for (int64_t& size : shape) size = one_of(random_, kSizes);
    bc_tensor* out = nullptr;
    const int32_t rank = one_of(random_, kInts);
    const int64_t* sizes = maybe(shape);
    const auto free = [&](bc_status status) {
      answered("a new tensor", status);
      if (status == BC_OK) answered("tensor_free", bc_tensor_free(out));
    };
    free(bc_tensor_create(context(), one_of(random_, kInts), sizes, rank, maybe(&out)));
    free(bc_tensor_create_on_host(context(), one_of(random_, kInts), sizes, rank, maybe(&out)));
    free(bc_tensor_reshape(any(), sizes, rank, maybe(&out)));
    free(bc_tensor_view(any(), size(), size(), size(), size(), maybe(&out)));
    free(bc_tensor_map(context(), reinterpret_cast<bc_file*>(any()), size(), one_of(random_, kInts),
                       sizes, rank, maybe(&out)));
    bc_file* file = reinterpret_cast<bc_file*>(any());
    int64_t bytes = 0;
    answered("file_read_ahead", bc_file_read_ahead(file, size(), size()));
    answered("tensor_bytes", bc_tensor_bytes(any(), maybe(&bytes)));
    // No tensor here has more bytes than the buffer.
    std::vector<uint8_t> buffer(1 << 16);
    answered("tensor_write", bc_tensor_write(any(), size(), maybe(buffer.data()), size()));
    answered("tensor_read", bc_tensor_read(any(), size(), maybe(buffer.data()), size()));
    const float deviations[] = {0.0f,
                                1.0f,
                                -1.0f,
                                1e30f,
                                std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()};
    answered("tensor_random", bc_tensor_random(any(), one_of(random_, deviations), random_.bits()));
  }

  void calibration() {
    const float shares[] = {0.0f, 0.5f, 2.0f, std::numeric_limits<float>::quiet_NaN()};
    double of_three[3];
    answered("second_moments", bc_second_moments(context(), any(), any(), any()));
    answered("moments_factor",
             bc_moments_factor(context(), any(), any(), one_of(random_, shares), maybe(of_three)));
    answered("round_weights",
             bc_round_weights(context(), any(), any(), any(), any(), any(), any(), any(), any(),
                              one_of(random_, shares), one_of(random_, kInts),
                              one_of(random_, kInts), maybe(of_three)));
    rounded_ +=
        answered("second_moments", bc_second_moments(context(), likely(moments_),
                                                     likely(activations_), likely(activations_))) &&
        answered("moments_factor",
                 bc_moments_factor(context(), likely(moments_), likely(moments_), 0.5f, nullptr)) &&
        answered("round_weights",
                 bc_round_weights(context(), likely(codes_), likely(grids_), likely(grids_),
                                  likely(activations_), nullptr, likely(moments_), likely(moments_),
                                  likely(moments_), 0.5f, 4, 1, maybe(of_three)));
  }

  void ops() {
    double error[2];
    answered("quantize", bc_quantize(context(), any(), any(), any(), maybe(error)));
    answered("dequantize", bc_dequantize(context(), any(), any()));
    answered("pack_codes", bc_pack_codes(context(), any(), size(), any(), any(), any()));
    pack_codes_ +=
        answered("pack_codes", bc_pack_codes(context(), likely(coded_), 0, likely(codes_),
                                             likely(lines_), likely(lines_)));
    calibration();
    answered("convert", bc_convert(context(), any(), any()));
    answered("row_norms", bc_row_norms(context(), any(), any()));
    answered("embed", bc_embed(context(), any(), any(), any()));
    answered("rms_norm", bc_rms_norm(context(), any(), any(), any(), 1e-6f));
    answered("add_rms_norm", bc_add_rms_norm(context(), any(), any(), any(), any(), 1e-6f));
    answered("matmul", bc_matmul(context(), any(), any(), any(), any(), any()));
    answered("matmul_swiglu", bc_matmul_swiglu(context(), any(), any(), any()));
    const float scales[] = {1.0f,
                            0.0f,
                            -1.0f,
                            1e30f,
                            1e-6f,
                            std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()};
    // As many as the largest head size that is taken needs.
    double frequencies[128];
    const double numbers[] = {0.0,
                              1.0,
                              1e-4,
                              1e6,
                              -1.0,
                              1e300,
                              std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
    const double usual = one_of(random_, numbers);
    for (double& f : frequencies) f = random_.below(64) == 0 ? one_of(random_, numbers) : usual;
    answered("rope", bc_rope(context(), any(), any(), one_of(random_, kInts),
                             one_of(random_, kInts), maybe(frequencies), one_of(random_, scales),
                             any(), any(), one_of(random_, scales)));
    answered("kv_append", bc_kv_append(context(), any(), any(), any(), any(), any(), any()));
    answered("kv_copy",
             bc_kv_copy(context(), any(), any(), one_of(random_, kInts), one_of(random_, kInts)));
    answered("attention", bc_attention(context(), any(), any(), any(), any(), any(), any(), any(),
                                       any(), one_of(random_, kInts)));
    // Arguments of which most fit together, so that some calls reach the kernels.
    const int32_t few[] = {1, 2, 3, 4};
    const int32_t sizes[] = {8, 16};
    rope_ += answered("rope",
                      bc_rope(context(), likely(qkv_), likely(positions_), one_of(random_, few),
                              one_of(random_, sizes), maybe(frequencies), one_of(random_, scales),
                              likely(norms_), likely(norms_), one_of(random_, scales)));
    bc_tensor* const pages = likely(pages_);
    bc_tensor* const qkv = likely(qkv_);
    answered("kv_append", bc_kv_append(context(), pages, nullptr, qkv, likely(positions_),
                                       likely(offsets_), likely(table_)));
    answered("kv_copy", bc_kv_copy(context(), pages, nullptr, one_of(random_, kInts), 0));
    attention_ +=
        answered("attention",
                 bc_attention(context(), likely(outs_), qkv, pages, nullptr, likely(positions_),
                              likely(offsets_), likely(table_), nullptr, one_of(random_, kInts)));
    answered("swiglu", bc_swiglu(context(), any(), any(), any()));
    answered("lora", bc_lora(context(), any(), any(), any(), any(), any(), any()));
    // Ranks, types and places at their ends, of which few lie in the pool.
    std::vector<int32_t> rows;
    for (int i = 0; i < 8; ++i) rows.push_back(random_.below(2) == 0 ? 1 : one_of(random_, kInts));
    answered("tensor_write", bc_tensor_write(adapters_[1], 0, rows.data(), 32));
    const int32_t of[] = {static_cast<int32_t>(random_.below(4)) - 1, one_of(random_, kInts)};
    answered("tensor_write", bc_tensor_write(adapter_of_[0], 0, of, random_.below(2) == 0 ? 4 : 8));
    lora_ += answered("lora", bc_lora(context(), likely(x_), likely(x_), likely(pool_),
                                      likely(adapters_), likely(scales_), likely(adapter_of_)));
    answered("top_k", bc_top_k(context(), any(), any(), any(), any(), any()));
    top_k_ += answered("top_k", bc_top_k(context(), likely(best_), likely(best_ids_),
                                         likely(logits_), likely(masks_), likely(mask_of_)));
  }

  void has_run() const {
    is_ok("a call of rope was in order", rope_ > 0);
    is_ok("a call of attention was in order", attention_ > 0);
    is_ok("a call of pack_codes was in order", pack_codes_ > 0);
    is_ok("calls of a calibration were in order", rounded_ > 0);
    is_ok("a call of top_k was in order", top_k_ > 0);
    is_ok("a call of lora was in order", lora_ > 0);
  }

  void recordings() {
    bc_plan* plan = nullptr;
    answered("plan_begin", bc_plan_begin(context()));
    if (random_.below(2) == 0) ops();
    const bc_status status = bc_plan_end(context(), maybe(&plan));
    answered("plan_end", status);
    if (status == BC_OK) {
      answered("plan_run", bc_plan_run(plan));
      answered("plan_free", bc_plan_free(plan));
    }
    answered("plan_run", bc_plan_run(plan));
    answered("plan_run", bc_plan_run(reinterpret_cast<bc_plan*>(any())));
  }

 private:
  template <class T>
  T* maybe(T* pointer) {
    return random_.below(16) == 0 ? nullptr : pointer;
  }
  int64_t size() { return one_of(random_, kSizes); }
  bc_tensor* any() {
    return tensors_[static_cast<size_t>(random_.below(static_cast<int64_t>(tensors_.size())))];
  }
  bc_tensor* likely(const std::vector<bc_tensor*>& choice) {
    if (random_.below(16) == 0) return any();
    return choice[static_cast<size_t>(random_.below(static_cast<int64_t>(choice.size())))];
  }
  // Mostly the one that the tensors are of.
  bc_context* context() {
    switch (random_.below(16)) {
      case 0:
        return nullptr;
      case 1:
        return other_;
      case 2:
        return reinterpret_cast<bc_context*>(any());
      default:
        return context_;
    }
  }

  Random random_;
  bc_context* context_ = nullptr;
  bc_context* other_ = nullptr;
  std::vector<bc_tensor*> tensors_;
  std::vector<bc_tensor*> qkv_, outs_, norms_, pages_, positions_, offsets_, table_;
  std::vector<bc_tensor*> coded_, codes_, lines_;
  std::vector<bc_tensor*> moments_, activations_, grids_;
  std::vector<bc_tensor*> logits_, best_, best_ids_, masks_, mask_of_;
  std::vector<bc_tensor*> x_, pool_, adapters_, scales_, adapter_of_;
  int64_t rope_ = 0;
  int64_t attention_ = 0;
  int64_t pack_codes_ = 0;
  int64_t rounded_ = 0;
  int64_t top_k_ = 0;
  int64_t lora_ = 0;
};

}  // namespace

int main() {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Fuzz fuzz(seed);
    for (int i = 0; i < 2000; ++i) {
      fuzz.sizes();
      fuzz.ops();
      if (i % 10 == 0) fuzz.contexts();
      if (i % 10 == 5) fuzz.recordings();
    }
    fuzz.has_run();
  }
  return result("boundary");
}
