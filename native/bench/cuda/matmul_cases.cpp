// matmul: the layers of a model and the head, for each kind of weights.
#include <memory>

#include "case.h"
#include "copies.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "random_weights.h"
#include "reference.h"

namespace bc::bench {
namespace {

using Shape = MatmulShape;

constexpr int64_t kPanelPeriod = 13;  // panels of a packed pattern: 208 rows

// Weights [N,K] that repeat a pattern: rows of bf16, or panels.
struct Weights {
  Weights(const Shape& s, bool hopper_)
      : type(s.w_type),
        hopper(hopper_),
        K(s.K),
        rows(Type::bf16, is_quantized(s.w_type) ? 0 : kPeriod, s.K,
             [random = test::Random(static_cast<uint64_t>(s.K))]() mutable {
               return 0.02f * random.normal();
             }) {
    if (!is_quantized(type)) {
      device = rows.bytes;
      return;
    }
    test::Random random(static_cast<uint64_t>(K));
    panels = test::random_weights(type, kPanelPeriod * kPanel, K, random);
    device.resize(panels.size());
    cuda::repack(type, hopper, device.data(), panels.data(), kPanelPeriod * kPanel, K);
  }

  // The 16 rows of w from n on, a multiple of 16, in f32 and rounded as the kernels multiply them: what
  // the reference reads. Valid until the next call.
  const float* panel(int64_t n) {
    if (is_quantized(type)) {
      const uint8_t* from =
          panels.data() + n / kPanel % kPanelPeriod * packed_bytes(type, kPanel, K);
      sixteen.resize(static_cast<size_t>(kPanel * K));
      for (int64_t i = 0; i < kPanel * K; ++i)
        sixteen[static_cast<size_t>(i)] =
            static_cast<float>(reference::packed_element(from, type, K, i / K, i % K));
      // The kernels of Hopper round those of q8 and q4 to the type of x.
      if (hopper && !is_codes(type))
        sixteen = test::as_floats(Type::bf16, test::as_type(Type::bf16, sixteen));
      return sixteen.data();
    }
    std::vector<int64_t> which;
    for (int64_t i = 0; i < kPanel; ++i) which.push_back(n + i);
    sixteen = gather(rows, which).data;
    return sixteen.data();
  }

  Type type;
  bool hopper;
  int64_t K;
  Pattern rows;
  std::vector<uint8_t> panels;  // as the CPU holds them
  std::vector<uint8_t> device;
  std::vector<float> sixteen;
};

int64_t weight_bytes(const Shape& s) {
  return is_quantized(s.w_type) ? packed_bytes(s.w_type, s.N, s.K) : 2 * s.N * s.K;
}

struct Run {
  Run(const Shape& shape, int copies, const cuda::Facts& gpu_)
      : s(shape),
        gpu(gpu_),
        weights(s, gpu.hopper),
        xs(Type::bf16, std::min(kPeriod, s.M), s.K,
           [random = test::Random(static_cast<uint64_t>(s.K) + 1)]() mutable {
             return random.outlier();
           }),
        scales(Type::f32, kPeriod, 1,
               [random = test::Random(3)]() mutable { return 1.0f + 0.3f * random.normal(); }),
        w(input("w", copies, weight_bytes(s), weights.device)),
        x(input("x", copies, 2 * s.M * s.K, xs.bytes)),
        row_scale(input("row_scale", copies, s.row_scale ? 4 * s.N : 0, scales.bytes)),
        out(output("out", copies, s.M * s.N * element_bytes(s.out_type))),
        scratch(output("scratch", 1, cuda::matmul_scratch_bytes(params(0), gpu))) {}

  MatmulParams params(int copy) const {
    MatmulParams p{};
    p.out = out.at(copy);
    p.out_ld = s.N;
    p.x = x.at(copy);
    p.x_ld = s.K;
    p.w = w.at(copy);
    p.w_ld = s.K;
    p.row_scale = s.row_scale ? row_scale.as<float>(copy) : nullptr;
    p.x_type = Type::bf16;
    p.out_type = s.out_type;
    p.w_type = s.w_type;
    p.M = s.M;
    p.N = s.N;
    p.K = s.K;
    p.epilogue = Epilogue::none;
    p.w_at_rest = true;
    return p;
  }
  void launch(int copy, void* stream) const {
    MatmulParams p = params(copy);
    p.scratch = scratch.at(0);
    cuda::matmul(p, gpu, stream);
  }

  void check(test::Check& check, int copy) {
    check_written(check, out, copy, s.out_type);
    const std::vector<int64_t> tokens = sample(s.M, 5, 1);
    const test::Matrix some = gather(xs, tokens);
    const test::Matrix got = read_rows(out, copy, s.out_type, s.N, tokens);
    for (const int64_t panel : sample(s.N / kPanel, 6, 2)) {
      const int64_t n = panel * kPanel;
      test::Matrix factor(1, kPanel, 0);
      test::Matrix part(some.rows, kPanel, 0);
      for (int64_t i = 0; i < kPanel; ++i) {
        factor.row(0)[i] = scales.row(n + i)[0];
        for (int64_t m = 0; m < some.rows; ++m) part.row(m)[i] = got.row(m)[n + i];
      }
      MatmulParams p{};
      p.x = some.row(0);
      p.x_ld = some.ld;
      p.w = weights.panel(n);
      p.w_type = Type::f32;
      p.w_ld = s.K;
      p.row_scale = s.row_scale ? factor.row(0) : nullptr;
      p.M = some.rows;
      p.N = kPanel;
      p.K = s.K;
      std::vector<test::Expected> want = reference::matmul(p);
      test::round_output(s.out_type, want);
      check.compare(("out at column " + std::to_string(n)).c_str(), part, want);
    }
  }

  Shape s;
  cuda::Facts gpu;
  Weights weights;
  Pattern xs, scales;
  Copies w, x, row_scale, out, scratch;
};

}  // namespace

Case matmul_case(const Model& model, const char* part, const MatmulShape& s) {
  Case c;
  c.op = "matmul";
  c.model = model.name;
  c.part = part;
  c.types = name_of(s.w_type);
  c.sizes = {{"M", s.M}, {"N", s.N}, {"K", s.K}};
  c.copy_bytes = weight_bytes(s) + 2 * s.M * s.K + s.M * s.N * element_bytes(s.out_type) +
                 (s.row_scale ? 4 * s.N : 0);
  c.bytes = number(c.copy_bytes);
  c.flops = 2.0 * number(s.M) * number(s.N) * number(s.K);
  c.prepare = [s](int copies, const cuda::Facts& gpu) {
    const auto run = std::make_shared<Run>(s, copies, gpu);
    return Prepared{[run](int copy, void* stream) { run->launch(copy, stream); },
                    [run](test::Check& check, int copy) { run->check(check, copy); }};
  };
  return c;
}

void add_matmul_cases(Cases& cases, const Model& model, const Sizes& sizes) {
  const int64_t C = model.C;
  const int64_t F = model.F;
  const Type int3 = type_of({3, 6, CodeForm::grid});
  const Type int2 = type_of({2, 5, CodeForm::grid});
  for (const Type w : {Type::bf16, Type::q8, Type::q4, int3, int2}) {
    for (const int64_t M : sizes.matmul_tokens) {
      cases.push_back(matmul_case(model, "w_pack", {M, 3 * C, C, w, Type::bf16, false}));
      cases.push_back(matmul_case(model, "o_proj", {M, C, C, w, Type::bf16, false}));
      cases.push_back(matmul_case(model, "gate", {M, F, C, w, Type::bf16, false}));
      cases.push_back(matmul_case(model, "down", {M, C, F, w, Type::bf16, false}));
    }
    for (const int64_t M : sizes.head_rows)
      cases.push_back(matmul_case(model, "head", {M, model.V, C, w, Type::f32, true}));
  }
}

}  // namespace bc::bench
