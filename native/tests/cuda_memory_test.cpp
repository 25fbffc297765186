// cuda/device.h: memory, copies and recorded steps, on the emulated GPU and on a real one.
#include <cstring>

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "cuda_device.h"
#include "error.h"

#ifndef BC_ON_GPU
#include "simt/gpu.h"
#endif

using namespace bc;
using namespace bc::test;

namespace {

std::string failure(const std::function<void()>& body, bc_status* status) {
  try {
    body();
  } catch (const Error& e) {
    *status = e.status();
    return e.what();
  }
  *status = BC_OK;
  return "";
}

// More than the two page-locked buffers hold, and a tail.
void copies(Check& check, cuda::Device& device) {
  for (const int64_t bytes : {int64_t{1}, int64_t{4096}, (int64_t{3} << 23) + 5}) {
    check.begin("copies of " + std::to_string(bytes) + " bytes", 0);
    std::vector<uint8_t> sent(static_cast<size_t>(bytes));
    Random random(static_cast<uint64_t>(bytes));
    for (uint8_t& b : sent) b = static_cast<uint8_t>(random.bits());
    const std::vector<uint8_t> kept = sent;
    void* memory = device.allocate(bytes);
    std::vector<uint8_t> got(sent.size(), 0xff);
    device.download(got.data(), memory, bytes);
    check.that(got == std::vector<uint8_t>(sent.size()), "new memory is not zero");
    device.upload(memory, sent.data(), bytes);
    std::fill(sent.begin(), sent.end(), uint8_t{0});  // the host may use its memory at once
    device.download(got.data(), memory, bytes);
    check.that(got == kept, "what came back is not what was sent");
    device.release(memory);
  }
}

// A recorded step reads its inputs when it runs, and runs as often as one likes.
void recording(Check& check, cuda::Device& device) {
  check.begin("recording", 0);
  constexpr int64_t C = 8;
  const std::vector<uint8_t> ones = as_type(Type::bf16, std::vector<float>(C, 1.0f));
  void* x = device.allocate(2 * C);
  void* out = device.allocate(2 * C);
  void* weight = device.allocate(2 * C);
  device.upload(weight, ones.data(), 2 * C);
  const RmsNormParams p{out, Type::bf16, C,          x, Type::bf16, C,   nullptr,
                        0,   weight,     Type::bf16, 1, C,          0.0f};
  const std::unique_ptr<Graph> graph = device.record([&] { cuda::rms_norm(p, device.stream()); });
  std::vector<uint8_t> got(2 * C);
  device.download(got.data(), out, 2 * C);
  check.that(got == std::vector<uint8_t>(2 * C), "a kernel ran while it was recorded");
  for (const float value : {3.0f, -5.0f}) {
    const std::vector<uint8_t> input = as_type(Type::bf16, std::vector<float>(C, value));
    device.upload(x, input.data(), 2 * C);
    device.run(*graph);
    device.download(got.data(), out, 2 * C);
    for (const float y : as_floats(Type::bf16, got))
      check.that(y == (value > 0 ? 1.0f : -1.0f), "the recorded step gives something else");
  }
  bc_status status;
  check.that(failure([&] { device.record([] { fail(BC_INVALID_ARGUMENT, "refused"); }); },
                     &status) == "refused",
             "an error inside a recording is lost");
  cuda::rms_norm(p, device.stream());  // and the device records no longer
  device.synchronize();
  for (void* memory : {x, out, weight}) device.release(memory);
}

void exhaustion(Check& check, cuda::Device& device) {
  check.begin("exhaustion", 0);
  int64_t before = 0;
  int64_t total = 0;
  device.memory(&before, &total);
  bc_status status;
  const std::string message = failure([&] { device.allocate(total + 1); }, &status);
  check.that(status == BC_OUT_OF_MEMORY, "too large a tensor is not out of memory");
  check.that(message.find(std::to_string(total + 1)) != std::string::npos &&
                 message.find("free are") != std::string::npos,
             "the message does not say what was needed and what is free");
  void* memory = device.allocate(64);  // and the device goes on
  device.release(memory);
  int64_t after = 0;
  device.memory(&after, &total);
  check.that(after == before, "memory is lost");
}

}  // namespace

int main() {
  return run_on_device("cuda_memory", [](Check& check) {
    bc_status status;
    const std::string message = failure([] { cuda::Device::open(4096, nullptr); }, &status);
    check.begin("open", 0);
    check.that(status == BC_DEVICE && message.find("4096") != std::string::npos,
               "a GPU that is not there is opened");
    const std::unique_ptr<cuda::Device> device = cuda::Device::open(0, nullptr);
    check.that(device->facts().capability >= 80 && !device->facts().name.empty(), "no facts");
    copies(check, *device);
    recording(check, *device);
    exhaustion(check, *device);
  });
}
