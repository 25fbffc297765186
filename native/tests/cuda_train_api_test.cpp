// The ops of training as baichuan.h has them, on a GPU: the cases of the CPU, and numbers near the CPU's.
#include "train_api_cases.h"

using namespace bc::test;

namespace {

constexpr int64_t kT = 70;  // tokens of samples of 3, 66 and 1
constexpr int64_t kH = 4;
constexpr int64_t kG = 2;
constexpr int64_t kD = 32;
constexpr int64_t kC = kH * kD;
constexpr int64_t kWidth = (kH + 2 * kG) * kD;
constexpr int64_t kV = 90;

// Every op on numbers that are the same on both devices, and all that the ops have written.
struct Results {
  std::vector<std::vector<float>> tensors;
  double squares = 0.0;
};

class Run {
 public:
  Run(int32_t device, int32_t weights) : context_(context_on(device)), weights_(weights) {}
  ~Run() { is_ok("context_free", bc_context_free(context_) == BC_OK); }

  Results results() {
    products();
    rows();
    heads();
    logits();
    step();
    return results_;
  }

 private:
  bc_tensor* random(const std::vector<int64_t>& shape, float size = 1.0f) {
    bc_tensor* out = tensor(context_, BC_F32, shape);
    is_ok("tensor_random", bc_tensor_random(out, size, ++seed_) == BC_OK);
    return out;
  }
  bc_tensor* integers(const std::vector<int32_t>& values) {
    bc_tensor* out = tensor(context_, BC_I32, {static_cast<int64_t>(values.size())});
    write(out, values);
    return out;
  }
  void keep(bc_tensor* t, int64_t count) {
    results_.tensors.push_back(read<float>(t, static_cast<size_t>(count)));
  }
  void ok(bc_status status, const char* op) { is_ok(op, status == BC_OK); }

  void products() {
    bc_tensor* plain = tensor(context_, BC_BF16, {kWidth, kC});
    ok(bc_tensor_random(plain, 0.1f, ++seed_), "tensor_random");
    bc_tensor* w = plain;
    if (weights_ != BC_BF16) {
      w = tensor(context_, weights_, {kWidth, kC});
      ok(bc_quantize(context_, w, plain, nullptr, nullptr), "quantize");
    }
    bc_tensor* dy = random({kT, kWidth});
    bc_tensor* dx = random({kT, kC});
    bc_tensor* dw = random({kWidth, kC});
    ok(bc_matmul_backward_input(context_, dx, dy, w, random({kWidth}), 1), "input");
    ok(bc_matmul_backward_weight(context_, dw, dy, random({kT, kC})), "weight");
    bc_tensor* norms = tensor(context_, BC_F32, {kWidth});
    ok(bc_row_norms(context_, norms, plain), "row_norms");
    ok(bc_row_norms_backward(context_, dw, plain, norms), "row_norms_backward");
    keep(dx, kT * kC);
    keep(dw, kWidth * kC);
  }

  void rows() {
    bc_tensor* dx = random({kT, kC});
    bc_tensor* dweight = random({kC});
    bc_tensor* dy = random({kT, kC});
    bc_tensor* x = random({kT, kC});
    ok(bc_rms_norm_backward(context_, dx, dweight, dy, x, random({kC}), 1e-6f), "rms_norm");
    keep(dx, kT * kC);
    keep(dweight, kC);
    bc_tensor* up = random({kT, kC});
    ok(bc_swiglu_backward(context_, x, up, dy, x, up), "swiglu");
    keep(x, kT * kC);
    keep(up, kT * kC);
    std::vector<int32_t> ids;
    for (int32_t t = 0; t < kT; ++t) ids.push_back(t * t % 7);
    bc_tensor* table = random({7, kC});
    ok(bc_embed_backward(context_, table, dy, integers(ids)), "embed");
    keep(table, 7 * kC);
    ok(bc_sum_of_squares(context_, dy, &results_.squares), "sum_of_squares");
    ok(bc_zero(context_, dy), "zero");
    keep(dy, kT * kC);
  }

  void heads() {
    bc_tensor* qkv = random({kT, kWidth});
    bc_tensor* dqkv = random({kT, kWidth});
    ok(bc_attention_backward(context_, dqkv, random({kT, kC}), random({kT, kC}), qkv,
                             integers({0, 3, 69, 70}), random({kH}, 0.1f), kD, 40),
       "attention");
    keep(dqkv, kT * kWidth);
    std::vector<double> frequencies;
    for (int64_t k = 0; k < kD / 2; ++k)
      frequencies.push_back(std::pow(1e4, -2.0 * static_cast<double>(k) / kD));
    std::vector<int32_t> positions;
    for (int32_t t = 0; t < kT; ++t) positions.push_back(3 * t);
    bc_tensor* dq = random({kD});
    bc_tensor* dk = random({kD});
    ok(bc_rope_backward(context_, dqkv, dq, dk, qkv, integers(positions), kH, kD,
                        frequencies.data(), 1.0f, random({kD}), random({kD}), 1e-6f),
       "rope");
    keep(dqkv, kT * kWidth);
    keep(dq, kD);
    keep(dk, kD);
  }

  void logits() {
    bc_tensor* x = random({kT, kV}, 3.0f);
    bc_tensor* loss = tensor(context_, BC_F32, {kT});
    std::vector<int32_t> targets;
    for (int32_t t = 0; t < kT; ++t) targets.push_back(t % 5 == 4 ? -1 : t);
    ok(bc_cross_entropy(context_, x, loss, integers(targets), random({kT})), "cross_entropy");
    keep(x, kT * kV);
    keep(loss, kT);
  }

  void step() {
    bc_tensor* w = random({kT, kC});
    bc_tensor* m = random({kT, kC}, 0.1f);
    bc_tensor* v = tensor(context_, BC_F32, {kT, kC});
    ok(bc_adamw(context_, w, nullptr, m, v, nullptr, nullptr, random({kT, kC}), 0.01f, 0.9f, 0.99f,
                1e-8f, 0.1f, 0.5f, 1, 3),
       "adamw");
    for (bc_tensor* t : {w, m, v}) keep(t, kT * kC);
  }

  bc_context* context_;
  const int32_t weights_;
  uint64_t seed_ = 0;
  Results results_;
};

// Deviation of the difference over that of the numbers: a few roundings to bf16, where products round both
// operands, of 2^-9 each (deviation 0.29 of the largest, 2^-8).
void near_the_cpu(int32_t weights) {
  const Results want = Run(BC_CPU, weights).results();
  const Results got = Run(BC_CUDA, weights).results();
  for (size_t i = 0; i < want.tensors.size(); ++i) {
    double error = 0.0;
    double power = 0.0;
    for (size_t j = 0; j < want.tensors[i].size(); ++j) {
      const auto value = static_cast<double>(want.tensors[i][j]);
      const double difference = static_cast<double>(got.tensors[i][j]) - value;
      error += difference * difference;
      power += value * value;
    }
    is_ok(("tensor " + std::to_string(i) + " near that of the CPU").c_str(),
          std::sqrt(error) <= 4.0 * 0.29 * 0x1p-8 * std::sqrt(power));
  }
  is_ok("the sum of squares", std::fabs(got.squares - want.squares) <= 1e-12 * want.squares);
}

}  // namespace

int main() {
  if (bc_cuda_devices() == 0) {
    std::printf("cuda_train_api: skipped, %s\n", bc_cuda_reason());
    return 77;
  }
  train_api(BC_CUDA);
  for (const int32_t weights : {BC_BF16, BC_Q8, BC_Q4, BC_CODES(3, 6, BC_FORM_GRID)})
    near_the_cpu(weights);
  return result("cuda_train_api");
}
