#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_case(Check& check, Type type, int64_t T, int64_t H, int64_t D, int32_t position,
              float base) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(std::string(name_of(type)) + " T=" + std::to_string(T) + " H=" + std::to_string(H) +
                    " D=" + std::to_string(D) + " position=" + std::to_string(position),
                seed);
    Random random(static_cast<uint64_t>(T * 10007 + H * 101 + D));
    Matrix qkv(T, 3 * H * D, 16);  // rows begin with a sector
    qkv.fill([&] { return random.outlier(); });
    qkv = rounded(type, qkv);
    std::vector<int32_t> positions;
    for (int64_t t = 0; t < T; ++t) positions.push_back(position + static_cast<int32_t>(t));
    std::vector<Expected> want =
        reference::rope({qkv.row(0), Type::f32, qkv.ld, positions.data(), T, H, D, base});
    // The values are copied: they have no rounding.
    for (size_t i = 0; i < want.size(); ++i) {
      if (want[i].tolerance == 0.0) continue;
      std::vector<Expected> one = {want[i]};
      round_output(type, one);
      want[i] = one[0];
    }

    const auto device_qkv = in_out("qkv", as_type(type, qkv.data));
    const auto device_positions = input("positions", positions);
    cuda::rope({device_qkv.data(), type, qkv.ld, device_positions.data(), T, H, D, base}, nullptr);
    finish();
    qkv.data = as_floats(type, device_qkv.read());
    check.compare("qkv", qkv, want);

    // Two warps of each block read the position: a sector for each, beside 8192 bytes of pairs.
    const double n = static_cast<double>(8 * T * H * D);
    if (H * D >= 1000)
      check_bytes(check, n + static_cast<double>(4 * T) + 32.0, n * (1.0 + 2.0 * 32.0 / 8192.0));
    check_no_bank_conflicts(check);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_rope", [](Check& check) {
    for (const Type type : {Type::bf16, Type::f16}) {
      run_case(check, type, 1, 32, 128, 0, 10000.0f);
      run_case(check, type, 7, 40, 128, 4090, 10000.0f);
      // The last positions of 196608: an angle in f32 would be up to half a degree off.
      run_case(check, type, 19, 3, 128, 196589, 10000.0f);
      run_case(check, type, 7, 3, 128, 1000000, 10000.0f);
      run_case(check, type, 111, 2, 256, 63, 1000000.0f);
      for (const int64_t D : {16, 32, 48, 80}) run_case(check, type, 7, 3, D, 63, 10000.0f);
    }
  });
}
