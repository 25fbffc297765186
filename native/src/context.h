// A context: a device, and what ops of several calls share.
#pragma once

#include <cstdint>
#include <memory>

#include "backend.h"

namespace bc {

struct Plan;

struct Context {
  Context(std::unique_ptr<Backend> of_device, bool exact_activations)
      : backend(std::move(of_device)), exact(exact_activations) {}

  const std::unique_ptr<Backend> backend;
  const bool exact;                  // activations stay in f32 from end to end
  int64_t waits = 0;                 // how often the host has waited for the device
  std::shared_ptr<Storage> scratch;  // what one op needs while it runs
  std::shared_ptr<Plan> recording;   // set between bc_plan_begin and bc_plan_end
};

}  // namespace bc
