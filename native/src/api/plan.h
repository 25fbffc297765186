// A recorded step: ops in order, and everything they refer to.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "api/inputs.h"
#include "context.h"

namespace bc {

// Whether BC_SYNC=1 asks that every op on a GPU is waited for, so that a fault names it.
bool synchronizes_ops();

struct Plan {
  // Ends the recording on a context.
  void finish(std::shared_ptr<Context> recorded_on);
  void run();

  std::shared_ptr<Context> context;
  std::vector<std::function<void()>> ops;
  std::unique_ptr<Graph> graph;  // the ops as one piece, where the device gains by it
  Inputs inputs;                 // what is checked on the host before they run
  std::vector<std::shared_ptr<Storage>> storages;  // kept alive for the pointers inside the ops
  bool failed = false;                             // an op was refused while recording
};

}  // namespace bc
