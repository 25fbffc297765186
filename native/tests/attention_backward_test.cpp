// Gradients of attention within samples that lie end to end.
#include "check.h"
#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"
#include "reference_train.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  const char* name;
  std::vector<int32_t> lengths;
  int64_t H, G, D, window;
  bool alibi;
};

const Case kCases[] = {
    {"one token", {1}, 2, 2, 8, 0, false},
    {"tails", {5, 0, 19, 1}, 2, 2, 24, 0, false},
    {"whole tiles", {64, 128}, 1, 1, 64, 0, false},
    {"tail tiles alibi", {65, 130}, 3, 3, 40, 0, true},
    {"grouped", {70, 33}, 6, 2, 72, 0, false},
    {"window", {150}, 2, 1, 16, 70, false},
    {"short window", {90}, 2, 2, 16, 3, true},
    {"large heads", {67}, 1, 1, 256, 0, false},
};

// What the forward pass gives, in f32.
void forward(const AttentionBackwardParams& p, Matrix& out) {
  for (int64_t b = 0; b < p.B; ++b) {
    const int64_t S = p.offsets[b + 1] - p.offsets[b];
    for (int64_t h = 0; h < p.H; ++h) {
      const reference::HeadWeights of = reference::head_weights(p, p.offsets[b], S, h);
      for (int64_t i = 0; i < S; ++i) {
        for (int64_t d = 0; d < p.D; ++d) {
          double sum = 0.0;
          for (int64_t j = 0; j <= i; ++j) {
            const float* const row = p.qkv + (p.offsets[b] + j) * p.qkv_ld;
            sum += of.p[static_cast<size_t>(i * S + j)] *
                   static_cast<double>(row[(p.H + p.G + h / (p.H / p.G)) * p.D + d]);
          }
          out.row(p.offsets[b] + i)[h * p.D + d] = static_cast<float>(sum);
        }
      }
    }
  }
}

void run(Check& check, ThreadPool& pool, cpu::Isa isa, const Case& of, float size) {
  check.begin(isa, std::string(of.name) + " size " + std::to_string(size), 11);
  Random random(11);
  std::vector<int32_t> offsets = {0};
  for (const int32_t length : of.lengths) offsets.push_back(offsets.back() + length);
  const int64_t T = offsets.back();
  Matrix qkv(T, (of.H + 2 * of.G) * of.D);
  Matrix dout(T, of.H * of.D, 1);
  Matrix out(T, of.H * of.D, 2);
  Matrix dqkv(T, qkv.cols, 5);
  qkv.fill([&] { return size * random.normal(); });
  dout.fill([&] { return random.outlier(); });
  std::vector<float> slopes;
  for (int64_t h = 0; h < of.H; ++h) slopes.push_back(std::ldexp(0.7f, -static_cast<int>(h)));
  const AttentionBackwardParams p{dqkv.row(0),
                                  dqkv.ld,
                                  dout.row(0),
                                  dout.ld,
                                  out.row(0),
                                  out.ld,
                                  qkv.row(0),
                                  qkv.ld,
                                  offsets.data(),
                                  T,
                                  static_cast<int64_t>(of.lengths.size()),
                                  of.alibi ? slopes.data() : nullptr,
                                  of.H,
                                  of.G,
                                  of.D,
                                  of.window};
  forward(p, out);
  const std::vector<Expected> want = reference::attention_backward(p);
  cpu::TrainScratch scratch;
  cpu::attention_backward(p, scratch, pool, cpu::train_kernels(isa));
  check.compare("dqkv", dqkv, want);
}

}  // namespace

int main() {
  Check check("attention_backward");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const Case& of : kCases) {
      for (const float size : {1.0f, 4.0f}) run(check, pool, isa, of, size);
    }
  }
  return check.result();
}
