// The ops of training as baichuan.h has them, on the context of any device: what they refuse, and that they do
// something.
#pragma once

#include <cmath>
#include <limits>

#include "api_checks.h"

namespace bc::test {

inline bc_tensor* filled(bc_context* context, const std::vector<int64_t>& shape, float value) {
  bc_tensor* out = tensor(context, BC_F32, shape);
  int64_t n = 1;
  for (const int64_t size : shape) n *= size;
  write(out, std::vector<float>(static_cast<size_t>(n), value));
  return out;
}

inline void run_products(bc_context* context) {
  bc_tensor* dy = filled(context, {2, 3}, 1.0f);
  bc_tensor* w = filled(context, {3, 4}, 2.0f);
  bc_tensor* x = filled(context, {2, 4}, 0.5f);
  bc_tensor* dx = filled(context, {2, 4}, 10.0f);
  is_ok("input", bc_matmul_backward_input(context, dx, dy, w, nullptr, 0) == BC_OK);
  is_ok("dx", read<float>(dx, 8) == std::vector<float>(8, 6.0f));
  is_ok("input", bc_matmul_backward_input(context, dx, dy, w, nullptr, 1) == BC_OK);
  is_ok("dx is added to", read<float>(dx, 8) == std::vector<float>(8, 12.0f));
  bc_tensor* dw = filled(context, {3, 4}, 1.0f);
  is_ok("weight", bc_matmul_backward_weight(context, dw, dy, x) == BC_OK);
  is_ok("dw", read<float>(dw, 12) == std::vector<float>(12, 2.0f));
  const auto input = [&](bc_tensor* to, bc_tensor* from, bc_tensor* of, bc_tensor* scale,
                         const char* message) {
    refuses("input", bc_matmul_backward_input(context, to, from, of, scale, 0), BC_INVALID_ARGUMENT,
            message);
  };
  input(dx, x, w, nullptr, "matmul_backward_input: dy has shape [2, 4], expected [2, 3]");
  input(dy, dy, w, nullptr, "matmul_backward_input: dx has shape [2, 3], expected [2, 4]");
  input(dx, dy, w, filled(context, {4}, 1.0f), "row_scale has shape [4], expected [3]");
  input(dx, dy, tensor(context, BC_I8, {3, 4}), nullptr, "w's type has value 4");
  input(dx, dy, nullptr, nullptr, "matmul_backward_input: w is null");
  bc_tensor* square = filled(context, {3, 3}, 1.0f);
  input(square, square, square, nullptr, "dx's storage");
  refuses("weight", bc_matmul_backward_weight(context, dw, x, dy), BC_INVALID_ARGUMENT,
          "matmul_backward_weight: dw has shape [3, 4], expected [4, 3]");
  refuses("weight", bc_matmul_backward_weight(context, dw, filled(context, {5, 3}, 1.0f), x),
          BC_INVALID_ARGUMENT, "matmul_backward_weight: dy has shape [5, 3], expected [2, 3]");
}

inline void run_attention(bc_context* context) {
  bc_tensor* qkv = filled(context, {3, 24}, 0.1f);
  bc_tensor* out = filled(context, {3, 8}, 0.1f);
  bc_tensor* dout = filled(context, {3, 8}, 1.0f);
  bc_tensor* dqkv = filled(context, {3, 24}, std::numeric_limits<float>::quiet_NaN());
  bc_tensor* offsets = tensor(context, BC_I32, {3});
  const auto attention = [&](const std::vector<int32_t>& at, bc_tensor* slopes, int32_t size,
                             int32_t window) {
    write(offsets, at);
    return bc_attention_backward(context, dqkv, dout, out, qkv, offsets, slopes, size, window);
  };
  is_ok("attention", attention({0, 1, 3}, nullptr, 8, 0) == BC_OK);
  // Every weight sums to 1: what comes to a value is as many queries as see it, in parts.
  double sum = 0.0;
  for (const float x : read<float>(dqkv, 72)) sum += static_cast<double>(x);
  is_ok("gradients of values", std::fabs(sum - 24.0) < 1e-5);
  const auto refused = [&](bc_status status, const char* message) {
    refuses("attention", status, BC_INVALID_ARGUMENT, message);
  };
  refused(attention({1, 1, 3}, nullptr, 8, 0), "offsets[0] has value 1, expected 0");
  refused(attention({0, 2, 1}, nullptr, 8, 0), "an offset has value 1");
  refused(attention({0, 1, 2}, nullptr, 8, 0), "the last offset has value 2");
  refused(attention({0, 1, 4}, nullptr, 8, 0), "the last offset has value 4");
  refused(attention({0, -5, 3}, nullptr, 8, 0), "an offset has value -5");
  refused(attention({0, 1, 3}, nullptr, 12, 0), "head size has value 12");
  refused(attention({0, 1, 3}, nullptr, 16, 0), "heads has value 0");
  refused(attention({0, 1, 3}, nullptr, 8, -1), "window has value -1");
  refused(attention({0, 1, 3}, filled(context, {2}, 1.0f), 8, 0), "slopes has shape [2]");

  const std::vector<double> frequencies(4, 1.0);
  bc_tensor* positions = tensor(context, BC_I32, {3});
  bc_tensor* norm = filled(context, {8}, 1.0f);
  bc_tensor* gradient = filled(context, {8}, 0.0f);
  const auto rope = [&](bc_tensor* dq, bc_tensor* dk, bc_tensor* before, bc_tensor* with) {
    return bc_rope_backward(context, dqkv, dq, dk, before, positions, 1, 8, frequencies.data(),
                            1.0f, with, with, 1e-6f);
  };
  is_ok("rope", rope(nullptr, nullptr, nullptr, nullptr) == BC_OK);
  is_ok("rope", rope(gradient, filled(context, {8}, 0.0f), qkv, norm) == BC_OK);
  refused(rope(nullptr, nullptr, nullptr, norm), "rope_backward: qkv is null");
  refused(rope(gradient, nullptr, qkv, norm), "gradients of norms has value 1");
  refused(rope(gradient, gradient, qkv, nullptr), "rope_backward: norms has value 0");
  refused(rope(nullptr, nullptr, out, norm), "qkv has shape [3, 8], expected [3, 24]");
  refused(rope(nullptr, nullptr, dqkv, norm), "qkv's storage");
}

inline void run_rows(bc_context* context) {
  bc_tensor* x = filled(context, {2, 8}, 1.0f);
  bc_tensor* dy = filled(context, {2, 8}, 1.0f);
  bc_tensor* dx = filled(context, {2, 8}, 0.0f);
  bc_tensor* weight = filled(context, {8}, 1.0f);
  bc_tensor* dweight = filled(context, {8}, 0.0f);
  is_ok("rms_norm", bc_rms_norm_backward(context, dx, dweight, dy, x, weight, 1e-6f) == BC_OK);
  is_ok("rms_norm", bc_rms_norm_backward(context, dx, nullptr, dy, x, weight, 1e-6f) == BC_OK);
  const auto refused = [&](bc_status status, const char* message) {
    refuses("rows", status, BC_INVALID_ARGUMENT, message);
  };
  refused(bc_rms_norm_backward(context, x, nullptr, dy, x, weight, 1e-6f), "dx's storage");
  refused(bc_rms_norm_backward(context, dx, weight, dy, x, x, 1e-6f),
          "rms_norm_backward: weight has shape [2, 8], expected rank 1");
  refused(bc_rms_norm_backward(context, dx, nullptr, dy, x, weight, NAN), "eps has value nan");

  is_ok("swiglu", bc_swiglu_backward(context, dx, dy, dy, dx, x) == BC_OK);
  refused(bc_swiglu_backward(context, dx, dx, dy, x, x), "dup has value 0, expected another");
  refused(bc_swiglu_backward(context, dx, dy, dy, x, filled(context, {2, 7}, 1.0f)),
          "up has shape [2, 7], expected [2, 8]");

  bc_tensor* loss = filled(context, {2}, 0.0f);
  bc_tensor* targets = tensor(context, BC_I32, {2});
  bc_tensor* scales = filled(context, {2}, 1.0f);
  write(targets, {-1, 7});
  is_ok("cross_entropy", bc_cross_entropy(context, x, loss, targets, scales) == BC_OK);
  is_ok("loss", std::fabs(read<float>(loss, 2)[1] - std::log(8.0f)) < 1e-6f);
  refused(bc_cross_entropy(context, x, loss, targets, weight),
          "scales has shape [8], expected [2]");
  write(targets, {0, 8});
  refused(bc_cross_entropy(context, x, loss, targets, scales), "targets[1] has value 8");
  write(targets, {-2, 0});
  refused(bc_cross_entropy(context, x, loss, targets, scales), "targets[0] has value -2");

  bc_tensor* table = filled(context, {3, 8}, 1.0f);
  write(targets, {2, 2});
  is_ok("embed",
        bc_embed_backward(context, table, filled(context, {2, 8}, 1.0f), targets) == BC_OK);
  is_ok("a row named twice", read<float>(table, 24)[16] == 3.0f);
  write(targets, {0, 3});
  refused(bc_embed_backward(context, table, dy, targets), "ids[1] has value 3");
  is_ok("row_norms", bc_row_norms_backward(context, table, filled(context, {3, 8}, 1.0f),
                                           filled(context, {3}, 0.3f)) == BC_OK);
  refused(bc_row_norms_backward(context, table, table, filled(context, {3}, 0.3f)), "dw's storage");

  double sum = 0.0;
  is_ok("squares", bc_sum_of_squares(context, filled(context, {3, 4}, 2.0f), &sum) == BC_OK);
  is_ok("their sum", sum == 48.0);
  refused(bc_sum_of_squares(context, x, nullptr), "sum_of_squares: sum is null");
  bc_tensor* part = nullptr;
  is_ok("view", bc_tensor_view(x, 0, 2, 0, 4, &part) == BC_OK);
  refused(bc_sum_of_squares(context, part, &sum), "expected rows without gaps");
  refused(bc_zero(context, part), "expected rows without gaps");
  is_ok("zero", bc_zero(context, x) == BC_OK);
  is_ok("zeros", read<float>(x, 16) == std::vector<float>(16, 0.0f));
}

inline void run_adamw(bc_context* context) {
  bc_tensor* w = filled(context, {2, 3}, 1.0f);
  bc_tensor* g = filled(context, {6}, 1.0f);
  bc_tensor* m = filled(context, {6}, 0.0f);
  bc_tensor* v = filled(context, {6}, 0.0f);
  struct Step {
    float rate = 0.1f;
    float beta1 = 0.9f;
    float beta2 = 0.999f;
    float eps = 1e-8f;
    float decay = 0.0f;
    float factor = 1.0f;
    int64_t number = 1;
  };
  Step step;
  const auto adamw = [&](bc_tensor* of, bc_tensor* copy, bc_tensor* first, bc_tensor* peaks) {
    return bc_adamw(context, of, copy, first, v, peaks, peaks, g, step.rate, step.beta1, step.beta2,
                    step.eps, step.decay, step.factor, step.number, 0);
  };
  is_ok("adamw", adamw(w, nullptr, m, nullptr) == BC_OK);
  is_ok("a first step is one of the rate", std::fabs(read<float>(w, 6)[0] - 0.9f) < 1e-6f);
  is_ok("copy", adamw(w, tensor(context, BC_BF16, {2, 3}), m, nullptr) == BC_OK);
  const auto refused = [&](bc_status status, const char* message) {
    refuses("adamw", status, BC_INVALID_ARGUMENT, message);
  };
  refused(adamw(tensor(context, BC_F16, {6}), nullptr, m, nullptr), "w's type has value 1");
  refused(adamw(w, g, m, nullptr), "copy has type f32, expected bf16");
  refused(adamw(w, nullptr, tensor(context, BC_I8, {6}), nullptr), "adamw: v has type f32");
  refused(adamw(w, nullptr, m, g), "m_peaks has value 1, expected peaks for i8");
  refused(adamw(filled(context, {7}, 1.0f), nullptr, m, nullptr),
          "m has value 6, expected as many");
  const auto wrong = [&](float Step::*field, float value, const char* message) {
    const float right = step.*field;
    step.*field = value;
    refused(adamw(w, nullptr, m, nullptr), message);
    step.*field = right;
  };
  wrong(&Step::rate, -1.0f, "rate has value -1");
  wrong(&Step::rate, NAN, "rate has value nan");
  wrong(&Step::beta1, 1.0f, "beta1 has value 1");
  wrong(&Step::beta2, -0.1f, "beta2 has value -0.1");
  wrong(&Step::eps, 0.0f, "eps has value 0");
  wrong(&Step::decay, INFINITY, "decay has value inf");
  wrong(&Step::factor, NAN, "factor has value nan");
  step.number = 0;
  refused(adamw(w, nullptr, m, nullptr), "step has value 0");
}

// No op of training is part of a plan.
inline void run_plan(bc_context* context) {
  bc_tensor* x = filled(context, {4}, 1.0f);
  is_ok("begin", bc_plan_begin(context) == BC_OK);
  refuses("plan", bc_zero(context, x), BC_INVALID_ARGUMENT,
          "zero: context is recording, expected it outside of a plan");
  bc_plan* plan = nullptr;
  bc_plan_end(context, &plan);
  is_ok("nothing ran", read<float>(x, 4)[0] == 1.0f);
}

inline void train_api(int32_t device) {
  bc_context* context = context_on(device);
  run_products(context);
  run_attention(context);
  run_rows(context);
  run_adamw(context);
  run_plan(context);
  is_ok("context_free", bc_context_free(context) == BC_OK);
}

}  // namespace bc::test
