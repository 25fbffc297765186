// Gradients of attention within samples that lie end to end, on a GPU.
#include "attention_backward_cases.h"
#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, const AttentionCase& of, float size) {
  for_each_schedule(2, [&](uint64_t seed) {
    check.begin(std::string(of.name) + " size " + std::to_string(size), seed);
    Random random(11);
    std::vector<int32_t> offsets = {0};
    for (const int32_t length : of.lengths) offsets.push_back(offsets.back() + length);
    const int64_t T = offsets.back();
    Matrix qkv = normal_matrix(T, (of.H + 2 * of.G) * of.D, 3, random);
    for (float& x : qkv.data) x *= size;
    const Matrix dout = outlier_matrix(T, of.H * of.D, 1, random);
    Matrix out(T, of.H * of.D, 2);
    Matrix dqkv(T, qkv.cols, 5);
    std::vector<float> slopes;
    for (int64_t h = 0; h < of.H; ++h) slopes.push_back(std::ldexp(0.7f, -static_cast<int>(h)));
    AttentionBackwardParams p{};
    p.dqkv_ld = dqkv.ld;
    p.dout = dout.row(0);
    p.dout_ld = dout.ld;
    p.out_ld = out.ld;
    p.qkv = qkv.row(0);
    p.qkv_ld = qkv.ld;
    p.offsets = offsets.data();
    p.T = T;
    p.B = static_cast<int64_t>(of.lengths.size());
    p.slopes = of.alibi ? slopes.data() : nullptr;
    p.H = of.H;
    p.G = of.G;
    p.D = of.D;
    p.window = of.window;
    attend(p, out);
    const std::vector<Expected> want = reference::attention_backward(p);

    const auto device_dqkv = output<float>("dqkv", dqkv.data.size());
    const auto device_dout = input("dout", dout.data);
    const auto device_out = input("out", out.data);
    const auto device_qkv = input("qkv", qkv.data);
    const auto device_offsets = input("offsets", offsets);
    const auto device_slopes = input("slopes", slopes);
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::attention_backward_scratch_bytes(p)));
    p.dqkv = device_dqkv.data();
    p.dout = device_dout.data();
    p.out = device_out.data();
    p.qkv = device_qkv.data();
    p.offsets = device_offsets.data();
    if (of.alibi) p.slopes = device_slopes.data();
    cuda::attention_backward(p, scratch.data(), nullptr);
    finish();
    dqkv.data = device_dqkv.read();
    check.compare("dqkv", dqkv, want);
    check_no_bank_conflicts(check);
    if (of.D < 64) return;
    const auto wide = static_cast<double>(T * qkv.cols);
    const auto narrow = static_cast<double>(T * of.H * of.D);
    const auto rows = static_cast<double>(12 * T * of.H);
    // The first kernel reads queries and keys, dout and out; the others all but out, and each writes its part
    // of dqkv. Tiles of queries ask for those of keys that they see, and the other way round: five products of
    // two operands, and three of one, of 64 rows each.
    const double distinct = 4.0 * (4.0 * wide + 4.0 * narrow) + 3.0 * rows;
    double pairs = 0.0;  // of tiles
    for (const int32_t length : of.lengths) {
      const double tiles = std::ceil(static_cast<double>(length) / 64.0);
      pairs += tiles * (tiles + 1.0) / 2.0 * static_cast<double>(of.H);
    }
    const double parts = std::ceil(static_cast<double>(of.D) / 128.0);
    const double operands = 2.0 + 8.0 * parts + 3.0;
    // 32 bytes of a thread group lie in two sectors where rows begin inside one; numbers of rows are asked for by
    // every pair.
    check_bytes(check, 1.1 * distinct,
                2.0 * pairs * operands * 64.0 * 4.0 * static_cast<double>(of.D) + 8.0 * distinct);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_attention_backward", [](Check& check) {
    for (const AttentionCase& of : kAttentionCases) {
      for (const float size : {1.0f, 4.0f}) run_case(check, of, size);
    }
  });
}
