// round_weights: tasks are units of 64 rows (round_weights_kernel.h), each of which reads the factor once and the
// moments once for each sweep.
#include <algorithm>
#include <mutex>

#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/kernels.h"

namespace bc::cpu {

void round_weights(const RoundWeightsParams& p, ThreadPool& pool, const CalibrateKernels& kernels) {
  const std::vector<int32_t> order = rounding_order(p.moments, p.moments_ld, p.K);
  RoundWeightsParams ordered = p;
  ordered.order = order.data();
  std::mutex mutex;
  std::vector<RoundingRoom> rooms(static_cast<size_t>(pool.threads()));
  std::fill(p.error, p.error + 3, 0.0);
  pool.parallel_for((p.N + kTile - 1) / kTile, 1, [&](int64_t begin, int64_t end, int worker) {
    for (int64_t unit = begin; unit < end; ++unit) {
      double error[3] = {};
      kernels.round(ordered, unit * kTile, std::min(p.N, (unit + 1) * kTile),
                    rooms[static_cast<size_t>(worker)], error);
      std::lock_guard<std::mutex> lock(mutex);
      for (int i = 0; i < 3; ++i) p.error[i] += error[i];
    }
  });
}

}  // namespace bc::cpu
