// Phases and transactions of mbarriers: what is no use of them, and what the emulator says of it.
#include "simt_async.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

enum class Misuse {
  load,
  store,
  many_bytes,
  overrun,
  next_phase,
  exit_early,
  exit_unwaited,
  exit_short
};

template <Misuse kMisuse>
__global__ void misuse_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint64_t> barrier = one_barrier();
  const Shared<uint32_t> words = shared_memory<uint32_t>();
  const uint32_t i = threadIdx.x;
  if (kMisuse == Misuse::load) store(out + i, static_cast<uint32_t>(words[1]));
  if (kMisuse == Misuse::store && i == 40) words[1] = 0;
  if (kMisuse == Misuse::many_bytes && i == 0) {
    ptx::mbarrier_arrive_expect_tx(barrier, 1u << 20);
  }
  if (kMisuse == Misuse::overrun) {
    const Shared<uint64_t> ready = barrier + 1;
    if (i == 0) ptx::mbarrier_init(ready, 32);
    __syncthreads();
    if (i >= 32) {
      ptx::mbarrier_arrive(ready);
      wait_phase(barrier, 0);
    } else if (i == 0) {
      wait_phase(ready, 0);
      ptx::mbarrier_arrive(barrier);
      ptx::mbarrier_arrive(barrier);
    }
  }
  if (kMisuse == Misuse::next_phase) {
    const Shared<uint64_t> both = barrier + 1;
    if (i == 0) ptx::mbarrier_init(both, 2);
    __syncthreads();
    if (i >= 32) {
      if (i == 33) ptx::mbarrier_arrive(both);
      __syncwarp();
      if (i == 32) {
        ptx::mbarrier_arrive(both);
        words[32] = 1;
        ptx::mbarrier_arrive(both);
      }
    }
    if (i == 0) {
      wait_phase(both, 0);
      store(out, static_cast<uint32_t>(words[32]));
    }
  }
  if (kMisuse == Misuse::exit_early || kMisuse == Misuse::exit_unwaited) {
    if (i == 0) {
      ptx::mbarrier_arrive_expect_tx(barrier, 128);
      ptx::cp_async_bulk(words + 32, in, 128, barrier);
    }
    if (kMisuse == Misuse::exit_unwaited) __syncthreads();
  }
  if (kMisuse == Misuse::exit_short && i == 0) ptx::mbarrier_arrive_expect_tx(barrier, 128);
}

void misuses(Check& check) {
  const auto in = input("in", numbers(64));
  const auto out = output<uint32_t>("out", 64);
  const Launch how{dim3(1), dim3(64), 256};
#define RUN(misuse) [&] { launch<misuse_kernel<Misuse::misuse>>(how, out.data(), in.data()); }
  caught(check, "load of an mbarrier", {"load of shared+4: an mbarrier is there"}, {}, RUN(load));
  caught(check, "store to an mbarrier", {"store of shared+4: an mbarrier is there"},
         {"thread (40,0,0)"}, RUN(store));
  caught(check, "more bytes than an mbarrier counts", {"transaction count has value 1048576"},
         {"expected at most 1048575"}, RUN(many_bytes));
  caught(check, "two phases behind", {"phases 0 to 1 have ended while this thread waited"},
         {"mbarrier at shared+0"}, RUN(overrun));
  caught(check, "what the next phase brings", {"race: load of shared+128", kNothing, "race: store"},
         {"shared+128"}, RUN(next_phase));
  for (int i = 0; i < 2; ++i) {
    caught(check, "exit before the bytes come", {"is under way", "nobody has waited for"},
           {"block (0,0,0) exits", "the bulk copy", "simt_mbarriers_test.cpp:"},
           i == 0 ? std::function<void()>(RUN(exit_early)) : RUN(exit_unwaited));
  }
  caught(check, "exit with bytes missing", {"lacks 128 bytes"},
         {"block (0,0,0) exits", "announced at simt_mbarriers_test.cpp:"}, RUN(exit_short));
#undef RUN
}

}  // namespace

int main() {
  return run_on_hopper("simt_mbarriers", [](Check& check) { misuses(check); });
}
