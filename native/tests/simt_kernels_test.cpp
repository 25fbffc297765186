// What happens before what between blocks, and from kernel to kernel, as simt_order_test.cpp has it inside
// of a block.
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// --- Between blocks ------------------------------------------------------------------------------

// Each block adds its part to a workspace; the last one to come sums them in order.
template <bool kOrdered>
__global__ void last_block_kernel(uint32_t* out, uint32_t* parts, uint32_t* counter) {
  const Shared<uint32_t> last = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  store(parts + blockIdx.x * 64 + i, blockIdx.x + i);
  __syncthreads();
  if (i == 0) last[0] = ptx::atom_add_acq_rel(counter, 1) == gridDim.x - 1 ? 1 : 0;
  if (kOrdered) __syncthreads();
  if (last[0] == 0) return;
  uint32_t sum = 0;
  for (uint32_t b = 0; b < gridDim.x; ++b) sum += load(parts + b * 64 + i);
  store(out + i, sum);
  if (i == 0) store(counter, 0u);  // for the next launch
}

// Block b waits for block b + 1 and adds its own: flags from the end to the beginning.
template <bool kRelease>
__global__ void chain_kernel(uint32_t* sums, uint32_t* flags) {
  const uint32_t b = blockIdx.x;
  const uint32_t i = thread_id();
  uint32_t sum = b;
  if (b + 1 < gridDim.x) {
    if (i == 0)
      while (ptx::ld_acquire(flags + b + 1) == 0) {
      }
    __syncthreads();
    sum += load(sums + (b + 1) * 64 + i);
  }
  store(sums + b * 64 + i, sum);
  if (kRelease) __syncthreads();
  if (i == 0) ptx::st_release(flags + b, 1);
}

// One lane waits for the other block's flag; the others must be told.
template <bool kTold>
__global__ void flag_of_a_lane_kernel(uint32_t* x, uint32_t* flag) {
  const uint32_t i = thread_id();
  if (blockIdx.x == 0) {
    store(x + i, i);
    __syncwarp();
    if (i == 0) ptx::st_release(flag, 1);
    return;
  }
  if (i == 0)
    while (ptx::ld_acquire(flag) == 0) {
    }
  kTold ? __syncwarp() : static_cast<void>(ptx::vote_any(true));
  store(x + 32 + i, load(x + 31 - i));
}

// Starts before its predecessor has ended: weights may come early, x may not.
template <bool kWait>
__global__ void early_kernel(uint32_t* x, const uint32_t* weights) {
  const uint32_t weight = load(weights + thread_id());
  if (kWait) ptx::griddepcontrol_wait();
  store(x + thread_id(), load(x + thread_id()) + weight);
  ptx::griddepcontrol_launch_dependents();
}

enum class Constant { x, weights, own, own_later };

// ld.global.nc is for what nobody writes while the kernel lives.
template <Constant kWhat>
__global__ void constant_kernel(uint32_t* x, const uint32_t* weights, uint32_t* out) {
  ptx::griddepcontrol_wait();
  const uint32_t i = thread_id();
  const auto constant = [](const uint32_t* from) { return load_once<1>(from)[0]; };
  if (kWhat == Constant::x) store(out + i, constant(x + i));
  if (kWhat == Constant::weights) store(out + i, load(x + i) + constant(weights + i));
  if (kWhat == Constant::own) store(out + i, i), store(x + i, constant(out + i));
  if (kWhat == Constant::own_later) store(x + i, constant(x + i));
}

__global__ void writes_kernel(uint32_t* x) {
  ptx::griddepcontrol_wait();
  store(x + thread_id(), thread_id());
}

template <bool kWaits>
__global__ void one_waits_kernel() {
  if (kWaits && thread_id() == 7) ptx::griddepcontrol_wait();
}

__global__ void hopeless_kernel(uint32_t* flags) {
  while (ptx::ld_acquire(flags) == 0) {
  }
}

__global__ void adds_kernel(float* sum, int32_t* count) {
  ptx::red_add(sum, 0.5f);
  ptx::red_add(count, -1);
}

void between_blocks(Check& check) {
  const auto out = output<uint32_t>("out", 64);
  const auto run_last = [&](auto kernel_constant) {
    auto counter = in_out("counter", std::vector<uint32_t>(1, 0));
    const auto parts = output<uint32_t>("parts", 10 * 64);
    launch<last_block_kernel<kernel_constant.value>>({dim3(10), dim3(64), 4}, out.data(),
                                                     parts.data(), counter.data());
    equal(check, "sum", out.read()[3], 45 + 30);
  };
  sound(check, "last block", [&] { run_last(std::true_type()); });
  caught(check, "last block without a barrier", {"race: ", "nothing was written there"}, {},
         [&] { run_last(std::false_type()); });
  const auto run_chain = [&](auto kernel_constant) {
    auto flags = in_out("flags", std::vector<uint32_t>(20, 0));
    const auto sums = output<uint32_t>("sums", 20 * 64);
    launch<chain_kernel<kernel_constant.value>>({dim3(20), dim3(64)}, sums.data(), flags.data());
    equal(check, "sum", sums.read()[0], 190);
  };
  sound(check, "flags", [&] { run_chain(std::true_type()); });
  caught(check, "flag before the data", {"race: ", "nothing was written there"}, {},
         [&] { run_chain(std::false_type()); });
  caught(check, "flag that nobody sets", {"deadlock"}, {"ld.acquire"}, [&] {
    auto flags = in_out("flags", std::vector<uint32_t>(1, 0));
    launch<hopeless_kernel>({dim3(3), dim3(32)}, flags.data());
  });
  const auto run_early = [&](auto kernel_constant) {
    const auto weights = input("weights", numbers(64));
    const auto x = in_out("x", numbers(64));
    Launch how{dim3(1), dim3(64)};
    launch<early_kernel<kernel_constant.value>>(how, x.data(), weights.data());
    how.early = true;
    launch<early_kernel<kernel_constant.value>>(how, x.data(), weights.data());
    equal(check, "x + 2 weights", x.read()[5], 15);
  };
  sound(check, "early start", [&] { run_early(std::true_type()); });
  caught(check, "early start without a wait", {"load of x+"}, {"before griddepcontrol_wait"},
         [&] { run_early(std::false_type()); });
  const Launch early{dim3(1), dim3(64), 0, nullptr, true};
  sound(check, "early start in which one thread waits",
        [&] { launch<one_waits_kernel<true>>(early); });
  caught(check, "early start in which none does", {"ends without griddepcontrol_wait"}, {},
         [&] { launch<one_waits_kernel<false>>(early); });
  const auto run_flag = [&](auto kernel_constant) {
    auto flag = in_out("flag", std::vector<uint32_t>(1, 0));
    const auto x = output<uint32_t>("x", 64);
    launch<flag_of_a_lane_kernel<kernel_constant.value>>({dim3(2), dim3(32)}, x.data(),
                                                         flag.data());
    equal(check, "x of the other block", x.read()[32], 31);
  };
  sound(check, "a lane acquires and tells its warp", [&] { run_flag(std::true_type()); });
  caught(check, "a lane acquires for itself alone", {"race: load of x+"}, {},
         [&] { run_flag(std::false_type()); });
  sound(check, "red.add", [&] {
    auto sum = in_out("sum", std::vector<float>(1, 0.0f));
    auto count = in_out("count", std::vector<int32_t>(1, 0));
    launch<adds_kernel>({dim3(5), dim3(64)}, sum.data(), count.data());
    equal(check, "count", count.read()[0], -320);
    check.that(sum.read()[0] == 160.0f, "sum of floats");
  });
}

// --- From kernel to kernel -----------------------------------------------------------------------

struct Step {
  Step()
      : weights(input("weights", numbers(64))),
        x(in_out("x", numbers(64))),
        out(output<uint32_t>("out", 64)) {}
  template <auto kKernel, class... Arguments>
  static void run(bool early, Arguments... arguments) {
    Launch how{dim3(1), dim3(64)};
    how.early = early;
    launch<kKernel>(how, arguments...);
  }
  // A kernel writes x and another reads it as constant; maybe one between them starts early.
  void read_after_write(bool early, bool between) const {
    run<writes_kernel>(false, x.data());
    if (between) run<writes_kernel>(true, out.data());
    run<constant_kernel<Constant::x>>(early, x.data(), weights.data(), out.data());
  }
  template <Constant kWhat>
  void read(bool early) const {
    run<constant_kernel<kWhat>>(early, x.data(), weights.data(), out.data());
  }
  const DeviceArray<uint32_t> weights, x, out;
};

void constants(Check& check) {
  const auto nc = [&](const char* name, const char* why, const std::function<void()>& run) {
    caught(check, name, {"ld.global.nc of "}, {why}, run);
  };
  sound(check, "nc load of weights", [] { Step().read<Constant::weights>(true); });
  sound(check, "nc load when the kernels before have ended",
        [] { Step().read_after_write(false, false); });
  sound(check, "nc load when the host has waited", [] {
    const Step step;
    Step::run<writes_kernel>(false, step.x.data());
    step.x.read();
    step.read<Constant::x>(true);
  });
  nc("nc load of what the kernel before wrote",
     "a kernel that may not have ended when this one began",
     [] { Step().read_after_write(true, false); });
  nc("nc load of what the kernel before that wrote",
     "a kernel that may not have ended when this one began",
     [] { Step().read_after_write(true, true); });
  nc("nc load of what this kernel wrote", "this kernel wrote there",
     [] { Step().read<Constant::own>(false); });
  caught(check, "nc load of what this kernel is going to write", {"store of x+"},
         {"this kernel reads it by ld.global.nc"}, [] { Step().read<Constant::own_later>(false); });
}

// Programmatic launches and clusters came with 9.0; shared memory differs.
void capabilities(Check& check) {
  static_assert(!can_start_early(80, 13000, 13000) && !can_start_early(89, 13000, 13000),
                "before 9.0 kernels start one after another");
  static_assert(can_start_early(90, 12030, 12030) && can_start_early(100, 13000, 13000) &&
                    can_start_early(120, 13000, 13000),
                "from 9.0 on");
  static_assert(!can_start_early(90, 13000, 12020) && !can_start_early(90, 12020, 13000),
                "the driver may be older than the runtime, and the other way round");
#ifndef BC_ON_GPU
  const auto out = output<uint32_t>("out", 64);
  const auto on = [](int capability, const std::function<void()>& run) {
    simt::gpu_capability() = capability;
    try {
      run();
    } catch (...) {
      simt::gpu_capability() = 90;
      throw;
    }
    simt::gpu_capability() = 90;
  };
  for (const int capability : {80, 86, 89, 90, 100, 120}) {
    sound(check, "early where it can be", [&] {
      simt::reset_counters();
      on(capability, [&] { Step::run<writes_kernel>(true, out.data()); });
      equal(check, "early launches", simt::counters().early_launches, capability >= 90 ? 1 : 0);
    });
    const size_t most = simt::shared_memory_of(capability);
    const auto with = [&](size_t bytes) {
      on(capability, [&] { launch<writes_kernel>({dim3(1), dim3(32), bytes}, out.data()); });
    };
    sound(check, "all of the shared memory", [&] { with(most); });
    caught(check, "more than all of the shared memory", {"shared memory has "},
           {"on compute capability " + std::to_string(capability / 10)}, [&] { with(most + 1); });
  }
  for (const int capability : {80, 89}) {
    const auto refused = [&](const char* name, const char* what, bool early, unsigned cluster) {
      caught(check, name, {what}, {"needs compute capability 9.0, the device has 8."}, [&] {
        on(capability,
           [&] { simt::launch("kernel", dim3(2), dim3(32), 0, early, cluster, [] {}); });
      });
    };
    refused("a programmatic launch before 9.0", "a programmatic launch", true, 1);
    refused("a cluster before 9.0", "a cluster", false, 2);
  }
#else
  (void)check;
#endif
}

}  // namespace

int main() {
  return run_on_device("simt_kernels", [](Check& check) {
    between_blocks(check);
    constants(check);
    capabilities(check);
  });
}
