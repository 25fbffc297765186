// The formulas of reference_train.h, by which the tests of the ops of training judge them, against central
// differences of the forward ops in double: along a random direction d, (L(x + h d) - L(x - h d)) / 2h is
// dL/dx . d but for terms of h^2. L is the output times random numbers, so that dL/dy is these.
#include "check.h"
#include "reference_train.h"

using namespace bc;
using namespace bc::test;

namespace {

// h is a power of two; the inputs are of 12 bits, so that x + h d is exact in f32, which params hold.
constexpr double kStep = 0x1p-10;

float coarse(Random& random) { return std::nearbyint(random.normal() * 0x1p9f) * 0x1p-9f; }

// Inputs of a forward pass, and a direction for each.
struct Point {
  std::vector<float> x, direction;

  Point(int64_t n, Random& random) {
    for (int64_t i = 0; i < n; ++i) {
      x.push_back(coarse(random));
      direction.push_back(static_cast<float>(random.below(9) - 4));
    }
  }
  std::vector<float> moved(double by) const {
    std::vector<float> out;
    for (size_t i = 0; i < x.size(); ++i)
      out.push_back(
          static_cast<float>(static_cast<double>(x[i]) + by * static_cast<double>(direction[i])));
    return out;
  }
  // The gradient, from entry `from` of an oracle's outputs on, along the direction.
  double along(const std::vector<Expected>& gradient, size_t from) const {
    double sum = 0.0;
    for (size_t i = 0; i < x.size(); ++i)
      sum += gradient[from + i].value * static_cast<double>(direction[i]);
    return sum;
  }
};

// What a forward op gives, times the random numbers.
double loss_of(const std::vector<Expected>& out, const std::vector<float>& dy) {
  double sum = 0.0;
  for (size_t i = 0; i < dy.size(); ++i) sum += out[i].value * static_cast<double>(dy[i]);
  return sum;
}

std::vector<float> numbers(int64_t n, Random& random) {
  std::vector<float> out;
  for (int64_t i = 0; i < n; ++i) out.push_back(coarse(random));
  return out;
}

template <class Loss>
void compare(Check& check, const char* what, const Point& at, double gradient, Loss&& loss) {
  const double wide = (loss(at.moved(2.0 * kStep)) - loss(at.moved(-2.0 * kStep))) / (4.0 * kStep);
  const double close = (loss(at.moved(kStep)) - loss(at.moved(-kStep))) / (2.0 * kStep);
  // Richardson's extrapolation takes off the term of h^2; what is left is below what h changes.
  const double slope = (4.0 * close - wide) / 3.0;
  const double tolerance = std::fabs(close - wide) * 0.05 + 1e-7 * (1.0 + std::fabs(slope));
  check.that(std::fabs(slope - gradient) <= tolerance, what);
}

void run_matmul(Check& check) {
  check.begin("matmul", 1);
  Random random(1);
  constexpr int64_t M = 3;
  constexpr int64_t N = 5;
  constexpr int64_t K = 7;
  const Point x(M * K, random);
  const Point w(N * K, random);
  const std::vector<float> dy = numbers(M * N, random);
  const std::vector<float> scale = numbers(N, random);
  const auto loss = [&](const std::vector<float>& in, const std::vector<float>& of) {
    return loss_of(
        reference::matmul({nullptr, Type::f32, N, in.data(), Type::f32, K, of.data(), Type::f32, K,
                           scale.data(), nullptr, M, N, K, Epilogue::none, true, true, nullptr}),
        dy);
  };
  std::vector<float> dx(M * K), dw(N * K);
  const std::vector<Expected> input = reference::matmul_backward_input(
      {dx.data(), K, dy.data(), N, w.x.data(), Type::f32, K, scale.data(), M, N, K, false, true},
      false);
  compare(check, "dx", x, x.along(input, 0),
          [&](const std::vector<float>& in) { return loss(in, w.x); });
  std::vector<float> scaled = dy;
  for (size_t i = 0; i < scaled.size(); ++i) scaled[i] *= scale[i % N];
  const std::vector<Expected> weight = reference::matmul_backward_weight(
      {dw.data(), K, scaled.data(), N, x.x.data(), K, M, N, K, true}, false);
  compare(check, "dw", w, w.along(weight, 0),
          [&](const std::vector<float>& of) { return loss(x.x, of); });
}

void run_rms_norm(Check& check) {
  check.begin("rms_norm", 2);
  Random random(2);
  constexpr int64_t T = 3;
  constexpr int64_t C = 11;
  const Point x(T * C, random);
  const Point weight(C, random);
  const std::vector<float> dy = numbers(T * C, random);
  const auto loss = [&](std::vector<float> in, const std::vector<float>& of) {
    RmsNormParams p{};
    p.x = in.data();
    p.x_ld = C;
    p.weight = of.data();
    p.weight_type = Type::f32;
    p.T = T;
    p.C = C;
    p.eps = 0.01f;
    return loss_of(reference::rms_norm(p), dy);
  };
  std::vector<float> dx(T * C), dweight(C);
  const std::vector<Expected> gradient =
      reference::rms_norm_backward({dx.data(), C, dweight.data(), dy.data(), C, x.x.data(), C,
                                    weight.x.data(), Type::f32, T, C, 0.01f});
  compare(check, "dx", x, x.along(gradient, 0),
          [&](const std::vector<float>& in) { return loss(in, weight.x); });
  compare(check, "dweight", weight, weight.along(gradient, T * C),
          [&](const std::vector<float>& of) { return loss(x.x, of); });
}

void run_swiglu(Check& check) {
  check.begin("swiglu", 3);
  Random random(3);
  constexpr int64_t F = 13;
  const Point gate(F, random);
  const Point up(F, random);
  const std::vector<float> dy = numbers(F, random);
  const auto loss = [&](const std::vector<float>& g, const std::vector<float>& u) {
    return loss_of(reference::swiglu({nullptr, F, g.data(), F, u.data(), F, Type::f32, 1, F}), dy);
  };
  const std::vector<Expected> gradient = reference::swiglu_backward(
      {nullptr, F, nullptr, F, dy.data(), F, gate.x.data(), F, up.x.data(), F, 1, F});
  compare(check, "dgate", gate, gate.along(gradient, 0),
          [&](const std::vector<float>& g) { return loss(g, up.x); });
  compare(check, "dup", up, up.along(gradient, F),
          [&](const std::vector<float>& u) { return loss(gate.x, u); });
}

void run_rope(Check& check, bool normed) {
  check.begin(normed ? "rope normed" : "rope", 4);
  Random random(4);
  constexpr int64_t T = 2;
  constexpr int64_t D = 8;
  constexpr int64_t H = 2;
  constexpr int64_t kWidth = (H + 2) * D;
  const Point qkv(T * kWidth, random);
  const Point norms(2 * D, random);
  const std::vector<float> dy = numbers(T * kWidth, random);
  const std::vector<int32_t> positions = {3, 17};
  RopeParams p{};
  p.ld = kWidth;
  p.positions = positions.data();
  p.T = T;
  p.H = H;
  p.G = 1;
  p.D = D;
  p.scale = 1.25f;
  p.norm_type = Type::f32;
  p.eps = 0.01f;
  for (int64_t k = 0; k < D / 2; ++k) p.frequencies[k] = std::pow(0.5, static_cast<double>(k));
  const auto loss = [&](std::vector<float> in, const std::vector<float>& of) {
    RopeParams forward = p;
    forward.qkv = in.data();
    forward.q_norm = normed ? of.data() : nullptr;
    forward.k_norm = normed ? of.data() + D : nullptr;
    return loss_of(reference::rope(forward), dy);
  };
  std::vector<float> dqkv = dy;
  std::vector<float> dnorms(2 * D);
  RopeBackwardParams back{};
  back.dqkv = dqkv.data();
  back.dqkv_ld = kWidth;
  back.qkv = qkv.x.data();
  back.qkv_ld = kWidth;
  back.forward = p;
  if (normed) {
    back.dq_norm = dnorms.data();
    back.dk_norm = dnorms.data() + D;
    back.forward.q_norm = norms.x.data();
    back.forward.k_norm = norms.x.data() + D;
  }
  const std::vector<Expected> gradient = reference::rope_backward(back);
  compare(check, "dqkv", qkv, qkv.along(gradient, 0),
          [&](const std::vector<float>& in) { return loss(in, norms.x); });
  if (!normed) return;
  compare(check, "dnorms", norms, norms.along(gradient, T * kWidth),
          [&](const std::vector<float>& of) { return loss(qkv.x, of); });
}

void run_attention(Check& check, bool alibi, int64_t window) {
  check.begin("attention window " + std::to_string(window) + (alibi ? " alibi" : ""), 5);
  Random random(5);
  constexpr int64_t T = 9;
  constexpr int64_t D = 8;
  constexpr int64_t H = 4;
  constexpr int64_t G = 2;
  constexpr int64_t kWidth = (H + 2 * G) * D;
  const Point qkv(T * kWidth, random);
  const std::vector<float> dout = numbers(T * H * D, random);
  const std::vector<float> slopes = numbers(H, random);
  const std::vector<int32_t> offsets = {0, 6, 9};
  AttentionBackwardParams p{};
  p.dout = dout.data();
  p.dout_ld = H * D;
  p.offsets = offsets.data();
  p.T = T;
  p.B = 2;
  p.slopes = alibi ? slopes.data() : nullptr;
  p.H = H;
  p.G = G;
  p.D = D;
  p.window = window;
  p.qkv_ld = kWidth;
  const auto loss = [&](const std::vector<float>& in) {
    AttentionBackwardParams at = p;
    at.qkv = in.data();
    double sum = 0.0;
    for (int64_t b = 0; b < p.B; ++b) {
      const int64_t first = offsets[static_cast<size_t>(b)];
      const int64_t S = offsets[static_cast<size_t>(b) + 1] - first;
      for (int64_t h = 0; h < H; ++h) {
        const reference::HeadWeights of = reference::head_weights(at, first, S, h);
        for (int64_t i = 0; i < S; ++i) {
          for (int64_t j = 0; j <= i; ++j) {
            for (int64_t d = 0; d < D; ++d) {
              sum +=
                  of.p[static_cast<size_t>(i * S + j)] *
                  static_cast<double>(
                      in[static_cast<size_t>((first + j) * kWidth + (H + G + h / 2) * D + d)]) *
                  static_cast<double>(dout[static_cast<size_t>((first + i) * H * D + h * D + d)]);
            }
          }
        }
      }
    }
    return sum;
  };
  p.qkv = qkv.x.data();
  compare(check, "dqkv", qkv, qkv.along(reference::attention_backward(p), 0), loss);
}

void run_cross_entropy(Check& check) {
  check.begin("cross_entropy", 6);
  Random random(6);
  constexpr int64_t T = 3;
  constexpr int64_t V = 17;
  const Point x(T * V, random);
  const std::vector<int32_t> targets = {4, -1, 16};
  const std::vector<float> scales = {0.75f, 1.0f, -0.5f};
  const auto outputs = [&](std::vector<float> in) {
    return reference::cross_entropy({in.data(), V, nullptr, targets.data(), scales.data(), T, V});
  };
  compare(check, "x", x, x.along(outputs(x.x), 0), [&](const std::vector<float>& in) {
    const std::vector<Expected> out = outputs(in);
    double sum = 0.0;
    for (size_t t = 0; t < T; ++t) sum += static_cast<double>(scales[t]) * out[T * V + t].value;
    return sum;
  });
}

void run_row_norms(Check& check) {
  check.begin("row_norms", 7);
  Random random(7);
  constexpr int64_t N = 3;
  constexpr int64_t K = 11;
  const Point w(N * K, random);
  const std::vector<float> du = numbers(N * K, random);
  const auto norm = [&](const std::vector<float>& in, int64_t n) {
    double sum = 0.0;
    for (int64_t k = 0; k < K; ++k)
      sum += static_cast<double>(in[static_cast<size_t>(n * K + k)]) *
             static_cast<double>(in[static_cast<size_t>(n * K + k)]);
    return 1.0 / std::sqrt(sum);
  };
  std::vector<float> dw = du;
  std::vector<float> norms;
  for (int64_t n = 0; n < N; ++n) norms.push_back(static_cast<float>(norm(w.x, n)));
  const std::vector<Expected> gradient =
      reference::row_norms_backward({dw.data(), K, w.x.data(), Type::f32, K, norms.data(), N, K});
  compare(check, "dw", w, w.along(gradient, 0), [&](const std::vector<float>& in) {
    double sum = 0.0;
    for (int64_t i = 0; i < N * K; ++i)
      sum += norm(in, i / K) * static_cast<double>(in[static_cast<size_t>(i)]) *
             static_cast<double>(du[static_cast<size_t>(i)]);
    return sum;
  });
}

}  // namespace

int main() {
  Check check("gradients");
  run_matmul(check);
  run_rms_norm(check);
  run_swiglu(check);
  for (const bool normed : {false, true}) run_rope(check, normed);
  for (const bool alibi : {false, true}) {
    for (const int64_t window : {0, 3}) run_attention(check, alibi, window);
  }
  run_cross_entropy(check);
  run_row_norms(check);
  return check.result();
}
