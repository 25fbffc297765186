#include "cpu/kernels.h"
#include "cuda/kernels.h"
#include "cuda/quant_layout.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "ops.h"
#include "random_weights.h"

using namespace bc;
using namespace bc::test;

namespace {

// q8 or q4 of every code and of scales and zeros of every size, in the CPU's layout.
std::vector<uint8_t> any_weights(Type type, int64_t N, int64_t K, Random& random) {
  std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(type, N, K)));
  for (size_t i = 0; i < packed.size(); ++i) {
    const auto at = static_cast<int64_t>(i) % group_bytes(type) - (group_bytes(type) - kScales);
    packed[i] = static_cast<uint8_t>(random.below(type == Type::q8 && at < 0 ? 255 : 256));
    if (type == Type::q8 && at < 0) ++packed[i];  // 1..255
    if (at >= 0 && at % 2 == 1) {                 // no infinite scale, and of grids e in 1..30
      packed[i] =
          static_cast<uint8_t>(type == Type::q8 ? packed[i] & 0xbfu : 8 + random.below(30 * 8));
    }
  }
  return packed;
}

// The same bits as on the CPU.
void packed_case(Check& check, Type type, bool hopper, int64_t N, int64_t K, int schedules) {
  for_each_schedule(schedules, [&](uint64_t seed) {
    check.begin(std::string(name_of(type)) + (hopper ? " of hopper" : "") +
                    " N=" + std::to_string(N) + " K=" + std::to_string(K),
                seed);
    Random random(static_cast<uint64_t>(N + K));
    const std::vector<uint8_t> packed =
        is_codes(type) ? random_weights(type, N, K, random) : any_weights(type, N, K, random);
    std::vector<uint8_t> repacked(packed.size());
    cuda::repack(type, hopper, repacked.data(), packed.data(), N, K);
    Matrix want(N, K, 0);
    ThreadPool pool(1);
    cpu::dequantize({want.row(0), want.ld, packed.data(), type, 0, N, K}, pool);
    std::vector<Expected> exact;
    for (const float w : want.data) exact.push_back({static_cast<double>(w), 0.0});

    Matrix out(N, K, 8);
    const auto device_w = input("w", repacked);
    const auto device_out = output<float>("out", out.data.size());
    cuda::dequantize({device_out.data(), out.ld, device_w.data(), type, 0, N, K}, gpu_of(hopper),
                     nullptr);
    finish();
    out.data = device_out.read();
    check.compare("out", out, exact);
    // Each of the four warps of a group of q8 or q4 reads the sector of its scales again. Of codes, each
    // block of 32 columns reads them, and a lane writes 32 bytes in two accesses, each of half a sector.
    const double groups = static_cast<double>(K / kGroup * panels(N));
    const auto numbers = static_cast<double>(4 * N * K);
    const double bytes = numbers + static_cast<double>(packed_bytes(type, N, K));
    const auto scales = static_cast<double>(group_bytes(type) - value_bytes(type));
    const double again = is_codes(type) ? numbers + groups * scales : groups * 3.0 * scales;
    if (N % 16 == 0) check_bytes(check, bytes, bytes + again);
  });
}

// Rows: convert's work.
void rows_case(Check& check, Type type) {
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(std::string("rows of ") + name_of(type), seed);
    Random random(1);
    Matrix w(5, 72, 16);
    w.fill([&] { return random.normal(); });
    w = rounded(type, w);
    std::vector<Expected> want;
    for (int64_t n = 0; n < w.rows; ++n) {
      for (int64_t k = 0; k < w.cols; ++k) want.push_back({static_cast<double>(w.row(n)[k]), 0.0});
    }
    Matrix out(w.rows, w.cols, 8);
    const auto device_w = input("w", as_type(type, w.data));
    const auto device_out = output<float>("out", out.data.size());
    cuda::dequantize({device_out.data(), out.ld, device_w.data(), type, w.ld, w.rows, w.cols},
                     gpu_of(false), nullptr);
    finish();
    out.data = device_out.read();
    check.compare("out", out, want);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_dequantize", [](Check& check) {
    for (const Type type : {Type::q8, Type::q4}) {
      for (const int64_t N : {1, 16, 19, 111}) {
        for (const int64_t K : {32, 256, 608}) {
          packed_case(check, type, false, N, K, 3);
          packed_case(check, type, true, N, K, 3);
        }
      }
    }
    for (const Type type : code_types()) {
      packed_case(check, type, false, 35, 384, 1);
    }
    for (const CodeFormat format :
         {CodeFormat{3, 6, CodeForm::grid}, {2, 5, CodeForm::grid}, {8, 7, CodeForm::min}})
      packed_case(check, type_of(format), true, 16, 4224, 1);
    for (const Type type : {Type::f32, Type::f16, Type::bf16}) rows_case(check, type);
  });
}
