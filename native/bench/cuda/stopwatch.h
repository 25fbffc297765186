// How long a launch takes on the device.
#pragma once

#include <functional>

#include "cuda/device.h"

namespace bc::bench {

// Seconds of one launch, over the samples.
struct Time {
  double median = 0.0;
  double least = 0.0;
  double most = 0.0;
  int samples = 0;
};

// Records a step of `launches` launches, launch(0) to launch(launches - 1), as the engine records
// its steps, runs it to warm up, and then times it several times with events. A sample is one or
// more runs that take a millisecond together.
Time measure(cuda::Device& device, int launches, const std::function<void(int)>& launch);

}  // namespace bc::bench
