#include "api/plan.h"

#include <cstdlib>
#include <cstring>

namespace bc {

bool synchronizes_ops() {
  static const bool wished = [] {
    const char* wish = std::getenv("BC_SYNC");
    return wish != nullptr && std::strcmp(wish, "1") == 0;
  }();
  return wished;
}

void Plan::finish(std::shared_ptr<Context> recorded_on) {
  context = std::move(recorded_on);
  if (synchronizes_ops()) return;
  graph = context->backend->record([this] {
    for (const std::function<void()>& op : ops) op();
  });
  if (graph != nullptr) ops.clear();
}

void Plan::run() {
  inputs.check();
  if (graph != nullptr) context->backend->launch(*graph);
  for (const std::function<void()>& op : ops) op();
}

}  // namespace bc
