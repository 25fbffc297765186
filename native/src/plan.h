// A recorded step: ops in order, and everything they refer to.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tensor.h"

namespace bc {

struct Plan {
  std::shared_ptr<Context> context;
  std::vector<std::function<void()>> ops;
  std::vector<std::shared_ptr<Storage>> storages;  // kept alive for the pointers inside the ops
  bool failed = false;                             // an op was refused while recording
};

}  // namespace bc
