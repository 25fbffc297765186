// The generic and the asynchronous proxy of shared memory: stores in front of bulk copies and of what
// reads asynchronously, with and without fences, and stores that come too early behind it.
#include "simt_async.h"
#ifndef BC_ON_GPU
#include "simt/memory.h"
#endif

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

enum class Fence { none, writer, before_store, other_before, copier, third, too_late, unknown };

// 64 threads write what a bulk copy then overwrites.
template <Fence kFence>
__global__ void overwrite_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint64_t> barrier = one_barrier();
  const Shared<uint32_t> words = shared_memory<uint32_t>(128);
  const uint32_t i = threadIdx.x;
  if (kFence == Fence::before_store) ptx::fence_proxy_async();
  words[i] = 0;
  if (kFence == Fence::writer) ptx::fence_proxy_async();
  if (kFence == Fence::other_before && i == 0) ptx::fence_proxy_async();
  if (kFence == Fence::unknown && i < 32) ptx::fence_proxy_async();
  __syncthreads();
  // Who copies does not know of these.
  if (kFence == Fence::unknown && i >= 32) ptx::fence_proxy_async();
  if (kFence == Fence::third) {
    if (i == 63) ptx::fence_proxy_async();
    __syncthreads();
  }
  if (i == 0) {
    if (kFence == Fence::copier) ptx::fence_proxy_async();
    ptx::mbarrier_arrive_expect_tx(barrier, 256);
    ptx::cp_async_bulk(words, in, 256, barrier);
  }
  if (kFence == Fence::too_late) ptx::fence_proxy_async();
  wait_phase(barrier, 0);
  store(out + i, static_cast<uint32_t>(words[i]));
}

enum class Reads {
  sound,
  bulk,
  unfenced,
  unordered,
  never_written,
  overwritten,
  copied_over,
  bulk_copied_over,
  overwritten_after,
};

// Warp 0 fills, thread 32 reads as a product would, others write again.
template <Reads kReads>
__global__ void reads_kernel(const uint32_t* in) {
  const Shared<uint64_t> barrier = one_barrier();
  const Shared<uint32_t> words = shared_memory<uint32_t>(128);
  const uint32_t i = threadIdx.x;
  if (kReads == Reads::bulk) {
    if (i == 0) {
      ptx::mbarrier_arrive_expect_tx(barrier, 128);
      ptx::cp_async_bulk(words, in, 128, barrier);
    }
    if (i >= 32) wait_phase(barrier, 0);
  } else {
    if (i < 32 && !(kReads == Reads::never_written && i == 5)) words[i] = i;
    if (kReads != Reads::unfenced) ptx::fence_proxy_async();
    if (kReads != Reads::unordered) __syncthreads();
  }
#ifndef BC_ON_GPU
  if (i == 32) simt::async_read_begin(*simt::machine.self, words.address(), 128, simt::here());
#endif
  // Everybody knows that it has begun, nobody that it has ended.
  __syncthreads();
  if (kReads == Reads::overwritten && i == 33) words[7] = 0;
  if (kReads == Reads::copied_over && i == 33) ptx::cp_async<4>(words + 7, in);
  if (kReads == Reads::bulk_copied_over && i == 33) {
    ptx::mbarrier_arrive_expect_tx(barrier, 128);
    ptx::cp_async_bulk(words, in, 128, barrier);
  }
  __syncwarp();
#ifndef BC_ON_GPU
  if (i == 32) {
    simt::Thread& self = *simt::machine.self;
    simt::async_read_by(self, words.address(), 128, simt::stamp_of(self));
    simt::async_read_end(*self.warp->block, words.address(), 128);
  }
#endif
  if (kReads != Reads::overwritten_after) __syncthreads();
  if (i == 0) words[7] = 0;
}

void proxies(Check& check) {
  const auto in = input("in", numbers(64));
  const auto out = output<uint32_t>("out", 64);
  const Launch how{dim3(1), dim3(64), 384};
#define RUN(fence) [&] { launch<overwrite_kernel<Fence::fence>>(how, out.data(), in.data()); }
  sound(check, "fence by the writers", RUN(writer));
  sound(check, "fence before the copy", RUN(copier));
  sound(check, "fence by a third thread", RUN(third));
  const auto unfenced = [&](const char* name, const std::function<void()>& run) {
    caught(check, name, {"bulk copy of shared+"},
           {"the store by block (0,0,0) thread (", "comes before it without fence_proxy_async"},
           run);
  };
  unfenced("no fence", RUN(none));
  unfenced("fence before the store", RUN(before_store));
  unfenced("fence by one of the writers", RUN(other_before));
  unfenced("fence after the copy", RUN(too_late));
  unfenced("fence that the copying thread does not know",
           [&] { launch<overwrite_kernel<Fence::unknown>>(how, out.data(), in.data()); });
#undef RUN
#define RUN(reads) [&] { launch<reads_kernel<Reads::reads>>(how, in.data()); }
  sound(check, "asynchronous reads", RUN(sound));
  sound(check, "asynchronous reads of a bulk copy", RUN(bulk));
  caught(check, "asynchronous reads without a fence", {"asynchronous read of shared+128"},
         {"comes before it without fence_proxy_async"}, RUN(unfenced));
  caught(check, "asynchronous reads without a barrier", {kRace, kNothing}, {"shared+1"},
         RUN(unordered));
  caught(check, "asynchronous reads of nothing", {kNothing}, {"shared+148"}, RUN(never_written));
  const auto early = [&](const char* name, const char* what, const std::function<void()>& run) {
    caught(check, name, {"early overwrite of shared+"},
           {what,
            "still being read by the wgmma of block (0,0,0) thread (32,0,0) at "
            "simt_proxies_test.cpp:"},
           run);
  };
  early("store while it is read", "by a store", RUN(overwritten));
  early("cp.async while it is read", "by a cp.async", RUN(copied_over));
  early("bulk copy while it is read", "by a bulk copy", RUN(bulk_copied_over));
  caught(check, "store by who does not know that it was read",
         {"early overwrite of shared+156", "race: store of shared+156"}, {"thread (0,0,0)"},
         RUN(overwritten_after));
#undef RUN
}

}  // namespace

int main() {
  return run_on_hopper("simt_proxies", [](Check& check) { proxies(check); });
}
