#include <algorithm>

#include "cpu/matmul/matrix_kernels.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

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
  int64_t columns() const { return epilogue == Epilogue::swiglu ? N / 2 : N; }
};

// w as the CPU holds it, and as the GPU does.
struct Weights {
  std::vector<uint8_t> cpu, gpu;
};

Weights weights_of(const Case& c, const Matrix& w, ThreadPool& pool) {
  if (!is_quantized(c.w_type)) {
    const std::vector<uint8_t> rows = as_type(c.w_type, w.data);
    return {rows, rows};
  }
  const auto bytes = static_cast<size_t>(packed_bytes(c.w_type, c.N, c.K));
  Weights packed{std::vector<uint8_t>(bytes), std::vector<uint8_t>(bytes)};
  double error[2];
  cpu::quantize(
      {packed.cpu.data(), c.w_type, w.row(0), Type::f32, w.ld, nullptr, c.N, c.K, error, nullptr},
      pool, cpu::matrix_kernels(cpu::Isa::scalar));
  cuda::repack(c.w_type, c.hopper, packed.gpu.data(), packed.cpu.data(), c.N, c.K);
  return packed;
}

// gate / (1 + exp(-gate)) * up of neighbours. The derivative of silu is within 1.1.
std::vector<Expected> swiglu_of(const std::vector<Expected>& sums) {
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
int64_t gap_of(const Case& c) { return c.K >= 512 ? 16 : 8; }

// Row m of x is the same for every M, so that results can be held against each other.
Matrix x_of(const Case& c) {
  Random random(static_cast<uint64_t>(c.K * 7 + c.N));
  Matrix x(c.M, c.K, gap_of(c));
  x.fill([&] { return random.outlier(); });
  if (c.period > 0) {
    for (int64_t m = c.period; m < c.M; ++m) std::copy_n(x.row(m % c.period), c.K, x.row(m));
  }
  return rounded(c.type, x);
}

// Without pointers.
MatmulParams sizes_of(const Case& c) {
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

cuda::Facts gpu_of(const Case& c) {
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
    if (c.hopper) w = rounded(c.type, w);
    want = reference::matmul({nullptr, Type::f32, 0, x.row(0), Type::f32, x.ld, w.row(0), Type::f32,
                              w.ld, c.row_scale ? scale.row(0) : nullptr,
                              c.bias ? bias.row(0) : nullptr, c.M, c.N, c.K, Epilogue::none, true,
                              true, nullptr});
    if (c.epilogue == Epilogue::swiglu) want = swiglu_of(want);
    round_output(c.out_type, want);
  }

  Matrix x, w, scale, bias;
  Weights packed;
  std::vector<Expected> want;
};

// Returns out.
Matrix run_case(Check& check, const Case& c, ThreadPool& pool) {
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
    const double xs = number(2 * c.M * c.K);
    const double outs = number(c.M * c.columns() * element_bytes(c.out_type));
    // Rows of w to a block that reads all of x.
    const int64_t panels = c.hopper || c.M > 16 ? 2 : 1;
    const int64_t rows =
        kPanel * (is_quantized(c.w_type) && !c.hopper && c.M > 8 ? 2 * panels : panels);
    if (c.M <= 32 && c.N % rows == 0 && c.K >= 512)
      check_bytes(check, weights + xs + outs, weights + number(c.N / rows) * xs + outs);
    // Whole tiles of 192 tokens by 2 x 128 rows: each block of a cluster asks for half of x.
    if (c.hopper && c.M % 192 == 0 && c.N % 256 == 0)
      check_bytes(check, weights + xs + outs,
                  number(c.M / 192) * weights + number(c.N / 256) * xs + outs);
    check_no_bank_conflicts(check);
  });
  return out;
}

// The first rows of `few` and `many` are the same, bit for bit.
void check_same_rows(Check& check, const Matrix& few, const Matrix& many) {
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

void run_type(Check& check, Type type, Type w, ThreadPool& pool) {
  // Every M with its own tail, by kernel and tile, on one GPU after the other; N and, in rows of 16
  // bits, K with tails.
  const int64_t odd = is_quantized(w) ? 288 : 296;
  for (const Epilogue epilogue : {Epilogue::none, Epilogue::swiglu}) {
    const int64_t N = epilogue == Epilogue::swiglu ? 222 : 111;
    const auto with = [&](int64_t M, int schedules, const Gpu& g) {
      Case c{M, N, odd, type, w, Type::f32, true, schedules, epilogue, g.sms, g.shared_memory};
      c.bias = type == Type::f16;
      return c;
    };
    Matrix few = run_case(check, with(1, 3, kGpus[0]), pool);
    size_t gpu = 0;
    const std::vector<int64_t> every = {3, 8, 9, 16, 19, 32, 33, 47, 64, 65, 100, 128, 129, 300};
    const std::vector<int64_t> some = {9, 33, 300};
    for (const int64_t M : epilogue == Epilogue::none && type == Type::bf16 ? every : some) {
      const Matrix many = run_case(check, with(M, 1, kGpus[gpu++ % 5]), pool);
      check_same_rows(check, few, many);
      few = many;
    }
    for (const Gpu& g : kGpus) {
      if (is_brief() && g.sms != 7) continue;
      const Matrix same = run_case(check, with(300, 1, g), pool);
      check_same_rows(check, few, same);
      Case c{70, N, odd, type, w, type, false, 2, epilogue, g.sms};
      c.bias = g.sms == 1;
      run_case(check, c, pool);
    }
  }
  const int64_t cut = is_quantized(w) ? 96 : 104;  // fewer steps than parts
  for (const int64_t M : {2, 20, 40}) {
    for (const int64_t N : {1, 16, 130})
      run_case(check, {M, N, cut, type, w, type, false, 2}, pool);
    run_case(check, {M, 5, is_quantized(w) ? 32 : 8, type, w, type}, pool);
  }
  // The bytes that the header names.
  for (const int64_t M : {1, 8, 16, 32}) run_case(check, {M, 64, 1024, type, w, type, false}, pool);
}

// K has fewer steps than there are parts.
void run_short(Check& check, Case c, ThreadPool& pool) {
  for (const int64_t K : is_quantized(c.w_type) ? std::vector<int64_t>{32, 96, 160}
                                                : std::vector<int64_t>{8, 104, 152}) {
    c.K = K;
    for (const int64_t N : {1, 16, 130}) {
      c.N = N;
      run_case(check, c, pool);
    }
  }
}

// Hopper's kernel for many tokens: all tails, tiles of both widths, whole and split.
void run_hopper(Check& check, Type type, Type w, ThreadPool& pool) {
  const int64_t odd = is_quantized(w) ? 288 : 296;
  for (const Epilogue epilogue : {Epilogue::none, Epilogue::swiglu}) {
    const int64_t N = epilogue == Epilogue::swiglu ? 222 : 111;
    const auto with = [&](int64_t M, int64_t K, int sms) {
      Case c{M, N, K, type, w, Type::f32, true, 1, epilogue, sms};
      c.hopper = true;
      c.bias = type == Type::f16;
      return c;
    };
    Matrix few = run_case(check, with(33, odd, 132), pool);
    int sms = 1;
    for (const int64_t M : {64, 65, 128, 129, 200, 300}) {
      const Matrix many = run_case(check, with(M, odd, sms), pool);
      check_same_rows(check, few, many);
      few = many;
      sms = sms % 7 + 2;
    }
    Case c = with(70, odd, 132);
    c.out_type = type;
    c.row_scale = false;
    c.computed = true;
    c.schedules = 3;
    run_case(check, c, pool);
  }
  Case c{100, 130, 0, type, w, type, false, 2};
  c.hopper = true;
  run_short(check, c, pool);
}

// Hopper's kernel for few tokens, up to where the one for many takes over: tiles of two, three and
// four panels, the last of them not whole.
void run_hopper_few(Check& check, Type type, Type w, ThreadPool& pool) {
  for (const Epilogue epilogue : {Epilogue::none, Epilogue::swiglu}) {
    const int64_t N = epilogue == Epilogue::swiglu ? 222 : 111;
    Case c{1, N, is_quantized(w) ? 544 : 552, type, w, Type::f32, true, 3, epilogue, 132};
    c.hopper = true;
    c.bias = type == Type::f16;
    Matrix few = run_case(check, c, pool);
    c.schedules = 1;
    int turn = 0;
    for (const int64_t M : {1, 3, 8, 9, 16, 19, 32, 33, 64}) {
      constexpr int kProcessors[] = {1, 3, 2, 132};
      c.M = M;
      c.sms = kProcessors[turn++ % 4];
      const Matrix many = run_case(check, c, pool);
      check_same_rows(check, few, many);
      few = many;
    }
    c.M = 5;
    c.row_scale = false;
    c.out_type = type;
    run_case(check, c, pool);
  }
  Case c{2, 0, 0, type, w, type, false, 2};
  c.hopper = true;
  run_short(check, c, pool);
  // Longer than the ring, with parts of different lengths, and the next tile behind it.
  c.N = 160;
  c.K = 4448;
  c.sms = 2;
  for (const int64_t M : {1, 16, 32}) {
    c.M = M;
    run_case(check, c, pool);
  }
}

// The bytes that the header names.
void run_hopper_bytes(Check& check, Type w, ThreadPool& pool) {
  Case c{384, 512, 512, Type::bf16, w, Type::bf16, false, 1, Epilogue::none, 2};
  c.hopper = true;
  run_case(check, c, pool);
}

// What is split over sms has the bits of what is not, and a row those that it has elsewhere in
// the batch.
void run_hopper_splits(Check& check, Type w, ThreadPool& pool) {
  Case c{400, 300, 1056, Type::bf16, w, Type::f32, true};
  c.hopper = true;
  c.period = 13;
  Matrix first(0, c.N);
  bool whole = false;
  bool split = false;
  for (const int sms : {1, 2, 5, 7, 132}) {
    if (is_brief() && sms != 1 && sms != 132) continue;
    c.sms = sms;
    (cuda::matmul_scratch_bytes(sizes_of(c), gpu_of(c)) == 0 ? whole : split) = true;
    const Matrix out = run_case(check, c, pool);
    if (first.rows == 0) first = out;
    check_same_rows(check, first, out);
    bool same = true;
    for (int64_t m = c.period; m < c.M; ++m)
      same &= std::equal(out.row(m), out.row(m) + c.N, out.row(m % c.period));
    check.that(same, "a row has other bits elsewhere in the batch");
  }
  check.that(whole && split, "no tiles are split, or all of them");
}

}  // namespace

int main() {
  return run_on_device("cuda_matmul", [](Check& check) {
    ThreadPool pool(1);
    for (const Type type : {Type::bf16, Type::f16}) {
      for (const Type w : {type, Type::q8, Type::q4}) {
        if (is_brief() && type == Type::f16 && w != Type::q4) continue;
        run_type(check, type, w, pool);
        if (!is_hopper()) continue;
        run_hopper_few(check, type, w, pool);
        run_hopper(check, type, w, pool);
      }
    }
    if (is_hopper()) {
      for (const Type w : {Type::bf16, Type::q8, Type::q4}) {
        if (is_brief() && w != Type::q4) continue;
        run_hopper_splits(check, w, pool);
        run_hopper_bytes(check, w, pool);
      }
    }
    // The tiles of one round whole and those of the next split; of both kinds.
    run_case(check, {300, 300, 1024, Type::f16, Type::q4, Type::f32, false, 1, Epilogue::none, 7},
             pool);
    if (!is_brief())
      run_case(check,
               {256, 1024, 2048, Type::bf16, Type::q4, Type::bf16, false, 1, Epilogue::none, 7},
               pool);
    // As many rows and columns as 13B has.
    for (const int64_t M : {1, 33}) {
      if (is_brief() && M == 33) continue;
      run_case(check, {M, 125696, 32, Type::bf16, Type::q4, Type::f32}, pool);
      run_case(check, {M, 48, 13696, Type::bf16, Type::q8, Type::bf16}, pool);
    }
  });
}
