// Times something that is done again and again.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace bc::bench {

struct Time {  // seconds of one call
  double median, least;
};

// Takes at least five samples, and more until `seconds` have passed. A sample is as many calls as take a
// millisecond. One call goes before them. With 0 seconds there is a single call, whose time means nothing.
template <class F>
Time measure(F&& call, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto elapsed = [](Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
  };
  const Clock::time_point start = Clock::now();
  call();
  if (seconds <= 0.0) return {elapsed(start), elapsed(start)};
  const Clock::time_point once = Clock::now();
  call();
  const int calls = static_cast<int>(std::clamp(1e-3 / elapsed(once), 1.0, 1e6));
  std::vector<double> samples;
  while (samples.size() < 5 || elapsed(start) < seconds) {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    samples.push_back(elapsed(begin) / calls);
  }
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples.front()};
}

}  // namespace bc::bench
