// Contexts and plans of baichuan.h, and the handles of everything: arguments are checked here. Tensors
// and files are in tensors.cpp, ops in ops.cpp, attention.cpp and weights.cpp.
#include <atomic>

#include "api/handles.h"
#include "baichuan.h"
#include "cpu/isa.h"
#include "cuda/device.h"
#include "quant.h"
#include "system.h"

namespace bc {

Handles<bc_context, Context> contexts("context");
Handles<bc_tensor, Tensor> tensors("tensor");
Handles<bc_file, File> files("file");
Handles<bc_plan, Plan> plans("plan");

uint64_t next_handle_id() {
  static std::atomic<uint64_t> next{1};
  // Steps of 16 keep ids apart from small integers that a caller may pass by mistake.
  return next.fetch_add(1) * 16;
}

namespace {

// Asks the driver once. The message of a failure is then the reason why there is no GPU.
const cuda::Available& gpus() noexcept {
  static const cuda::Available found = [] {
    cuda::Available none;
    try {
      return cuda::available();
    } catch (const std::exception& e) {
      none.reason = e.what();
    }
    return none;
  }();
  return found;
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

const char* bc_version(void) { return BC_VERSION; }

const char* bc_last_error(void) { return last_error(); }

void bc_last_error_bytes(int64_t* needed, int64_t* available) {
  const Shortage shortage = last_shortage();
  if (needed != nullptr) *needed = shortage.needed;
  if (available != nullptr) *available = shortage.available;
}

const char* bc_cpu_isa(void) {
  const char* name = cpu::name_of(cpu::Isa::scalar);
  guard([&] { name = cpu::name_of(cpu::isa()); });
  return name;
}

int32_t bc_cpu_cores(void) {
  int32_t cores = 1;
  guard([&] { cores = cpu_cores(); });
  return cores;
}

int32_t bc_packed_layout(void) { return kPackedLayout; }

int32_t bc_cuda_devices(void) { return gpus().devices; }

const char* bc_cuda_reason(void) { return gpus().reason.c_str(); }

const char* bc_cuda_driver(void) { return gpus().driver.c_str(); }

const char* bc_cuda_driver_needed(void) { return gpus().driver_needed.c_str(); }

bc_status bc_context_create(int32_t device, int32_t index, int32_t threads, int32_t exact,
                            bc_context** out) {
  return guard([&] {
    output(out, "context_create", "out");
    if (device == BC_CUDA) {
      if (exact != 0) {
        fail(BC_INVALID_ARGUMENT,
             "context_create: exact has value %d, expected 0 on a GPU, whose activations have 16 "
             "bits",
             exact);
      }
      *out = contexts.add(std::make_shared<Context>(cuda_backend(index, nullptr), false));
      return;
    }
    if (device != BC_CPU)
      fail(BC_INVALID_ARGUMENT, "context_create: device has value %d, expected 0 (CPU) or 1",
           device);
    if (index != 0)
      fail(BC_INVALID_ARGUMENT, "context_create: index has value %d, expected 0 for the CPU",
           index);
    if (threads < 0 || threads > 1024) {
      fail(BC_INVALID_ARGUMENT, "context_create: threads has value %d, expected 0 to 1024",
           threads);
    }
    *out = contexts.add(std::make_shared<Context>(cpu_backend(threads), exact != 0));
  });
}

bc_status bc_context_on_stream(int32_t index, void* stream, bc_context** out) {
  return guard([&] {
    output(out, "context_on_stream", "out");
    if (stream == nullptr)
      fail(BC_INVALID_ARGUMENT, "context_on_stream: stream is null, expected a CUstream");
    *out = contexts.add(std::make_shared<Context>(cuda_backend(index, stream), false));
  });
}

bc_status bc_context_device(bc_context* context, const char** out) {
  return guard([&] {
    const std::shared_ptr<Context> c = contexts.get(context, "context_device", "context");
    thread_local std::string text;  // lives until the thread asks again
    text = c->backend->name();
    *output(out, "context_device", "out") = text.c_str();
  });
}

bc_status bc_context_free(bc_context* context) {
  return guard([&] {
    const std::shared_ptr<Context> c = contexts.remove(context, "context_free");
    c->recording.reset();
    plans.remove_if([&](const Plan& p) { return p.context == c; });
    tensors.remove_if([&](const Tensor& t) { return t.context == c; });
  });
}

bc_status bc_context_pin(bc_context* context) {
  return guard([&] { contexts.get(context, "context_pin", "context")->backend->pin(); });
}

bc_status bc_context_facts(bc_context* context, bc_facts* out) {
  return guard([&] {
    const DeviceFacts facts = contexts.get(context, "context_facts", "context")->backend->facts();
    const auto flag = [](bool is) { return is ? 1 : 0; };
    *output(out, "context_facts", "out") = {facts.threads,
                                            facts.activation_bits,
                                            static_cast<int32_t>(facts.cache_types),
                                            static_cast<int32_t>(facts.head_sizes),
                                            facts.smallest_piece,
                                            flag(facts.reads_host_memory),
                                            flag(facts.fuses_swiglu)};
  });
}

bc_status bc_synchronize(bc_context* context) {
  return guard([&] {
    const std::shared_ptr<Context> c = contexts.get(context, "synchronize", "context");
    c->backend->synchronize();
    ++c->waits;
  });
}

bc_status bc_memory_used(bc_context* context, int64_t* bytes) {
  return guard([&] {
    *output(bytes, "memory_used", "bytes") =
        contexts.get(context, "memory_used", "context")->backend->used();
  });
}

bc_status bc_memory_info(bc_context* context, int64_t* available, int64_t* total) {
  return guard([&] {
    const std::shared_ptr<Context> c = contexts.get(context, "memory_info", "context");
    output(available, "memory_info", "available");
    output(total, "memory_info", "total");
    c->backend->memory(available, total);
  });
}

bc_status bc_plan_begin(bc_context* context) {
  return guard([&] {
    const std::shared_ptr<Context> c = contexts.get(context, "plan_begin", "context");
    if (c->recording)
      fail(BC_INVALID_ARGUMENT,
           "plan_begin: context is recording already, expected bc_plan_end first");
    c->recording = std::make_shared<Plan>();
  });
}

bc_status bc_plan_end(bc_context* context, bc_plan** out) {
  return guard([&] {
    const std::shared_ptr<Context> c = contexts.get(context, "plan_end", "context");
    if (!c->recording)
      fail(BC_INVALID_ARGUMENT, "plan_end: context is not recording, expected bc_plan_begin first");
    std::shared_ptr<Plan> plan = std::move(c->recording);
    c->recording.reset();
    output(out, "plan_end", "out");
    if (plan->failed)
      fail(BC_INVALID_ARGUMENT, "plan_end: an op was refused while recording, expected none");
    plan->finish(c);
    *out = plans.add(std::move(plan));
  });
}

bc_status bc_plan_run(bc_plan* plan) {
  return guard([&] { plans.get(plan, "plan_run", "plan")->run(); });
}

bc_status bc_plan_free(bc_plan* plan) {
  return guard([&] { plans.remove(plan, "plan_free"); });
}

}  // extern "C"
