#include "stopwatch.h"

#include <algorithm>
#include <vector>

#include "cuda_device.h"

namespace bc::bench {
namespace {

constexpr double kSample = 1e-3;  // seconds, so that events of half a microsecond do not show
constexpr size_t kSamples = 15;
constexpr double kEnough = 0.4;  // seconds after which fewer samples do
constexpr size_t kFewest = 3;

class Event {
 public:
  Event() { test::require(cudaEventCreate(&event_), "creating an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  void record(void* stream) {
    test::require(cudaEventRecord(event_, static_cast<cudaStream_t>(stream)), "an event");
  }
  double seconds_since(const Event& start) {
    test::require(cudaEventSynchronize(event_), "work on the device");
    float milliseconds = 0.0f;
    test::require(cudaEventElapsedTime(&milliseconds, start.event_, event_), "reading an event");
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

Time measure(cuda::Device& device, int launches, const std::function<void(int)>& launch) {
  const auto step = device.record([&] {
    for (int i = 0; i < launches; ++i) launch(i);
  });
  Event start;
  Event end;
  const auto run = [&](int times) {
    start.record(device.stream());
    for (int i = 0; i < times; ++i) device.run(*step);
    end.record(device.stream());
    return end.seconds_since(start);
  };
  run(1);
  const double once = std::max(run(1), 1e-6);
  const int times = std::max(1, static_cast<int>(kSample / once));
  run(times);
  std::vector<double> samples;
  double spent = 0.0;
  while (samples.size() < kSamples && (samples.size() < kFewest || spent < kEnough)) {
    const double seconds = run(times);
    spent += seconds;
    samples.push_back(seconds / times / launches);
  }
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples.front(), samples.back(),
          static_cast<int>(samples.size())};
}

}  // namespace bc::bench
