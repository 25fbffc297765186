#include "cuda/quant_layout.h"
#include "cuda/train/kernels.h"
#include "cuda_device.h"
#include "cuda_train_cases.h"
#include "random_weights.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  int64_t M, N, K;
  std::string name() const {
    return " M=" + std::to_string(M) + " N=" + std::to_string(N) + " K=" + std::to_string(K);
  }
};

struct Input {
  Type type;
  bool hopper, accumulate, scaled, exact;
};

// Where operands are asked for by every tile, and a warp's 128 bytes lie in five sectors or 32 bytes in two, as
// rows begin inside a sector.
double tile_bytes(double rows, double columns, double depth) {
  const double tiles = std::ceil(rows / 128.0) * std::ceil(columns / 128.0);
  return 4.0 * depth * tiles * 128.0 * (2.0 + 1.25);
}

void input_case(Check& check, const Case& of, const Input& in, int schedules) {
  for_each_schedule(schedules, [&](uint64_t seed) {
    check.begin(std::string("input ") + name_of(in.type) + of.name() +
                    (in.hopper ? " hopper" : "") + (in.accumulate ? " +=" : "") +
                    (in.scaled ? " scaled" : "") + (in.exact ? " exact" : ""),
                seed);
    Random random(static_cast<uint64_t>(of.M * 1000 + of.N));
    const Matrix dy = outlier_matrix(of.M, of.N, 5, random);
    Matrix dx(of.M, of.K);
    if (in.accumulate) dx = normal_matrix(of.M, of.K, 3, random);
    const std::vector<uint8_t> w = random_weights(in.type, of.N, of.K, random);
    std::vector<float> scale;
    for (int64_t n = 0; n < of.N; ++n) scale.push_back(random.normal());
    MatmulBackwardInputParams p{dx.row(0), dx.ld,   dy.row(0), dy.ld,
                                w.data(),  in.type, of.K,      in.scaled ? scale.data() : nullptr,
                                of.M,      of.N,    of.K,      in.accumulate,
                                in.exact};
    const std::vector<Expected> want =
        reference::matmul_backward_input(p, !in.exact && in.type != Type::f32);

    std::vector<uint8_t> ordered = w;
    if (is_quantized(in.type))
      cuda::repack(in.type, in.hopper, ordered.data(), w.data(), of.N, of.K);
    const auto device_dx = in_out("dx", dx.data);
    const auto device_dy = input("dy", dy.data);
    const auto device_w = input("w", ordered);
    const auto device_scale = input("row_scale", scale);
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::matmul_backward_scratch_bytes(p)));
    p.dx = device_dx.data();
    p.dy = device_dy.data();
    p.w = device_w.data();
    if (in.scaled) p.row_scale = device_scale.data();
    cuda::matmul_backward_input(p, gpu_of(in.hopper), scratch.data(), nullptr);
    finish();
    dx.data = device_dx.read();
    check.compare("dx", dx, want);
    if (!is_quantized(in.type)) check_no_bank_conflicts(check);
    if (of.M * of.N < 10000 || is_quantized(in.type)) return;
    const auto M = static_cast<double>(of.M), N = static_cast<double>(of.N),
               K = static_cast<double>(of.K);
    const auto element = static_cast<double>(element_bytes(in.type));
    const double outputs = 4.0 * M * K * (in.accumulate ? 2.0 : 1.0);
    const double scales = in.scaled ? 4.0 * N : 0.0;
    // Four columns of a thread are four accesses.
    check_bytes(check, 1.02 * (4.0 * M * N + element * N * K + outputs + scales),
                tile_bytes(M, K, N) * (in.scaled ? 2.0 : 1.0) + 5.0 * outputs);
  });
}

void weight_case(Check& check, const Case& of, bool exact) {
  for_each_schedule(2, [&](uint64_t seed) {
    check.begin("weight" + of.name() + (exact ? " exact" : ""), seed);
    Random random(static_cast<uint64_t>(of.M * 1000 + of.N + 7));
    const Matrix dy = outlier_matrix(of.M, of.N, 5, random);
    const Matrix x = normal_matrix(of.M, of.K, 1, random);
    Matrix dw = normal_matrix(of.N, of.K, 3, random);
    MatmulBackwardWeightParams p{nullptr, dw.ld, nullptr, dy.ld, nullptr,
                                 x.ld,    of.M,  of.N,    of.K,  true};
    p.dw = dw.row(0);
    p.dy = dy.row(0);
    p.x = x.row(0);
    const std::vector<Expected> want = reference::matmul_backward_weight(p, !exact);
    const auto device_dw = in_out("dw", dw.data);
    const auto device_dy = input("dy", dy.data);
    const auto device_x = input("x", x.data);
    p.dw = device_dw.data();
    p.dy = device_dy.data();
    p.x = device_x.data();
    cuda::matmul_backward_weight(p, nullptr);
    finish();
    dw.data = device_dw.read();
    check.compare("dw", dw, want);
    check_no_bank_conflicts(check);
    if (of.N < 100 || of.K < 100) return;
    const auto M = static_cast<double>(of.M), N = static_cast<double>(of.N),
               K = static_cast<double>(of.K);
    check_bytes(check, 1.02 * (4.0 * M * (N + K) + 8.0 * N * K),
                tile_bytes(N, K, M) + 5.0 * 8.0 * N * K);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_matmul_backward", [](Check& check) {
    for (const bool exact : {false, true}) {
      // One row; tails of slices and of tiles; several tiles each way.
      for (const Case& of : {Case{1, 1, 32}, {5, 19, 96}, {131, 100, 160}, {128, 64, 256}}) {
        for (const Type type : {Type::f32, Type::f16, Type::bf16, Type::q8, Type::q4}) {
          for (const bool accumulate : {false, true})
            input_case(check, of, {type, false, accumulate, of.M % 2 == 1, exact}, 2);
        }
      }
      for (const Case& of :
           {Case{1, 1, 32}, {5, 19, 96}, {131, 8, 128}, {33, 65, 70}, {40, 200, 300}})
        weight_case(check, of, exact);
    }
    // The order of weights that Hopper's kernels have, and more rows than are decoded at once.
    for (const Type type : {Type::q8, Type::q4}) {
      input_case(check, {5, 35, 96}, {type, true, false, true, false}, 1);
      input_case(check, {3, 4150, 32}, {type, false, false, true, false}, 1);
    }
    for (const Type type : code_types())
      input_case(check, {3, 35, 256}, {type, false, true, true, false}, 1);
  });
}
