#include "ceilings.h"

#include <algorithm>

#include "cuda_device.h"
#include "peak_mma.h"
#include "stopwatch.h"

namespace bc::bench {
namespace {

double copy_bytes_per_second(cuda::Device& device) {
  int64_t free = 0;
  int64_t total = 0;
  device.memory(&free, &total);
  const auto bytes = static_cast<size_t>(std::min(int64_t{2} << 30, free / 4));
  const test::DeviceMemory from("from", bytes);
  const test::DeviceMemory to("to", bytes);
  test::finish();
  const Time time = measure(device, 4, [&](int) {
    test::require(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice,
                                  static_cast<cudaStream_t>(device.stream())),
                  "copy");
  });
  return 2.0 * static_cast<double>(bytes) / time.median;
}

double mma_flops_per_second(cuda::Device& device, test::Check& check) {
  constexpr int64_t kBlocks = 4;       // an SM: 32 warps, however many fit at a time
  constexpr int64_t kSteps = 1 << 12;  // the sums stay below 2^24, where f32 is exact
  const int64_t blocks = kBlocks * device.facts().sms;
  const test::DeviceArray<float> out("out", static_cast<size_t>(blocks * kPeakThreads));
  test::finish();
  const Time time =
      measure(device, 16, [&](int) { peak_mma(out.data(), blocks, kSteps, device.stream()); });
  check_peak_mma(check, out.read().data(), kSteps);
  return peak_mma_flops(blocks, kSteps) / time.median;
}

}  // namespace

Ceilings measure_ceilings(cuda::Device& device, test::Check& check) {
  int index = 0;
  int l2 = 0;
  test::require(cudaGetDevice(&index), "the device");
  test::require(cudaDeviceGetAttribute(&l2, cudaDevAttrL2CacheSize, index), "the size of L2");
  return {copy_bytes_per_second(device), mma_flops_per_second(device, check), l2};
}

}  // namespace bc::bench
