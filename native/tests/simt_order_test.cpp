// What happens before what inside of a block: races and barriers. Kernels that are broken in one way
// each, what the emulator says of them, and their sound counterparts, of which it must say nothing.
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// --- Races ---------------------------------------------------------------------------------------

// Sums of neighbours through shared memory.
template <bool kBarrier>
__global__ void exchange_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  s[i] = 0;
  __syncthreads();
  s[i] = i;
  if (kBarrier) __syncthreads();
  store(out + i, static_cast<uint32_t>(s[(i + 32) % blockDim.x]));
}

template <bool kSync>
__global__ void lanes_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  s[i] = 0;
  __syncwarp();
  s[i] = i;
  if (kSync) __syncwarp();
  // A shuffle brings lanes together and orders no memory.
  store(out + i, s[i ^ 1u] + ptx::shfl_bfly(i, 1));
}

// bar.arrive publishes what the lanes did, but brings none of them to wait for another.
__global__ void arriving_lanes_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  s[i] = i;
  if (i < 32) {
    ptx::bar_arrive(1, 64);
    store(out + i, static_cast<uint32_t>(s[i ^ 1u]));
  } else {
    ptx::bar_sync(1, 64);
    store(out + i, static_cast<uint32_t>(s[i ^ 33u]));
  }
}

// Reads the tile and overwrites it for the next turn.
template <bool kBarrier>
__global__ void reuse_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  uint32_t sum = 0;
  for (uint32_t turn = 0; turn < 3; ++turn) {
    s[i] = turn + i;
    __syncthreads();
    for (uint32_t k = 0; k < blockDim.x; ++k) sum += s[k];
    if (kBarrier) __syncthreads();
  }
  store(out + i, sum);
}

__global__ void one_word_kernel(uint32_t* out) { store(out, thread_id()); }

template <uint32_t kApart>
__global__ void one_shared_word_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  if (thread_id() % kApart == 0) s[5] = 1;
  __syncthreads();
  store(out + thread_id(), static_cast<uint32_t>(s[5]));
}

__global__ void bytes_kernel(uint8_t* out) {
  store(out + thread_id(), static_cast<uint8_t>(thread_id()));
}

__global__ void blocks_kernel(uint32_t* out) { store(out + thread_id() + blockIdx.x * 16, 1u); }

__global__ void uninitialized_kernel(uint32_t* out) {
  const Shared<float> s = shared_memory<float>();
  if (thread_id() != 3) s[thread_id()] = 1.0f;
  __syncthreads();
  const float x = s[(thread_id() + 32) % 64];
  store(out + thread_id(), ptx::bits(x));
}

void races(Check& check) {
  const auto out = output<uint32_t>("out", 128);
  const auto bytes = output<uint8_t>("bytes", 128);
  const dim3 one(1), two_warps(64);
  caught(check, "missing barrier", {"race: load of shared+", "race: store of shared+"},
         {"exchange_kernel<false>", "block (0,0,0) thread (",
          "simt_order_test.cpp:", "is concurrent with the "},
         [&] {
           launch<exchange_kernel<false>>({one, two_warps, 256}, out.data());
         });
  sound(check, "barrier", [&] {
    launch<exchange_kernel<true>>({one, two_warps, 256}, out.data());
    equal(check, "neighbour", out.read()[1], 33);
  });
  caught(check, "missing __syncwarp", {"race: load of shared+", "race: store of shared+"}, {}, [&] {
    launch<lanes_kernel<false>>({one, dim3(32), 128}, out.data());
  });
  sound(check, "__syncwarp", [&] { launch<lanes_kernel<true>>({one, dim3(32), 128}, out.data()); });
  caught(check, "missing barrier before reuse", {"race: store of shared+", "race: load of shared+"},
         {}, [&] {
           launch<reuse_kernel<false>>({one, dim3(128), 512}, out.data());
         });
  sound(check, "barrier before reuse", [&] {
    launch<reuse_kernel<true>>({one, dim3(128), 512}, out.data());
  });
  caught(check, "two threads write one word", {"race: store of out+0"},
         {"concurrent with the store"}, [&] {
           launch<one_word_kernel>({one, two_warps}, out.data());
         });
  caught(check, "two warps write one shared word", {"race: store of shared+20"}, {}, [&] {
    launch<one_shared_word_kernel<32>>({one, two_warps, 256}, out.data());
  });
  caught(check, "two blocks write one word", {"race: store of out+"},
         {"block (0,0,0)", "block (1,0,0)"}, [&] {
           launch<blocks_kernel>({dim3(2), dim3(32)}, out.data());
         });
  sound(check, "bytes of one word", [&] { launch<bytes_kernel>({one, two_warps}, bytes.data()); });
  caught(check, "a barrier that is not waited at", {"race: "}, {}, [&] {
    launch<arriving_lanes_kernel>({one, two_warps, 256}, out.data());
  });
  caught(check, "uninitialised shared memory", {"load of shared+12: nothing was written there"},
         {"thread (35,0,0)"}, [&] {
           launch<uninitialized_kernel>({one, two_warps, 256}, out.data());
         });
}

// --- Barriers ------------------------------------------------------------------------------------

__global__ void half_warp_barrier_kernel() {
  if (thread_id() < 16) __syncthreads();
}
__global__ void one_warp_barrier_kernel() {
  if (thread_id() < 32) __syncthreads();
}
__global__ void two_places_kernel() {
  if (thread_id() % 2 == 0) {
    __syncthreads();
  } else {
    ptx::shfl_bfly(1u, 1);
  }
}
__global__ void early_exit_kernel() {
  if (thread_id() == 40) return;
  ptx::vote_any(true);
}

// Warps 0 and 1 fill, warps 2 and 3 read: each pair of pairs over one named barrier.
template <int kThreads>
__global__ void named_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  if (i < 64) {
    s[i] = i;
    ptx::bar_arrive(3, kThreads);
  } else if (i < 128) {
    ptx::bar_sync(3, kThreads);
    store(out + i, s[i - 64] + s[127 - i]);
  }
}
__global__ void uneven_kernel() { ptx::bar_sync(1, threadIdx.x < 32 ? 64 : 96); }
__global__ void odd_count_kernel() { ptx::bar_sync(1, 48); }

void barriers(Check& check) {
  const auto out = output<uint32_t>("out", 128);
  const dim3 one(1);
  caught(check, "barrier in half a warp", {"barrier divergence"},
         {"__syncthreads at simt_order_test.cpp:", "have exited"}, [&] {
           launch<half_warp_barrier_kernel>({one, dim3(32)});
         });
  caught(check, "barrier in one of two warps", {"barrier divergence"},
         {"threads 0-31 wait in __syncthreads", "threads 32-63 have exited",
          "barrier 0 has 32 of the 64 threads"},
         [&] {
           launch<one_warp_barrier_kernel>({one, dim3(64)});
         });
  caught(check, "lanes at two places", {"divergence"}, {"__syncthreads", "shfl.bfly"}, [&] {
    launch<two_places_kernel>({one, dim3(32)});
  });
  caught(check, "a lane has left", {"warp divergence"}, {"vote", "threads 40-40 have exited"}, [&] {
    launch<early_exit_kernel>({one, dim3(64)});
  });
  sound(check, "named barrier", [&] {
    launch<named_kernel<128>>({one, dim3(128), 256}, out.data());
  });
  caught(check, "named barrier for too many", {"deadlock at a named barrier"},
         {"barrier 3 has 128 of the 160 threads"}, [&] {
           launch<named_kernel<160>>({one, dim3(160), 256}, out.data());
         });
  caught(check, "named barrier for too few",
         {"race: load of shared+", "nothing was written there", "deadlock at a named barrier",
          "race: store of shared+"},
         {}, [&] {
           launch<named_kernel<64>>({one, dim3(128), 256}, out.data());
         });
  caught(check, "named barrier of two counts", {"named barrier 1: this warp expects"}, {}, [&] {
    launch<uneven_kernel>({one, dim3(96)});
  });
  caught(check, "named barrier of no whole warps", {"named barrier 1: threads has value 48"}, {},
         [&] {
           launch<odd_count_kernel>({one, dim3(64)});
         });
}

// Warp 0 produces into two slots, warp 1 consumes; a full and an empty mbarrier per slot.
template <bool kWaitEmpty, bool kWaitFull>
__global__ void pipeline_kernel(uint32_t* out) {
  const Shared<uint64_t> full = shared_memory<uint64_t>();
  const Shared<uint64_t> empty = shared_memory<uint64_t>(16);
  const Shared<uint32_t> slots = shared_memory<uint32_t>(32);
  if (threadIdx.x == 0) {
    for (int s = 0; s < 2; ++s) {
      ptx::mbarrier_init(full + s, 32);
      ptx::mbarrier_init(empty + s, 32);
    }
  }
  __syncthreads();
  const uint32_t l = ptx::lane_id();
  for (uint32_t turn = 0; turn < 6; ++turn) {
    const uint32_t s = turn % 2;
    const uint32_t round = turn / 2;
    if (threadIdx.x < 32) {
      // The empty phase of the round before; of none before the first.
      if (kWaitEmpty && round > 0)
        while (!ptx::mbarrier_try_wait_parity(empty + s, (round - 1) % 2)) {
        }
      slots[s * 32 + l] = turn * 100 + l;
      ptx::mbarrier_arrive(full + s);
    } else {
      while (kWaitFull && !ptx::mbarrier_try_wait_parity(full + s, round % 2)) {
      }
      store(out + turn * 32 + l, static_cast<uint32_t>(slots[s * 32 + 31 - l]));
      ptx::mbarrier_arrive(empty + s);
    }
  }
}

// One lane arrives for its warp, as the kernels of sm_90 do. Each way round, what the other lanes have
// done must come before that.
enum class Release { each_lane, one_lane, not_synced };

template <Release kFull, Release kEmpty>
__global__ void one_lane_kernel(uint32_t* out) {
  const Shared<uint64_t> full = shared_memory<uint64_t>();
  const Shared<uint64_t> empty = shared_memory<uint64_t>(8);
  const Shared<uint32_t> slots = shared_memory<uint32_t>(32);
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(full, kFull == Release::each_lane ? 32 : 1);
    ptx::mbarrier_init(empty, kEmpty == Release::each_lane ? 32 : 1);
  }
  __syncthreads();
  const uint32_t l = ptx::lane_id();
  const auto release = [l](Release how, Shared<uint64_t> barrier) {
    if (how == Release::one_lane) __syncwarp();
    if (how == Release::each_lane || l == 0) ptx::mbarrier_arrive(barrier);
  };
  const auto wait = [](Shared<uint64_t> barrier, uint32_t parity) {
    while (!ptx::mbarrier_try_wait_parity(barrier, parity)) {
    }
  };
  for (uint32_t turn = 0; turn < 3; ++turn) {
    if (threadIdx.x < 32) {
      if (turn > 0) wait(empty, (turn - 1) % 2);
      slots[l] = turn * 100 + l;
      release(kFull, full);
    } else {
      wait(full, turn % 2);
      store(out + turn * 32 + l, static_cast<uint32_t>(slots[31 - l]));
      ptx::vote_any(true);  // brings the lanes together, and orders nothing
      release(kEmpty, empty);
    }
  }
}

__global__ void arrivals_kernel() {
  const Shared<uint64_t> barrier = shared_memory<uint64_t>();
  if (threadIdx.x == 0) ptx::mbarrier_init(barrier, 33);
  __syncthreads();
  ptx::mbarrier_arrive(barrier);
  while (!ptx::mbarrier_try_wait_parity(barrier, 0)) {
  }
}

void mbarriers(Check& check) {
  const auto out = output<uint32_t>("out", 192);
  sound(check, "mbarrier pipeline", [&] {
    launch<pipeline_kernel<true, true>>({dim3(1), dim3(64), 288}, out.data());
    equal(check, "turn 5, lane 1", out.read()[5 * 32 + 1], 530);
  });
  // The producer overruns the consumer, or is two phases ahead when the consumer first looks.
  caught(check, "producer that does not wait", {"race: ", "deadlock"}, {}, [&] {
    launch<pipeline_kernel<false, true>>({dim3(1), dim3(64), 288}, out.data());
  });
  caught(check, "consumer that does not wait", {"race: ", "nothing was written there"}, {"shared+"},
         [&] {
           launch<pipeline_kernel<true, false>>({dim3(1), dim3(64), 288}, out.data());
         });
  const Launch two_warps{dim3(1), dim3(64), 160};
  sound(check, "every lane arrives", [&] {
    launch<one_lane_kernel<Release::each_lane, Release::each_lane>>(two_warps, out.data());
  });
  sound(check, "one lane arrives for the warp", [&] {
    launch<one_lane_kernel<Release::one_lane, Release::one_lane>>(two_warps, out.data());
  });
  caught(check, "one lane says for all that it is full", {"race: load of shared+"}, {}, [&] {
    launch<one_lane_kernel<Release::not_synced, Release::each_lane>>(two_warps, out.data());
  });
  caught(check, "one lane says for all that it is empty", {"race: store of shared+"}, {}, [&] {
    launch<one_lane_kernel<Release::one_lane, Release::not_synced>>(two_warps, out.data());
  });
  caught(check, "mbarrier with an arrival missing", {"deadlock"}, {"mbarrier.try_wait"}, [&] {
    launch<arrivals_kernel>({dim3(1), dim3(32), 8});
  });
}

}  // namespace

int main() {
  return run_on_device("simt_order", [](Check& check) {
    races(check);
    barriers(check);
    mbarriers(check);
  });
}
