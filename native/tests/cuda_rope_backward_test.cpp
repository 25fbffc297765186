#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

enum class Norms { none, fixed, trained };

struct Case {
  int64_t T, H, G, D;
  Norms norms;
  Type type = Type::f32;  // of the norms

  std::string name() const {
    return "T=" + std::to_string(T) + " H=" + std::to_string(H) + " G=" + std::to_string(G) +
           " D=" + std::to_string(D) +
           (norms == Norms::none ? "" : std::string(" norms ") + name_of(type)) +
           (norms == Norms::trained ? " trained" : "");
  }
};

void run_case(Check& check, const Case& c) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(c.name(), seed);
    Random random(static_cast<uint64_t>(c.T * 10007 + c.D));
    const int64_t width = (c.H + 2 * c.G) * c.D;
    Matrix qkv = outlier_matrix(c.T, width, 3, random);
    Matrix dqkv = normal_matrix(c.T, width, 1, random);
    Matrix dnorms = normal_matrix(2, c.D, 2, random);
    std::vector<float> numbers;
    for (int64_t d = 0; d < 2 * c.D; ++d) numbers.push_back(1.0f + 0.3f * random.normal());
    const std::vector<uint8_t> norms = as_type(c.type, numbers);
    std::vector<int32_t> positions;
    for (int64_t t = 0; t < c.T; ++t) positions.push_back(static_cast<int32_t>(random.below(5000)));
    RopeBackwardParams p{};
    p.dqkv = dqkv.row(0);
    p.dqkv_ld = dqkv.ld;
    RopeParams& of = p.forward;
    of.positions = positions.data();
    of.T = c.T;
    of.H = c.H;
    of.G = c.G;
    of.D = c.D;
    of.scale = 1.1f;
    for (int64_t k = 0; k < c.D / 2; ++k)
      of.frequencies[k] = std::pow(1e4, -2.0 * static_cast<double>(k) / static_cast<double>(c.D));
    const auto place = [&](const uint8_t* q, const float* x, float* of_norms) {
      if (c.norms == Norms::none) return;
      p.qkv = x;
      p.qkv_ld = qkv.ld;
      of.q_norm = q;
      of.k_norm = q + c.D * element_bytes(c.type);
      of.norm_type = c.type;
      of.eps = 1e-6f;
      if (c.norms == Norms::fixed) return;
      p.dq_norm = of_norms;
      p.dk_norm = of_norms + dnorms.ld;
    };
    place(norms.data(), qkv.row(0), dnorms.row(0));
    const std::vector<Expected> want = reference::rope_backward(p);

    const auto device_dqkv = in_out("dqkv", dqkv.data);
    const auto device_qkv = input("qkv", qkv.data);
    const auto device_norms = input("norms", norms);
    const auto device_dnorms = in_out("dnorms", dnorms.data);
    const auto device_positions = input("positions", positions);
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::rope_backward_scratch_bytes(p)));
    p.dqkv = device_dqkv.data();
    of.positions = device_positions.data();
    place(device_norms.data(), device_qkv.data(), device_dnorms.data());
    cuda::rope_backward(p, scratch.data(), nullptr);
    finish();
    dqkv.data = device_dqkv.read();
    compare_part(check, "dqkv", dqkv, want, 0);
    if (c.norms == Norms::trained) {
      dnorms.data = device_dnorms.read();
      compare_part(check, "dnorms", dnorms, want, static_cast<size_t>(c.T * width));
    }
    check_no_bank_conflicts(check);
    const double n =
        static_cast<double>(c.T * (c.H + c.G) * c.D) * (c.norms == Norms::none ? 8.0 : 12.0);
    // The norms, again for each head; where their gradients are asked for the sums of 16 tokens, written and
    // read, and themselves.
    const double norm = static_cast<double>(c.norms == Norms::none ? 0 : norms.size());
    const double sums =
        c.norms == Norms::trained ? static_cast<double>(16 * c.D * ((c.T + 15) / 16 + 1)) : 0.0;
    const double tokens = 4.0 * static_cast<double>(c.T);
    const double heads = static_cast<double>(c.T * (c.H + c.G)) * norm / 2.0;
    // A warp's 128 bytes lie in five sectors where rows begin inside one, and those of the positions are asked
    // for by several warps.
    if (c.D == 128)
      check_bytes(check, 1.02 * (n + norm + sums + tokens),
                  1.25 * (n + heads + sums + 128.0 * tokens));
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_rope_backward", [](Check& check) {
    for (const int64_t D : {8, 40, 64, 128, 256}) {
      for (const Norms norms : {Norms::none, Norms::fixed, Norms::trained})
        run_case(check, {19, 3, 1, D, norms});
    }
    for (const Type type : {Type::f16, Type::bf16})
      run_case(check, {33, 11, 4, 128, Norms::trained, type});
    run_case(check, {1, 1, 1, 72, Norms::trained, Type::bf16});
  });
}
