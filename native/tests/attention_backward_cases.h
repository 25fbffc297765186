// Samples for the tests of attention_backward on every device, and what the forward pass gives for them.
#pragma once

#include "reference_train.h"

namespace bc::test {

struct AttentionCase {
  const char* name;
  std::vector<int32_t> lengths;
  int64_t H, G, D, window;
  bool alibi;
};

const AttentionCase kAttentionCases[] = {
    {"one token", {1}, 2, 2, 8, 0, false},
    {"tails", {5, 0, 19, 1}, 2, 2, 24, 0, false},
    {"whole tiles", {64, 128}, 1, 1, 64, 0, false},
    {"tail tiles alibi", {65, 130}, 3, 3, 40, 0, true},
    {"grouped", {70, 33}, 6, 2, 72, 0, false},
    {"window", {150}, 2, 1, 16, 70, false},
    {"window of a tile", {200}, 1, 1, 8, 64, false},
    {"short window", {90}, 2, 2, 16, 3, true},
    {"model", {100}, 2, 2, 128, 0, false},
    {"large heads", {67}, 1, 1, 256, 0, false},
};

// What the forward pass gives, in f32.
inline void attend(const AttentionBackwardParams& p, Matrix& out) {
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

}  // namespace bc::test
