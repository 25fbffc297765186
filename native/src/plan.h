// A recorded step: ops in order, and everything they refer to.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "inputs.h"
#include "tensor.h"

namespace bc {

// BC_SYNC=1: every op on a GPU is waited for, so that a fault names it.
bool synchronizes_ops();

struct Plan {
  // Ends the recording on a context.
  void finish(std::shared_ptr<Context> recorded_on);
  void run();

  std::shared_ptr<Context> context;
  std::vector<std::function<void()>> ops;
  // On a GPU: the ops as one graph, and what is checked on the host before it is launched.
  std::unique_ptr<cuda::Graph> graph;
  Inputs inputs;
  std::vector<std::shared_ptr<Storage>> storages;  // kept alive for the pointers inside the ops
  bool failed = false;                             // an op was refused while recording
};

}  // namespace bc
