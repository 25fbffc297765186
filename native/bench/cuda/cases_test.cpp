// The benchmark's cases at small shapes on the emulator: that their checks pass, that they notice a
// wrong output, and that the bytes and flops they claim are those that the kernels move and do.
#include "case.h"
#include "cuda_device.h"
#include "peak_mma.cu"
#include "simt/gpu.h"

using namespace bc;
using namespace bc::bench;
using namespace bc::test;

namespace {

void run_case(Check& check, const Case& c, const cuda::Facts& gpu) {
  check.begin(c.name(), 1);
  const Prepared prepared = c.prepare(2, gpu);
  simt::reset_counters();
  prepared.launch(1, nullptr);
  const double moved = static_cast<double>(simt::counters().unique_bytes());
  // A clock of wgmma has as many as an mma.m16n8k16.
  const double flops =
      4096.0 * static_cast<double>(simt::counters().mma_bf16 + simt::counters().tensor_clocks);
  prepared.check(check, 1);
  Check unwritten("copy 0", true);
  prepared.check(unwritten, 0);
  check.that(unwritten.failed() > 0, "the check passes on what no kernel wrote");
  // Attention beside it: sums of splits, a table, positions; the others: scratch.
  const bool with_scratch = c.op == "attention" || c.op == "top_k" || c.op == "quantize";
  char line[160];
  std::snprintf(line, sizeof line, "moved %.0f bytes, claims %.0f", moved, c.bytes);
  check.that(moved <= (with_scratch ? 1.3 : 1.05) * c.bytes && moved >= 0.85 * c.bytes, line);
  std::snprintf(line, sizeof line, "did %.0f flops, claims %.0f", flops, c.flops);
  check.that(flops >= c.flops, line);
}

void run_peak(Check& check) {
  check.begin("peak_mma", 1);
  constexpr int64_t kSteps = 3;
  const auto out = output<float>("out", 2 * kPeakThreads);
  simt::reset_counters();
  peak_mma(out.data(), 2, kSteps, nullptr);
  check.that(4096.0 * static_cast<double>(simt::counters().mma_bf16) == peak_mma_flops(2, kSteps),
             "flops differ from those claimed");
  check_peak_mma(check, out.read().data() + kPeakThreads, kSteps);
}

}  // namespace

int main() {
  return run_on_device("cuda_bench_cases", [](Check& check) {
    // Each has its own shared memory and instructions, and the emulator refuses launches beyond them.
    for (const int capability : {80, 86, 89, 90, 100, 120}) {
      simt::gpu_capability() = capability;
      const auto device = cuda::Device::open(0, nullptr);
      for (const Case& c : all_cases(small_models(), small_sizes()))
        run_case(check, c, device->facts());
    }
    run_peak(check);
  });
}
