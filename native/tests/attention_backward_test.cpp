// Gradients of attention within samples that lie end to end.
#include "attention_backward_cases.h"
#include "check.h"
#include "cpu/train/kernels.h"
#include "cpu/train/train_kernels.h"

using namespace bc;
using namespace bc::test;

namespace {

void run(Check& check, ThreadPool& pool, cpu::Isa isa, const AttentionCase& of, float size) {
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
  attend(p, out);
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
    for (const AttentionCase& of : kAttentionCases) {
      for (const float size : {1.0f, 4.0f}) run(check, pool, isa, of, size);
    }
  }
  return check.result();
}
