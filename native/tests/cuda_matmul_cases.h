// Cases of matmul on a GPU: what goes in, what has to come out, and the bytes that it may take.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cpu/matmul/matrix_kernels.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "random_weights.h"
#include "reference.h"

namespace bc::test {

// What a block may have: on an H100, and on a GPU where only the narrow tile fits.
constexpr int64_t kLarge = 227 << 10;
constexpr int64_t kSmall = 99 << 10;

struct Case {
  int64_t M, N, K;
  Type type, w_type, out_type;
  bool row_scale = false;
  int schedules = 1;
  Epilogue epilogue = Epilogue::none;
  int sms = 132;
  int64_t shared_memory = kLarge;
  bool hopper = false;
  bool computed = false;  // x, by the kernel before: not to be read early
  int64_t period = 0;     // rows of x repeat after so many; 0: they do not
  bool bias = false;

  std::string name() const {
    return std::string(name_of(type)) + " w " + name_of(w_type) + " out " + name_of(out_type) +
           " M=" + std::to_string(M) + " N=" + std::to_string(N) + " K=" + std::to_string(K) +
           (row_scale ? " row_scale" : "") + (bias ? " bias" : "") +
           (epilogue == Epilogue::swiglu ? " swiglu" : "") + " sms=" + std::to_string(sms) +
           (shared_memory < kLarge ? " small" : "") + (hopper ? " hopper" : "");
  }
  // Codes are multiplied by mma.sync everywhere.
  bool by_wgmma() const { return hopper && !is_codes(w_type); }
  int64_t columns() const { return epilogue == Epilogue::swiglu ? N / 2 : N; }
};

// w as the CPU holds it, and as the GPU does.
struct Weights {
  std::vector<uint8_t> cpu, gpu;
};

inline Weights weights_of(const Case& c, const Matrix& w, ThreadPool& pool) {
  if (!is_quantized(c.w_type)) {
    const std::vector<uint8_t> rows = as_type(c.w_type, w.data);
    return {rows, rows};
  }
  const auto bytes = static_cast<size_t>(packed_bytes(c.w_type, c.N, c.K));
  Weights packed{std::vector<uint8_t>(bytes), std::vector<uint8_t>(bytes)};
  if (is_codes(c.w_type)) {
    Random random(static_cast<uint64_t>(c.N + c.K));
    packed.cpu = random_weights(c.w_type, c.N, c.K, random);
    cuda::repack(c.w_type, c.hopper, packed.gpu.data(), packed.cpu.data(), c.N, c.K);
    return packed;
  }
  double error[2];
  cpu::quantize(
      {packed.cpu.data(), c.w_type, w.row(0), Type::f32, w.ld, nullptr, c.N, c.K, error, nullptr},
      pool, cpu::matrix_kernels(cpu::Isa::scalar));
  cuda::repack(c.w_type, c.hopper, packed.gpu.data(), packed.cpu.data(), c.N, c.K);
  return packed;
}

// gate / (1 + exp(-gate)) * up of neighbours. The derivative of silu is within 1.1.
inline std::vector<Expected> swiglu_of(const std::vector<Expected>& sums) {
  std::vector<Expected> want;
  for (size_t i = 0; i < sums.size(); i += 2) {
    const Expected& gate = sums[i];
    const Expected& up = sums[i + 1];
    const double silu = gate.value / (1.0 + std::exp(-gate.value));
    const double value = silu * up.value;
    // ex2 and rcp, the rounding of what they get, two products.
    const double roundings = (8.0 + std::fabs(gate.value)) * kRounding;
    want.push_back({value, 1.1 * gate.tolerance * (std::fabs(up.value) + up.tolerance) +
                               std::fabs(silu) * up.tolerance + std::fabs(value) * roundings});
  }
  return want;
}

// Rows of whole sectors where bytes are counted, else the least that the op asks for.
inline int64_t gap_of(const Case& c) { return c.K >= 512 ? 16 : 8; }

// Row m of x is the same for every M, so that results can be held against each other.
inline Matrix x_of(const Case& c) {
  Random random(static_cast<uint64_t>(c.K * 7 + c.N));
  Matrix x(c.M, c.K, gap_of(c));
  x.fill([&] { return random.outlier(); });
  if (c.period > 0) {
    for (int64_t m = c.period; m < c.M; ++m) std::copy_n(x.row(m % c.period), c.K, x.row(m));
  }
  return rounded(c.type, x);
}

// Without pointers.
inline MatmulParams sizes_of(const Case& c) {
  MatmulParams p{};
  p.x_type = c.type;
  p.out_type = c.out_type;
  p.w_type = c.w_type;
  p.M = c.M;
  p.N = c.N;
  p.K = c.K;
  p.epilogue = c.epilogue;
  p.w_at_rest = true;
  return p;
}

inline cuda::Facts gpu_of(const Case& c) {
  cuda::Facts gpu;
  gpu.sms = c.sms;
  gpu.shared_memory = c.shared_memory;
  gpu.hopper = c.hopper;
  return gpu;
}

// Inputs of a case and what it should give, the same for every schedule.
struct Inputs {
  Inputs(const Case& c, ThreadPool& pool)
      : x(x_of(c)), w(c.N, c.K, gap_of(c)), scale(1, c.N, 0), bias(1, c.N, 0) {
    Random random(static_cast<uint64_t>(c.N * 10007 + c.K));
    w.fill([&] { return 0.02f * random.outlier(); });
    scale.fill([&] { return 1.0f + 0.3f * random.normal(); });
    bias.fill([&] { return random.normal(); });
    packed = weights_of(c, w, pool);
    // Weights as the types hold them are exact in f32. The kernels of Hopper round those of q8 and q4
    // to the type of x.
    for (int64_t n = 0; n < c.N; ++n) {
      for (int64_t k = 0; k < c.K; ++k) {
        w.row(n)[k] = static_cast<float>(
            is_quantized(c.w_type)
                ? reference::packed_element(packed.cpu.data(), c.w_type, c.K, n, k)
                : reference::element(packed.cpu.data(), c.w_type, n * w.ld + k));
      }
    }
    if (c.by_wgmma()) w = rounded(c.type, w);
    want = products(c, w);
    if (is_codes(c.w_type) && has_zeros(format_of(c.w_type).form)) widen_by_terms(c);
    if (c.epilogue == Epilogue::swiglu) want = swiglu_of(want);
    round_output(c.out_type, want);
  }

  std::vector<Expected> products(const Case& c, Matrix& of) {
    return reference::matmul({nullptr, Type::f32, 0, x.row(0), Type::f32, x.ld, of.row(0),
                              Type::f32, of.ld, c.row_scale ? scale.row(0) : nullptr,
                              c.bias ? bias.row(0) : nullptr, c.M, c.N, c.K, Epilogue::none, true,
                              true, nullptr});
  }

  // Of groups with zeros, what is added up are s (q - c) x and (s c + m) x apart, c = 2^(bits-1):
  // roundings are relative to the magnitudes of these.
  void widen_by_terms(const Case& c) {
    const CodeFormat f = format_of(c.w_type);
    const int64_t columns = group_columns(c.w_type);
    const auto middle = static_cast<float>(1 << (f.bits - 1));
    Matrix terms(c.N, c.K, 0);
    for (int64_t n = 0; n < c.N; ++n) {
      for (int64_t k = 0; k < c.K; ++k) {
        const uint8_t* group = packed.cpu.data() +
                               (n / kPanel * (c.K / columns) + k / columns) * group_bytes(c.w_type);
        const CodeLine line = code_line(f, group + value_bytes(c.w_type), n % kPanel);
        const float lift = std::fabs(line.base + line.scale * middle);
        terms.row(n)[k] = std::fabs(w.row(n)[k]) + 2.0f * lift;
      }
    }
    const std::vector<Expected> of_terms = products(c, terms);
    for (size_t i = 0; i < want.size(); ++i)
      want[i].tolerance = std::fmax(want[i].tolerance, of_terms[i].tolerance);
  }

  Matrix x, w, scale, bias;
  Weights packed;
  std::vector<Expected> want;
};

// Panels of w to a block that reads all of x, for few tokens.
inline int64_t panels_of_block(const Case& c) {
  if (c.by_wgmma()) return 2;
  if (c.M <= 8) return 1;
  if (is_codes(c.w_type)) return c.M > 16 ? 3 : 2;
  return (is_quantized(c.w_type) ? 2 : 1) * (c.M > 16 ? 2 : 1);
}

// Returns out.
inline Matrix run_case(Check& check, const Case& c, ThreadPool& pool) {
  Inputs in(c, pool);
  Matrix out(c.M, c.columns(), c.N % 2 == 0 ? gap_of(c) : 3);
  for_each_schedule(is_brief() ? 1 : c.schedules, [&](uint64_t seed) {
    check.begin(c.name(), seed);
    const auto device_x = input("x", as_type(c.type, in.x.data));
    const auto device_w = input("w", in.packed.gpu);
    const auto device_scale = input("row_scale", in.scale.data);
    const auto device_bias = input("bias", in.bias.data);
    const auto device_out =
        output<uint8_t>("out", out.data.size() * static_cast<size_t>(element_bytes(c.out_type)));
    const auto computed_x = output<uint8_t>("computed x", bytes_of(c.type, in.x));
    if (c.computed)
      cuda::convert(
          {computed_x.data(), c.type, in.x.ld, device_x.data(), c.type, in.x.ld, c.M, c.K},
          nullptr);
    MatmulParams p = sizes_of(c);
    p.out = device_out.data();
    p.out_ld = out.ld;
    p.x = c.computed ? computed_x.data() : device_x.data();
    p.x_ld = in.x.ld;
    p.w = device_w.data();
    p.w_ld = in.w.ld;
    p.row_scale = c.row_scale ? device_scale.data() : nullptr;
    p.bias = c.bias ? device_bias.data() : nullptr;
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::matmul_scratch_bytes(p, gpu_of(c))));
    p.scratch = scratch.data();
    cuda::matmul(p, gpu_of(c), nullptr);
    finish();
    out.data = as_floats(c.out_type, device_out.read());
    check.compare("out", out, in.want);

    const double weights =
        is_quantized(c.w_type) ? number(packed_bytes(c.w_type, c.N, c.K)) : number(2 * c.N * c.K);
    // Every block of 32 columns of codes reads the scales of its group.
    const double again = is_codes(c.w_type)
                             ? number(packed_bytes(c.w_type, c.N, c.K) / group_bytes(c.w_type) *
                                      (group_columns(c.w_type) / kGroup - 1) *
                                      (group_bytes(c.w_type) - value_bytes(c.w_type)))
                             : 0.0;
    const double xs = number(2 * c.M * c.K);
    const double outs = number(c.M * c.columns() * element_bytes(c.out_type));
    const int64_t rows = kPanel * panels_of_block(c);
    if (c.M <= 32 && c.N % rows == 0 && c.K >= 512) {
      check_bytes(check, weights + xs + outs, weights + again + number(c.N / rows) * xs + outs);
    }
    // Whole tiles of 192 tokens by 2 x 128 rows: each block of a cluster asks for half of x.
    if (c.by_wgmma() && c.M % 192 == 0 && c.N % 256 == 0)
      check_bytes(check, weights + xs + outs,
                  number(c.M / 192) * weights + number(c.N / 256) * xs + outs);
    check_no_bank_conflicts(check);
  });
  return out;
}

// The first rows of `few` and `many` are the same, bit for bit.
inline void check_same_rows(Check& check, const Matrix& few, const Matrix& many) {
  bool same = true;
  for (int64_t m = 0; m < few.rows; ++m) {
    for (int64_t n = 0; n < few.cols; ++n) same &= few.row(m)[n] == many.row(m)[n];
  }
  check.that(same, "a row has other bits than with fewer rows");
}

// GPUs: their sms decide which tiles are whole and which are split.
struct Gpu {
  int sms;
  int64_t shared_memory;
};
constexpr Gpu kGpus[] = {{132, kLarge}, {1, kLarge}, {108, kSmall}, {7, kLarge}, {7, kSmall}};

}  // namespace bc::test
