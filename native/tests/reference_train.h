// The ops of training as plain loops in double, as in reference.h: what each output is, and the error that
// f32 explains. gradients_test.cpp holds these formulas against differences of the forward ops.
#pragma once

#include "reference.h"
#include "train.h"

namespace bc::reference {

inline double weight_element(const void* w, Type type, int64_t ld, int64_t K, int64_t n,
                             int64_t k) {
  return is_quantized(type) ? packed_element(w, type, K, n, k) : element(w, type, n * ld + k);
}

// A sum of n products in f32 errs by (n + 4) u of the magnitudes: n - 1 additions, the product, a factor, and
// the addition to what was there. Pairs round both factors to bf16 besides.
inline Expected of_sum(double sum, double magnitude, double before, int64_t n, bool pairs) {
  const double bf16 = test::rounding_of(Type::bf16);
  const double rounded = pairs ? 2.0 * bf16 + bf16 * bf16 : 0.0;
  return {before + sum, magnitude * ((static_cast<double>(n) + 4.0) * kRounding + rounded) +
                            std::fabs(before) * kRounding};
}

// dx [M,K] for dx as it is before the op.
inline std::vector<Expected> matmul_backward_input(const MatmulBackwardInputParams& p, bool pairs) {
  std::vector<Expected> out;
  std::vector<double> w;
  for (int64_t n = 0; n < p.N; ++n) {
    const double scale = p.row_scale == nullptr ? 1.0 : static_cast<double>(p.row_scale[n]);
    for (int64_t k = 0; k < p.K; ++k)
      w.push_back(scale * weight_element(p.w, p.w_type, p.w_ld, p.K, n, k));
  }
  const auto K = static_cast<size_t>(p.K);
  for (int64_t m = 0; m < p.M; ++m) {
    std::vector<double> sums(K), magnitudes(K);
    for (int64_t n = 0; n < p.N; ++n)
      multiply_add(static_cast<double>(p.dy[m * p.dy_ld + n]), w.data() + n * p.K, sums,
                   magnitudes);
    for (size_t k = 0; k < K; ++k) {
      const double before =
          p.accumulate ? static_cast<double>(p.dx[m * p.dx_ld + static_cast<int64_t>(k)]) : 0.0;
      out.push_back(of_sum(sums[k], magnitudes[k], before, p.N, pairs));
    }
  }
  return out;
}

// dw [N,K] for dw as it is before the op.
inline std::vector<Expected> matmul_backward_weight(const MatmulBackwardWeightParams& p,
                                                    bool pairs) {
  const auto K = static_cast<size_t>(p.K);
  std::vector<double> x;
  for (int64_t m = 0; m < p.M; ++m) {
    for (int64_t k = 0; k < p.K; ++k) x.push_back(static_cast<double>(p.x[m * p.x_ld + k]));
  }
  std::vector<Expected> out;
  for (int64_t n = 0; n < p.N; ++n) {
    std::vector<double> sums(K), magnitudes(K);
    for (int64_t m = 0; m < p.M; ++m)
      multiply_add(static_cast<double>(p.dy[m * p.dy_ld + n]), x.data() + m * p.K, sums,
                   magnitudes);
    for (size_t k = 0; k < K; ++k) {
      const auto before = static_cast<double>(p.dw[n * p.dw_ld + static_cast<int64_t>(k)]);
      out.push_back(of_sum(sums[k], magnitudes[k], before, p.M, pairs));
    }
  }
  return out;
}

// What a normalized row of width C gives back: sums of C terms in 32 chains or fewer.
struct NormGradient {
  std::vector<double> dx, tolerance;
  double f;
};
inline NormGradient norm_gradient(const std::vector<double>& x, const std::vector<double>& weight,
                                  const std::vector<double>& dy, double eps) {
  const size_t C = x.size();
  const auto width = static_cast<double>(C);
  double squares = 0.0;
  double products = 0.0;
  double magnitude = 0.0;
  for (size_t c = 0; c < C; ++c) {
    squares += x[c] * x[c];
    products += x[c] * weight[c] * dy[c];
    magnitude += std::fabs(x[c] * weight[c] * dy[c]);
  }
  NormGradient out;
  out.f = 1.0 / std::sqrt(squares / width + eps);
  const double terms = width / 16.0 + 10.0;  // of a chain and across lanes
  for (size_t c = 0; c < C; ++c) {
    const double straight = weight[c] * dy[c];
    const double along = x[c] * out.f * out.f / width;
    out.dx.push_back(out.f * (straight - along * products));
    // f errs by half the roundings of its sum and 3 more, and enters cubed at most.
    const double roundings = 1.5 * terms + 12.0;
    out.tolerance.push_back(
        kRounding * out.f *
        (std::fabs(straight) * roundings + std::fabs(along) * magnitude * (roundings + terms)));
  }
  return out;
}

template <class T>
std::vector<double> doubles(const T* x, int64_t n) {
  std::vector<double> out;
  for (int64_t i = 0; i < n; ++i) out.push_back(static_cast<double>(x[i]));
  return out;
}
inline std::vector<double> doubles(const void* x, Type type, int64_t n) {
  std::vector<double> out;
  for (int64_t i = 0; i < n; ++i) out.push_back(element(x, type, i));
  return out;
}

// dx [T,C] for dx as it is before the op, then dweight [C] likewise, if there is one.
inline std::vector<Expected> rms_norm_backward(const RmsNormBackwardParams& p) {
  std::vector<Expected> out;
  const std::vector<double> weight = doubles(p.weight, p.weight_type, p.C);
  std::vector<double> sums(static_cast<size_t>(p.C)), magnitudes(sums.size());
  for (int64_t t = 0; t < p.T; ++t) {
    const std::vector<double> x = doubles(p.x + t * p.x_ld, p.C);
    const std::vector<double> dy = doubles(p.dy + t * p.dy_ld, p.C);
    const NormGradient of = norm_gradient(x, weight, dy, static_cast<double>(p.eps));
    for (size_t c = 0; c < x.size(); ++c) {
      const auto before = static_cast<double>(p.dx[t * p.dx_ld + static_cast<int64_t>(c)]);
      out.push_back({before + of.dx[c],
                     of.tolerance[c] + kRounding * (std::fabs(before) + std::fabs(of.dx[c]))});
      sums[c] += dy[c] * x[c] * of.f;
      magnitudes[c] += std::fabs(dy[c] * x[c] * of.f);
    }
  }
  const double roundings =
      static_cast<double>(p.T) + 0.5 * (static_cast<double>(p.C) / 16.0 + 10.0) + 8.0;
  for (int64_t c = 0; c < p.C && p.dweight != nullptr; ++c) {
    const auto before = static_cast<double>(p.dweight[c]);
    const auto i = static_cast<size_t>(c);
    out.push_back(
        {before + sums[i], kRounding * (magnitudes[i] * roundings + std::fabs(before + sums[i]))});
  }
  return out;
}

// dgate [T,F], then dup.
inline std::vector<Expected> swiglu_backward(const SwigluBackwardParams& p) {
  std::vector<Expected> gates;
  std::vector<Expected> ups;
  for (int64_t t = 0; t < p.T; ++t) {
    for (int64_t f = 0; f < p.F; ++f) {
      const auto g = static_cast<double>(p.gate[t * p.gate_ld + f]);
      const auto u = static_cast<double>(p.up[t * p.up_ld + f]);
      const auto dy = static_cast<double>(p.dy[t * p.dy_ld + f]);
      const double s = 1.0 / (1.0 + std::exp(-g));
      const double slope = s * (1.0 + g * (1.0 - s));
      // s errs by 5 u, 1 - s by 7 u of itself; terms of the slope cancel about g = -1.3. What is below
      // the normal numbers of f32 is lost.
      const double lost = (std::fabs(g) + 1.0) * 0x1p-126 * std::fabs(dy) * (std::fabs(u) + 1.0);
      const double size = s * (1.0 + std::fabs(g) * (1.0 - s));
      gates.push_back(
          {dy * u * slope, std::fabs(dy * u) * size * 18.0 * kRounding + lost + 0x1p-149});
      ups.push_back({dy * g * s, std::fabs(dy * g * s) * 9.0 * kRounding + lost + 0x1p-149});
    }
  }
  gates.insert(gates.end(), ups.begin(), ups.end());
  return gates;
}

// dqkv [T,(H+2G)D] for dqkv as it is before the op, then dq_norm and dk_norm [D] likewise, if asked for.
inline std::vector<Expected> rope_backward(const RopeBackwardParams& p) {
  const RopeParams& of = p.forward;
  const int64_t width = (of.H + 2 * of.G) * of.D;
  const auto D = static_cast<size_t>(of.D);
  const bool normed = of.q_norm != nullptr;
  std::vector<Expected> out(static_cast<size_t>(of.T * width));
  std::vector<double> sums(2 * D), magnitudes(2 * D);
  for (int64_t t = 0; t < of.T; ++t) {
    const float* d = p.dqkv + t * p.dqkv_ld;
    Expected* y = out.data() + t * width;
    for (int64_t c = 0; c < width; ++c) y[c] = {static_cast<double>(d[c]), 0.0};
    for (int64_t h = 0; h < of.H + of.G; ++h, y += of.D) {
      std::vector<double> dy(D), length(D);
      for (int64_t k = 0; k < of.D / 2; ++k) {
        const double angle = of.positions[t] * of.frequencies[k];
        const double a = y[k].value * static_cast<double>(of.scale);
        const double b = y[k + of.D / 2].value * static_cast<double>(of.scale);
        const auto low = static_cast<size_t>(k);
        const auto high = static_cast<size_t>(k + of.D / 2);
        dy[low] = a * std::cos(angle) + b * std::sin(angle);
        dy[high] = b * std::cos(angle) - a * std::sin(angle);
        length[low] = length[high] = 1.4143 * 4.0 * kRounding * std::sqrt(a * a + b * b);
      }
      if (!normed) {
        for (size_t i = 0; i < D; ++i) y[i] = {dy[i], length[i]};
        continue;
      }
      const bool query = h < of.H;
      const std::vector<double> x = doubles(p.qkv + t * p.qkv_ld + h * of.D, of.D);
      const std::vector<double> weight = doubles(query ? of.q_norm : of.k_norm, of.norm_type, of.D);
      const NormGradient back = norm_gradient(x, weight, dy, static_cast<double>(of.eps));
      double carried = 0.0;  // errors of dy, along x
      for (size_t i = 0; i < D; ++i) carried += std::fabs(x[i] * weight[i]) * length[i];
      for (size_t i = 0; i < D; ++i) {
        const double along = std::fabs(x[i]) * back.f * back.f / static_cast<double>(D) * carried;
        y[i] = {back.dx[i],
                back.tolerance[i] + back.f * (std::fabs(weight[i]) * length[i] + along)};
        const size_t at = query ? i : D + i;
        sums[at] += dy[i] * x[i] * back.f;
        magnitudes[at] += std::fabs(x[i] * back.f) * (std::fabs(dy[i]) + length[i] / kRounding);
      }
    }
  }
  for (size_t i = 0; i < 2 * D && p.dq_norm != nullptr; ++i) {
    const auto before = static_cast<double>(i < D ? p.dq_norm[i] : p.dk_norm[i - D]);
    const double roundings = static_cast<double>(of.T * of.H + of.D / 32 + 16);
    out.push_back(
        {before + sums[i], kRounding * (magnitudes[i] * roundings + std::fabs(before) * 2.0)});
  }
  return out;
}

// The weights p_ij of a head of a sample, i from 0, and what they are made of.
struct HeadWeights {
  std::vector<double> p;  // [S,S]
  double error;           // of p, relative
};
inline HeadWeights head_weights(const AttentionBackwardParams& p, int64_t first, int64_t S,
                                int64_t h) {
  HeadWeights out{std::vector<double>(static_cast<size_t>(S * S)), 0.0};
  const double root = std::sqrt(static_cast<double>(p.D));
  const double slope = p.slopes == nullptr ? 0.0 : static_cast<double>(p.slopes[h]);
  for (int64_t i = 0; i < S; ++i) {
    double* const row = out.p.data() + i * S;
    const int64_t oldest = p.window > 0 && i >= p.window ? i - p.window + 1 : 0;
    double most = -HUGE_VAL;
    for (int64_t j = oldest; j <= i; ++j) {
      const float* const q = p.qkv + (first + i) * p.qkv_ld + h * p.D;
      const float* const k = p.qkv + (first + j) * p.qkv_ld + (p.H + h / (p.H / p.G)) * p.D;
      double sum = 0.0;
      double magnitude = 0.0;
      for (int64_t d = 0; d < p.D; ++d) {
        const double product = static_cast<double>(q[d]) * static_cast<double>(k[d]);
        sum += product;
        magnitude += std::fabs(product);
      }
      const double bias = slope * static_cast<double>(j - i);
      row[j] = sum / root + bias;
      most = std::fmax(most, row[j]);
      out.error =
          std::fmax(out.error, kRounding * (magnitude / root * (static_cast<double>(p.D) + 4.0) +
                                            2.0 * std::fabs(row[j]) + 2.0 * std::fabs(bias)));
    }
    double total = 0.0;
    for (int64_t j = oldest; j <= i; ++j) total += row[j] = std::exp(row[j] - most);
    for (int64_t j = oldest; j <= i; ++j) row[j] /= total;
  }
  // Numerator and sum, exp itself, and the sum of S terms.
  out.error = 2.0 * (out.error + 3.0 * kRounding) + (static_cast<double>(S) + 8.0) * kRounding;
  return out;
}

// dqkv [T,(H+2G)D]. out is what the forward pass gave, so that do . o = sum_j p_ij dp_ij but for its error,
// which is relative to sum_j p_ij |v_j|.
inline std::vector<Expected> attention_backward(const AttentionBackwardParams& p) {
  const int64_t width = (p.H + 2 * p.G) * p.D;
  std::vector<Expected> out(static_cast<size_t>(p.T * width), Expected{0.0, 0.0});
  const double root = std::sqrt(static_cast<double>(p.D));
  for (int64_t b = 0; b < p.B; ++b) {
    const int64_t first = p.offsets[b];
    const int64_t S = p.offsets[b + 1] - first;
    const double sums = (static_cast<double>(std::max(S, p.D)) + 8.0) * kRounding;
    for (int64_t h = 0; h < p.H; ++h) {
      const int64_t g = h / (p.H / p.G);
      const HeadWeights weights = head_weights(p, first, S, h);
      const auto add = [&](int64_t i, int64_t head, int64_t d, double value, double tolerance) {
        Expected& to = out[static_cast<size_t>((first + i) * width + head * p.D + d)];
        to.value += value;
        to.tolerance += tolerance;
      };
      for (int64_t i = 0; i < S; ++i) {
        const float* const q = p.qkv + (first + i) * p.qkv_ld + h * p.D;
        const float* const dout = p.dout + (first + i) * p.dout_ld + h * p.D;
        std::vector<double> dp(static_cast<size_t>(i + 1)), sizes(dp.size());
        double delta = 0.0;
        double delta_size = 0.0;
        for (int64_t j = 0; j <= i; ++j) {
          const float* const v = p.qkv + (first + j) * p.qkv_ld + (p.H + p.G + g) * p.D;
          for (int64_t d = 0; d < p.D; ++d) {
            const double product = static_cast<double>(dout[d]) * static_cast<double>(v[d]);
            dp[static_cast<size_t>(j)] += product;
            sizes[static_cast<size_t>(j)] += std::fabs(product);
          }
          const double weight = weights.p[static_cast<size_t>(i * S + j)];
          delta += weight * dp[static_cast<size_t>(j)];
          delta_size += weight * sizes[static_cast<size_t>(j)];
        }
        for (int64_t j = 0; j <= i; ++j) {
          const double weight = weights.p[static_cast<size_t>(i * S + j)];
          if (weight == 0.0) continue;
          const float* const k = p.qkv + (first + j) * p.qkv_ld + (p.H + g) * p.D;
          const double ds = weight * (dp[static_cast<size_t>(j)] - delta);
          const double ds_size = weight * (sizes[static_cast<size_t>(j)] + delta_size);
          const double ds_error = ds_size * (2.0 * weights.error + 2.0 * sums);
          for (int64_t d = 0; d < p.D; ++d) {
            const auto of_q = static_cast<double>(q[d]);
            const auto of_k = static_cast<double>(k[d]);
            const auto of_out = static_cast<double>(dout[d]);
            add(i, h, d, ds * of_k / root,
                std::fabs(of_k) / root * (ds_error + std::fabs(ds) * sums));
            add(j, p.H + g, d, ds * of_q / root,
                std::fabs(of_q) / root * (ds_error + std::fabs(ds) * sums * 2.0));
            add(j, p.H + p.G + g, d, weight * of_out,
                std::fabs(of_out) * weight * (weights.error + 2.0 * sums));
          }
        }
      }
    }
  }
  return out;
}

// x [T,V], then loss [T].
inline std::vector<Expected> cross_entropy(const CrossEntropyParams& p) {
  std::vector<Expected> out;
  std::vector<Expected> losses;
  for (int64_t t = 0; t < p.T; ++t) {
    const std::vector<double> x = doubles(p.x + t * p.x_ld, p.V);
    if (p.targets[t] < 0) {
      out.insert(out.end(), x.size(), Expected{0.0, 0.0});
      losses.push_back({0.0, 0.0});
      continue;
    }
    const double most = *std::max_element(x.begin(), x.end());
    double sum = 0.0;
    for (const double one : x) sum += std::exp(one - most);
    const double relative = (static_cast<double>(p.V) / 64.0 + 16.0) * kRounding;
    for (int64_t v = 0; v < p.V; ++v) {
      const double of = x[static_cast<size_t>(v)] - most;
      const double probability = std::exp(of) / sum;
      const double right = v == p.targets[t] ? 1.0 : 0.0;
      const double scale = static_cast<double>(p.scales[t]);
      // The argument of exp is rounded, and what is below the normal numbers is lost.
      const double error = probability * (relative + std::fabs(of) * kRounding) + 0x1p-126;
      out.push_back({(probability - right) * scale,
                     std::fabs(scale) * (error + (probability + right) * kRounding)});
    }
    const double loss = std::log(sum) + most - x[static_cast<size_t>(p.targets[t])];
    // Of each term of the sum the error of its argument: at most that of the largest ones.
    losses.push_back({loss, relative + 32.0 * kRounding + std::fabs(loss) * kRounding});
  }
  out.insert(out.end(), losses.begin(), losses.end());
  return out;
}

// dw [N,K] for dw as it is before the op.
inline std::vector<Expected> row_norms_backward(const RowNormsBackwardParams& p) {
  std::vector<Expected> out;
  for (int64_t n = 0; n < p.N; ++n) {
    const auto r = static_cast<double>(p.norms[n]);
    double along = 0.0;
    double magnitude = 0.0;
    for (int64_t k = 0; k < p.K; ++k) {
      const double product =
          element(p.w, p.w_type, n * p.w_ld + k) * static_cast<double>(p.dw[n * p.dw_ld + k]);
      along += product;
      magnitude += std::fabs(product);
    }
    const double roundings = static_cast<double>(p.K) / 16.0 + 12.0;
    for (int64_t k = 0; k < p.K; ++k) {
      const double w = element(p.w, p.w_type, n * p.w_ld + k);
      const auto du = static_cast<double>(p.dw[n * p.dw_ld + k]);
      out.push_back(
          {r * (du - r * r * along * w),
           kRounding * r * (std::fabs(du) * 3.0 + r * r * magnitude * std::fabs(w) * roundings)});
    }
  }
  return out;
}

}  // namespace bc::reference
