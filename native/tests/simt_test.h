// What the emulator's own tests share. On a GPU the instructions and the sound kernels run, and show
// that the emulator and the hardware agree.
#pragma once

#include <functional>

#include "cuda/load.cuh"
#include "cuda_device.h"

namespace bc::test {

using namespace bc::cuda;

inline void equal(Check& check, const char* what, int64_t got, int64_t want) {
  char line[160];
  std::snprintf(line, sizeof line, "%s has value %lld (0x%llx), expected %lld (0x%llx)", what,
                static_cast<long long>(got), static_cast<unsigned long long>(got),
                static_cast<long long>(want), static_cast<unsigned long long>(want));
  check.that(got == want, line);
}

// Under every seed the run must fail, and the message must hold one of the alternatives, then all of
// the details. A GPU has nobody to ask.
inline void caught(Check& check, const char* name, const std::vector<std::string>& alternatives,
                   const std::vector<std::string>& details, const std::function<void()>& run) {
  if (!kEmulated) return;
  for_each_schedule(8, [&](uint64_t seed) {
    check.begin(name, seed);
    std::string message;
    try {
      run();
    } catch (const std::exception& e) {
      message = e.what();
    }
    bool found = false;
    for (const std::string& text : alternatives) found |= message.find(text) != std::string::npos;
    for (const std::string& text : details) found &= message.find(text) != std::string::npos;
    check.that(found, message.empty() ? "nothing was noticed" : ("said: " + message).c_str());
  });
}

inline void sound(Check& check, const char* name, const std::function<void()>& run,
                  int schedules = 8) {
  for_each_schedule(schedules, [&](uint64_t seed) {
    check.begin(name, seed);
    try {
      run();
      finish();
      check.that(true, "");
    } catch (const std::exception& e) {
      check.that(false, e.what());
    }
  });
}

// What one thread computes.
template <auto kKernel, class In>
std::vector<uint32_t> results(size_t count, const std::vector<In>& in) {
  const auto device_in = input("in", in);
  const auto out = output<uint32_t>("out", count);
  launch<kKernel>({dim3(1), dim3(32)}, out.data(), device_in.data());
  return out.read();
}

inline std::vector<uint32_t> numbers(size_t count) {
  std::vector<uint32_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<uint32_t>(i);
  return values;
}

// main() of a test whose kernels have instructions of sm_90a.
template <class Body>
int run_on_hopper(const char* op, Body&& body) {
  if (!is_hopper()) {
    std::printf("%s: skipped, no CUDA device of compute capability 9.0\n", op);
    return 77;
  }
  return run_on_device(op, body);
}

__device__ __forceinline__ uint32_t thread_id() { return threadIdx.x; }

}  // namespace bc::test
