#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  Type type;
  int64_t T, H, D;
  int32_t position;
  double base;
  int64_t G = 0;  // H where it is 0
  float scale = 1.0f;
  bool normed = false;
  Type norm_type = Type::f32;

  std::string text() const {
    return std::string(name_of(type)) + " T=" + std::to_string(T) + " H=" + std::to_string(H) +
           " D=" + std::to_string(D) + " position=" + std::to_string(position) +
           (G == 0 ? "" : " G=" + std::to_string(G)) + (scale == 1.0f ? "" : " scaled") +
           (normed ? std::string(" norms ") + name_of(norm_type) : "");
  }
};

void run_case(Check& check, const Case& c) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    Random random(static_cast<uint64_t>(c.T * 10007 + c.H * 101 + c.D));
    const int64_t G = c.G == 0 ? c.H : c.G;
    Matrix qkv(c.T, (c.H + 2 * G) * c.D, 16);  // rows begin with a sector
    qkv.fill([&] { return random.outlier(); });
    qkv = rounded(c.type, qkv);
    std::vector<int32_t> positions;
    for (int64_t t = 0; t < c.T; ++t) positions.push_back(c.position + static_cast<int32_t>(t));
    std::vector<float> norms;
    for (int64_t d = 0; d < 2 * c.D; ++d) norms.push_back(1.0f + 0.25f * random.normal());
    const std::vector<uint8_t> norm_bytes = as_type(c.norm_type, norms);
    const int64_t k_norm = c.D * element_bytes(c.norm_type);
    RopeParams p{};
    p.type = c.type;
    p.ld = qkv.ld;
    p.T = c.T;
    p.H = c.H;
    p.G = G;
    p.D = c.D;
    p.scale = c.scale;
    p.norm_type = c.norm_type;
    p.eps = 1e-6f;
    for (int64_t k = 0; k < c.D / 2; ++k)
      p.frequencies[k] = std::pow(c.base, -2.0 * static_cast<double>(k) / static_cast<double>(c.D));

    RopeParams on_host = p;
    on_host.qkv = qkv.row(0);
    on_host.type = Type::f32;
    on_host.positions = positions.data();
    if (c.normed) {
      on_host.q_norm = norm_bytes.data();
      on_host.k_norm = norm_bytes.data() + k_norm;
    }
    std::vector<Expected> want = reference::rope(on_host);
    // The values are copied: they have no rounding.
    for (size_t i = 0; i < want.size(); ++i) {
      if (want[i].tolerance == 0.0) continue;
      std::vector<Expected> one = {want[i]};
      round_output(c.type, one);
      want[i] = one[0];
    }

    const auto device_qkv = in_out("qkv", as_type(c.type, qkv.data));
    const auto device_positions = input("positions", positions);
    const auto device_norms = input("norms", norm_bytes);
    p.qkv = device_qkv.data();
    p.positions = device_positions.data();
    if (c.normed) {
      p.q_norm = device_norms.data();
      p.k_norm = device_norms.data() + k_norm;
    }
    cuda::rope(p, nullptr);
    finish();
    qkv.data = as_floats(c.type, device_qkv.read());
    check.compare("qkv", qkv, want);

    // Two warps of each block read the position: a sector for each, beside 8192 bytes of pairs. Norms
    // are as long as two heads, and each head reads its own.
    const double n = static_cast<double>(4 * c.T * (c.H + G) * c.D);
    const double norm_bytes_read = c.normed ? static_cast<double>(c.T * (c.H + G) * k_norm) : 0.0;
    const double norms_once = c.normed ? static_cast<double>(2 * k_norm) : 0.0;
    if (c.H * c.D >= 1000)
      check_bytes(check, n + static_cast<double>(4 * c.T) + 32.0 + norms_once,
                  n * (1.0 + 2.0 * 32.0 / 8192.0) + norm_bytes_read);
    check_no_bank_conflicts(check);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_rope", [](Check& check) {
    for (const Type type : {Type::bf16, Type::f16}) {
      run_case(check, {type, 1, 32, 128, 0, 10000.0});
      run_case(check, {type, 7, 40, 128, 4090, 10000.0});
      // The last positions of 196608: an angle in f32 would be up to half a degree off.
      run_case(check, {type, 19, 3, 128, 196589, 10000.0});
      run_case(check, {type, 7, 3, 128, 1000000, 10000.0});
      run_case(check, {type, 111, 2, 256, 63, 1000000.0});
      for (const int64_t D : {16, 32, 48, 80}) run_case(check, {type, 7, 3, D, 63, 10000.0});
      // Fewer keys than queries, a scale, and norms of heads, which fill a block or end in it.
      run_case(check, {type, 7, 28, 128, 4090, 1000000.0, 4, 1.2079f});
      run_case(check, {type, 7, 32, 128, 4090, 1000000.0, 8, 1.0f, true, Type::bf16});
      run_case(check, {type, 5, 14, 64, 70, 10000.0, 2, 1.0f, true, Type::f32});
      run_case(check, {type, 3, 3, 256, 70, 10000.0, 1, 0.5f, true, Type::f16});
      run_case(check, {type, 3, 5, 16, 70, 10000.0, 1, 1.0f, true, Type::f32});
    }
  });
}
