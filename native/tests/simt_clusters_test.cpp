// Clusters: a ring of stages that two blocks fill for each other, and what is said of its faults.
#include "cuda/ptx/sm90.cuh"
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

enum class Fault {
  none,
  no_barrier_at_first,
  no_barrier_at_last,
  own_block_alone,
  own_release_alone,
  other_release_unread,
  too_few_bytes,
  rank_out_of_cluster,
};

constexpr int kCluster = 2;
constexpr int kStages = 2;
constexpr int kRows = 16;     // of a stage, half of them from each block
constexpr int kColumns = 32;  // floats: rows of 128 bytes
constexpr int kStage = kRows * kColumns;
constexpr int kHalf = kStage / kCluster;
constexpr int kReaders = 64;
constexpr uint32_t kBarriers = kStages * kStage * 4;

__device__ __forceinline__ void wait_for(Shared<uint64_t> barrier, uint32_t parity) {
  while (!ptx::mbarrier_try_wait_parity(barrier, parity)) {
  }
}

// out[rank,i] = (rank + 1) * sum of steps of x[step,i]: both blocks have all of x.
template <Fault kFault>
__global__ void exchange_kernel(float* out, const __grid_constant__ TensorMap x, int steps) {
  const Shared<uint64_t> full = shared_memory<uint64_t>(kBarriers);
  const Shared<uint64_t> empty = full + kStages;
  const uint32_t rank = ptx::cluster_ctarank();
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    for (int i = 0; i < kStages; ++i) {
      ptx::mbarrier_init(full + i, 1);
      ptx::mbarrier_init(empty + i,
                         kFault == Fault::own_release_alone ? 2 : kCluster * kReaders / 32);
    }
    ptx::fence_mbarrier_init();
  }
  kFault == Fault::no_barrier_at_first ? __syncthreads() : ptx::barrier_cluster();
  if (thread >= kReaders) {
    for (int step = 0; step < steps && thread == kReaders; ++step) {
      const int stage = step % kStages;
      if (step >= kStages) wait_for(empty + stage, static_cast<uint32_t>(step / kStages - 1) % 2);
      ptx::mbarrier_arrive_expect_tx(full + stage,
                                     (kFault == Fault::too_few_bytes ? kHalf : kStage) * 4);
      const int row = step * kRows + static_cast<int>(rank) * (kRows / kCluster);
      const auto half = shared_memory<float>() + stage * kStage + static_cast<int>(rank) * kHalf;
      const auto ranks = static_cast<uint16_t>(kFault == Fault::own_block_alone       ? 1u << rank
                                               : kFault == Fault::rank_out_of_cluster ? 7u
                                                                                      : 3u);
      ptx::cp_async_bulk_tensor_2d_multicast(half, &x, 0, row, full + stage, ranks);
    }
    __syncwarp();
  } else {
    float sum[kStage / kReaders] = {};
    for (int step = 0; step < steps; ++step) {
      const int stage = step % kStages;
      wait_for(full + stage, static_cast<uint32_t>(step / kStages) % 2);
      const auto release = [&] {
        __syncwarp();
        const uint32_t lane = ptx::lane_id();
        if (kFault == Fault::own_release_alone) {
          if (lane == 0) ptx::mbarrier_arrive(empty + stage);
        } else if (lane < kCluster) {
          ptx::mbarrier_arrive_cluster(empty + stage, lane);
        }
      };
      if (kFault == Fault::other_release_unread) release();
      for (int i = 0; i < kStage / kReaders; ++i)
        sum[i] += shared_memory<float>()[stage * kStage + i * kReaders + thread];
      if (kFault != Fault::other_release_unread) release();
    }
    for (int i = 0; i < kStage / kReaders; ++i)
      store(out + static_cast<int>(blockIdx.x) * kStage + i * kReaders + thread,
            static_cast<float>(rank + 1) * sum[i]);
  }
  if (kFault != Fault::no_barrier_at_last) ptx::barrier_cluster();
}

template <Fault kFault>
void exchange(Check& check) {
  constexpr int kSteps = 7;
  constexpr int kBlocks = 6;
  Random random(1);
  std::vector<float> x(kSteps * kStage);
  for (float& value : x) value = static_cast<float>(random.below(100));
  const auto device_x = input("x", x);
  const auto out = output<float>("out", kBlocks * kStage);
  TensorBox box = {};
  box.base = device_x.data();
  box.element_bytes = 4;
  box.rank = 2;
  box.sizes[0] = kColumns;
  box.sizes[1] = kSteps * kRows;
  box.strides[0] = kColumns * 4;
  box.box[0] = kColumns;
  box.box[1] = kRows / kCluster;
  const TensorMap map = make_tensor_map(box);
  Launch how{dim3(kBlocks), dim3(kReaders + 32), kBarriers + 16 * kStages};
  how.cluster = kCluster;
  launch<exchange_kernel<kFault>>(how, out.data(), map, kSteps);
  const std::vector<float> got = out.read();
  bool right = true;
  for (int i = 0; i < kBlocks * kStage; ++i) {
    float want = 0.0f;
    for (int step = 0; step < kSteps; ++step)
      want += x[static_cast<size_t>(step * kStage + i % kStage)];
    right &= got[static_cast<size_t>(i)] == static_cast<float>(i / kStage % kCluster + 1) * want;
  }
  check.that(right, "wrong sums");
}

// Those that are broken are not even compiled for a GPU.
template <Fault kFault>
void caught(Check& check, const char* name, const std::vector<std::string>& alternatives) {
  if constexpr (kEmulated)
    test::caught(check, name, alternatives, {"exchange_kernel"}, [&] { exchange<kFault>(check); });
}

}  // namespace

int main() {
  return run_on_hopper("simt_clusters", [](Check& check) {
    sound(
        check, "blocks that fill each other's stages", [&] { exchange<Fault::none>(check); }, 40);
    caught<Fault::no_barrier_at_first>(check, "no barrier at first",
                                       {"used before mbarrier_init", "used concurrently with"});
    caught<Fault::no_barrier_at_last>(check, "no barrier at last",
                                      {"has exited", "while the bulk copy"});
    caught<Fault::own_block_alone>(check, "a copy to its own block alone", {"lacks 1024 bytes"});
    caught<Fault::own_release_alone>(check, "a stage that only its own block gives back",
                                     {"race: bulk copy", "has not been waited for", "phases"});
    caught<Fault::other_release_unread>(check, "a stage given back before it was read",
                                        {"race", "has not been waited for"});
    caught<Fault::too_few_bytes>(check, "bytes of one block announced",
                                 {"nothing was written there", "has not been waited for"});
    caught<Fault::rank_out_of_cluster>(check, "a rank that the cluster does not have",
                                       {"rank has value 2"});
  });
}
