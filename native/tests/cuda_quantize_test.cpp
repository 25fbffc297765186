#include "cpu/matmul/matrix_kernels.h"
#include "cpu/quantize_kernel.h"
#include "cpu/simd/simd_scalar.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "cuda_cases.h"
#include "cuda_device.h"

using namespace bc;
using namespace bc::test;

namespace {

// The CPU's scalar kernel with products that are fused as AVX2, AVX-512 and the GPU do it.
struct FusedLanes : cpu::ScalarLanes {
  static F fma(F a, F b, F c) {
    return each([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
};

struct Packed {
  std::vector<uint8_t> bytes;  // in the CPU's order
  double error[2];
};

Packed on_cpu(cpu::QuantizeKernel kernel, Type type, const std::vector<uint8_t>& w, Type w_type,
              int64_t w_ld, const float* row_scale, int64_t N, int64_t K) {
  Packed packed{std::vector<uint8_t>(static_cast<size_t>(packed_bytes(type, N, K))), {}};
  kernel({packed.bytes.data(), type, w.data(), w_type, w_ld, row_scale, N, K, nullptr, nullptr}, 0,
         panels(N), packed.error);
  return packed;
}

// Numbers that try the search.
enum Kind { kOutliers, kOneSign, kTiny, kHuge, kLargest, kNotFinite, kKinds };

float number(Kind kind, Random& random) {
  switch (kind) {
    case kOneSign:
      return 3.0f + 0.1f * random.normal();
    case kTiny:
      return 1e-9f * random.normal();  // below the smallest grid
    case kHuge:
      return 300.0f * random.normal();  // above the largest
    case kLargest:
      return random.below(3) == 0 ? -0x1p57f : 0x1p57f;  // whose squares have a finite sum
    case kNotFinite:
      return random.below(100) == 0   ? std::numeric_limits<float>::quiet_NaN()
             : random.below(100) == 0 ? std::numeric_limits<float>::infinity()
             : random.below(2) == 0   ? -0.0f
                                      : random.normal();
    default:
      return 0.02f * random.outlier();
  }
}

// Each byte of w, out, scales and partial sums once. The accesses are of half a sector of w and of
// q8, of a quarter of q4; a warp reads the 16 scales of its panel, or two; a block writes 8 bytes.
void check_traffic(Check& check, Type type, Type w_type, bool scaled, int64_t N, int64_t K) {
  const int64_t groups = panels(N) * (K / kGroup);
  const int64_t values = groups * (type == Type::q8 ? kQ8Values : kQ4Values);
  const int64_t in = N * K * element_bytes(w_type);
  const int64_t partial = cuda::quantize_scratch_bytes(N, K);
  const int64_t unique = in + values + groups * kScales + (scaled ? 4 * N : 0) + 2 * partial + 16;
  const int64_t requested = 2 * in + (type == Type::q8 ? 2 : 4) * values + groups * kScales +
                            (scaled ? groups * 64 : 0) + 2 * 32 * (partial / 8) + 64;
  check_bytes(check, static_cast<double>(unique), static_cast<double>(requested));
  check_no_bank_conflicts(check);
}

// The same bits as on the CPU, of every kernel there that fuses.
void run_case(Check& check, Type type, bool hopper, Type w_type, Kind kind, bool scaled, int64_t N,
              int64_t K) {
  for_each_schedule(2, [&](uint64_t seed) {
    check.begin(std::string(name_of(w_type)) + " to " + name_of(type) +
                    (hopper ? " of hopper" : "") + " kind " + std::to_string(kind) +
                    (scaled ? " scaled" : "") + " N=" + std::to_string(N) +
                    " K=" + std::to_string(K),
                seed);
    Random random(static_cast<uint64_t>(N * K));
    Matrix m(N, K, 8);
    m.fill([&] { return number(kind, random); });
    const std::vector<uint8_t> w = as_type(w_type, m.data);
    std::vector<float> row_scale(static_cast<size_t>(N));
    for (float& s : row_scale) s = static_cast<float>(0.5 + random.uniform());
    const float* scale = scaled ? row_scale.data() : nullptr;

    const auto device_w = input("w", w);
    const auto device_scale = input("row_scale", row_scale);
    const auto device_out = output<uint8_t>("out", static_cast<size_t>(packed_bytes(type, N, K)));
    const auto device_error = output<double>("error", 2);
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::quantize_scratch_bytes(N, K)));
    cuda::quantize(
        {device_out.data(), type, device_w.data(), w_type, m.ld,
         scaled ? device_scale.data() : nullptr, N, K, device_error.data(), scratch.data()},
        gpu_of(hopper), nullptr);
    finish();
    const std::vector<uint8_t> got = device_out.read();
    const std::vector<double> error = device_error.read();

    std::vector<cpu::QuantizeKernel> kernels = {&cpu::Quantize<FusedLanes>::run};
    for (const cpu::Isa isa : isas()) {
      if (isa != cpu::Isa::scalar) kernels.push_back(cpu::matrix_kernels(isa).quantize);
    }
    for (const cpu::QuantizeKernel kernel : kernels) {
      const Packed want = on_cpu(kernel, type, w, w_type, m.ld, scale, N, K);
      std::vector<uint8_t> repacked(want.bytes.size());
      cuda::repack(type, hopper, repacked.data(), want.bytes.data(), N, K);
      check.that(got == repacked, "the packed weights are not those of the CPU");
      for (size_t i = 0; i < 2; ++i) {
        // Of the same squares, both add those of a group alike; then come 4 additions of lanes in
        // f32 on the CPU, 5 of lanes and 5 of warps here (reduce.cuh).
        const double most = 14.0 * kRounding * want.error[i];
        check.that(std::isfinite(want.error[i]) ? std::fabs(error[i] - want.error[i]) <= most
                                                : !std::isfinite(error[i]) && kind == kNotFinite,
                   i == 0 ? "the sum of squared errors is not the CPU's"
                          : "the sum of squares is not the CPU's");
      }
    }
    if (N % 16 == 0 && K >= 256) check_traffic(check, type, w_type, scaled, N, K);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_quantize", [](Check& check) {
    for (const bool hopper : {false, true}) {
      for (const Type type : {Type::q8, Type::q4}) {
        for (const Type w_type : {Type::f32, Type::f16, Type::bf16}) {
          for (const int64_t N : {1, 16, 19, 111})
            run_case(check, type, hopper, w_type, kOutliers, false, N, 32);
          run_case(check, type, hopper, w_type, kOutliers, true, 19, 96);
          run_case(check, type, hopper, w_type, kOutliers, false, 64, 256);
          run_case(check, type, hopper, w_type, kOutliers, true, 128, 1056);
        }
        for (int kind = 0; kind < kKinds; ++kind)
          run_case(check, type, hopper, Type::f32, static_cast<Kind>(kind), kind % 2 == 1, 35, 288);
      }
    }
  });
}
