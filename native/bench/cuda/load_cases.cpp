// The ops that run once, when a model is loaded or made: quantize and fill_random, on a layer's matrix.
// They compute more than they move, so that their share of memory's ceiling is low.
#include <memory>

#include "case.h"
#include "copies.h"
#include "cpu/matmul/matrix_kernels.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "random.h"

namespace bc::bench {
namespace {

constexpr float kDeviation = 0.02f;
constexpr uint64_t kSeed = 7;

int64_t bytes_of(Type type, int64_t N, int64_t K) {
  return is_quantized(type) ? packed_bytes(type, N, K) : N * K * element_bytes(type);
}

struct Quantize {
  Quantize(Type type_, int64_t N_, int64_t K_, int copies, const cuda::Facts& gpu_)
      : type(type_),
        gpu(gpu_),
        N(N_),
        K(K_),
        rows(Type::bf16, kPeriod, K,
             [random = test::Random(41)]() mutable { return kDeviation * random.normal(); }),
        w(input("w", copies, 2 * N * K, rows.bytes)),
        scratch(output("scratch", 1, cuda::quantize_scratch_bytes(N, K))),
        error(output("error", 1, 16)),
        out(output("out", copies, packed_bytes(type, N, K))) {}

  void launch(int copy, void* stream) const {
    QuantizeParams p{};
    p.out = out.at(copy);
    p.out_type = type;
    p.w = w.at(copy);
    p.w_ld = K;
    p.w_type = Type::bf16;
    p.N = N;
    p.K = K;
    p.error = error.as<double>(0);
    p.scratch = scratch.at(0);
    cuda::quantize(p, gpu, stream);
  }

  // Sampled panels have the bits of the CPU's kernels with fused products (AVX2, AVX-512).
  void check(test::Check& check, int copy) const {
    ThreadPool pool(1);
    const int64_t panel_bytes = packed_bytes(type, kPanel, K);
    bool same = true;
    for (const int64_t panel : sample(N / kPanel, 6, 42)) {
      std::vector<int64_t> which;
      for (int64_t i = 0; i < kPanel; ++i) which.push_back(panel * kPanel + i);
      const test::Matrix m = gather(rows, which);
      std::vector<uint8_t> packed(static_cast<size_t>(panel_bytes));
      std::vector<uint8_t> want(packed.size());
      double errors[2];
      cpu::quantize(
          {packed.data(), type, m.row(0), Type::f32, m.ld, nullptr, kPanel, K, errors, nullptr},
          pool, cpu::matrix_kernels(cpu::best_isa()));
      cuda::repack(type, gpu.hopper, want.data(), packed.data(), kPanel, K);
      same &= out.read(copy, panel * panel_bytes, panel_bytes) == want;
    }
    check.that(same, "panels are not those of the CPU");
  }

  Type type;
  cuda::Facts gpu;
  int64_t N, K;
  Pattern rows;
  Copies w, scratch, error, out;
};

struct FillRandom {
  FillRandom(Type type_, int64_t N, int64_t K, int copies, const cuda::Facts& gpu_)
      : type(type_), gpu(gpu_), out(output("out", copies, bytes_of(type, N, K))) {}

  void launch(int copy, void* stream) const {
    cuda::fill_random({out.at(copy), type, out.bytes(), kDeviation, kSeed}, gpu, stream);
  }

  // Sampled elements or groups have the bits that ../../src/random.h gives them.
  void check(test::Check& check, int copy) const {
    const uint64_t base = mix(kSeed);
    const int64_t size = is_quantized(type) ? group_bytes(type) : element_bytes(type);
    bool same = true;
    for (const int64_t i : sample(out.bytes() / size, 64, 43)) {
      std::vector<uint8_t> want(static_cast<size_t>(size));
      if (is_quantized(type)) {
        std::vector<uint8_t> group(want.size());
        const int64_t values = size - kScales;
        for (int64_t k = 0; k < values; k += 8) {
          const uint64_t codes = random_codes(type, base + static_cast<uint64_t>(i * values + k));
          std::memcpy(group.data() + k, &codes, 8);
        }
        const uint16_t scale = scale_of_deviation(type, kDeviation);
        for (int64_t n = 0; n < kPanel; ++n) std::memcpy(group.data() + values + 2 * n, &scale, 2);
        cuda::repack_group(type, gpu.hopper, want.data(), group.data());
      } else {
        const bf16 x = to_bf16(kDeviation * normal(mix(base + static_cast<uint64_t>(i))));
        std::memcpy(want.data(), &x, 2);
      }
      same &= out.read(copy, i * size, size) == want;
    }
    check.that(same, "numbers are not those of random.h");
  }

  Type type;
  cuda::Facts gpu;
  Copies out;
};

template <class Run>
void add(Cases& cases, const Model& model, const char* op, Type type, double bytes) {
  const int64_t N = 3 * model.C;
  const int64_t K = model.C;
  Case c;
  c.op = op;
  c.model = model.name;
  c.part = "w_pack";
  c.types = name_of(type);
  c.sizes = {{"N", N}, {"K", K}};
  c.bytes = bytes;
  c.flops = 0.0;
  c.copy_bytes = static_cast<int64_t>(bytes);
  c.prepare = [type, N, K](int copies, const cuda::Facts& gpu) {
    const auto run = std::make_shared<Run>(type, N, K, copies, gpu);
    return Prepared{[run](int copy, void* stream) { run->launch(copy, stream); },
                    [run](test::Check& check, int copy) { run->check(check, copy); }};
  };
  cases.push_back(std::move(c));
}

}  // namespace

void add_load_cases(Cases& cases, const Model& model) {
  const int64_t N = 3 * model.C;
  const int64_t K = model.C;
  for (const Type type : {Type::q8, Type::q4})
    add<Quantize>(cases, model, "quantize", type, number(2 * N * K + bytes_of(type, N, K)));
  for (const Type type : {Type::bf16, Type::q8, Type::q4})
    add<FillRandom>(cases, model, "fill_random", type, number(bytes_of(type, N, K)));
}

}  // namespace bc::bench
