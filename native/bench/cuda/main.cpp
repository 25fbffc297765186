// cuda_bench: times each CUDA kernel at the shapes of Baichuan 7B and 13B, and checks what it times.
//
// Exit code: 0; 1 when a check failed or a case was left out; 2 wrong use; 77 no GPU.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "case.h"
#include "ceilings.h"
#include "cuda_device.h"
#include "report.h"
#include "stopwatch.h"

using namespace bc;
using namespace bc::bench;

namespace {

constexpr int kSkipped = 77;  // what CTest and gpu-check take as skipped

const char* const kHelp =
    "cuda_bench [options]: times the CUDA kernels at the shapes of Baichuan 7B and 13B\n"
    "  --list          prints the cases, with the bytes and flops of each, and ends\n"
    "  --ops           prints the names of the ops and ends\n"
    "  --facts         prints the GPU as a JSON object and ends\n"
    "  --check         checks results and times nothing\n"
    "  --small         small shapes, for compute-sanitizer\n"
    "  --op NAME       only this op\n"
    "  --filter TEXT   only cases with this in their name; again: all of them\n"
    "  --seconds N     starts no case later than this\n"
    "  --device N      the GPU (0)\n"
    "  --json FILE     also writes one JSON object a line; - with --list: instead, to stdout\n";

struct Options {
  bool list = false, ops = false, facts = false, check = false, small = false;
  std::string op, json;
  std::vector<std::string> filters;
  double seconds = 1e9;
  int device = 0;

  bool takes(const Case& c) const {
    const std::string name = c.name();
    bool all = op.empty() || c.op == op;
    for (const std::string& text : filters) all &= name.find(text) != std::string::npos;
    return all;
  }
};

// Whole and non-negative, or -1.
long number_of(const char* text) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  return *text != '\0' && *end == '\0' && value >= 0 ? value : -1;
}

Options parse(int count, char** arguments) {
  Options o;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--list") {
      o.list = true;
    } else if (name == "--ops") {
      o.ops = true;
    } else if (name == "--facts") {
      o.facts = true;
    } else if (name == "--check") {
      o.check = true;
    } else if (name == "--small") {
      o.small = true;
    } else {
      const bool known = name == "--op" || name == "--filter" || name == "--seconds" ||
                         name == "--device" || name == "--json";
      if (!known) fail(BC_INVALID_ARGUMENT, "%s is not an option", name.c_str());
      if (++i == count) fail(BC_INVALID_ARGUMENT, "%s has no value", name.c_str());
      const char* value = arguments[i];
      const bool whole = name == "--seconds" || name == "--device";
      if (whole && number_of(value) < 0) {
        fail(BC_INVALID_ARGUMENT, "%s has value %s, expected a whole number", name.c_str(), value);
      }
      if (name == "--op") o.op = value;
      if (name == "--filter") o.filters.emplace_back(value);
      if (name == "--seconds") o.seconds = static_cast<double>(number_of(value));
      if (name == "--device") o.device = static_cast<int>(number_of(value));
      if (name == "--json") o.json = value;
    }
  }
  return o;
}

// How many copies are together several times L2. If one buffer is 16 times L2 or more, one is enough:
// what a pass leaves in L2 is then a sixteenth of the next.
int copies_of(const Case& c, int64_t l2) {
  if (c.copy_bytes >= 16 * l2) return 1;
  const int64_t copies = (4 * l2 + c.copy_bytes - 1) / c.copy_bytes;
  return static_cast<int>(std::min<int64_t>(64, std::max<int64_t>(2, copies)));
}

Result run_case(cuda::Device& device, const Case& c, const Ceilings* ceilings) {
  constexpr int kLaunches = 16;  // in a step, at least
  Result result;
  result.copies = ceilings == nullptr ? 1 : copies_of(c, ceilings->l2_bytes);
  int64_t free = 0;
  int64_t total = 0;
  device.memory(&free, &total);
  const int64_t needed = result.copies * c.copy_bytes;
  if (needed > free - free / 20) {
    char line[96];
    std::snprintf(line, sizeof line, "needs %.1f GB, free are %.1f",
                  static_cast<double>(needed) / 1e9, static_cast<double>(free) / 1e9);
    result.outcome = Result::Outcome::too_large;
    result.note = line;
    return result;
  }
  const Prepared prepared = c.prepare(result.copies, device.facts());
  test::finish();  // uploads, on another stream
  test::Check check(c.op.c_str());
  check.begin(c.name(), 0);
  const int last = result.copies - 1;
  prepared.launch(last, device.stream());
  device.synchronize();
  prepared.check(check, last);
  result.tolerance_used = check.tolerance_used();
  if (check.failed() > 0) {
    result.note = "wrong results";
    return result;  // and no time: a wrong kernel is not fast
  }
  if (ceilings != nullptr) {
    const int rounds = (kLaunches + result.copies - 1) / result.copies;
    result.time = measure(device, rounds * result.copies,
                          [&](int i) { prepared.launch(i % result.copies, device.stream()); });
  }
  result.outcome = Result::Outcome::passed;
  return result;
}

int run(const Options& options) {
  const Cases cases = options.small ? all_cases(small_models(), small_sizes())
                                    : all_cases(real_models(), real_sizes());
  int chosen = 0;
  for (const Case& c : cases) chosen += options.takes(c) ? 1 : 0;
  if (chosen == 0) fail(BC_INVALID_ARGUMENT, "no case has the --op and --filter given");

  if (options.ops) {
    std::vector<std::string> ops;
    for (const Case& c : cases) {
      if (std::find(ops.begin(), ops.end(), c.op) == ops.end()) ops.push_back(c.op);
    }
    for (const std::string& op : ops) std::puts(op.c_str());
    return 0;
  }

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, std::fclose);
  std::FILE* json = options.list && options.json == "-" ? stdout : nullptr;
  if (!options.json.empty() && json == nullptr) {
    file.reset(std::fopen(options.json.c_str(), "w"));
    json = file.get();
    if (json == nullptr) fail(BC_IO, "%s cannot be written", options.json.c_str());
  }
  Report report(json);
  if (options.list) {
    for (const Case& c : cases) {
      if (options.takes(c)) report.list(c);
    }
    return 0;
  }

  const cuda::Available available = cuda::available();
  if (available.devices == 0) {
    std::fprintf(stderr, "cuda_bench: skipped, no GPU: %s\n", available.reason.c_str());
    return kSkipped;
  }
  const std::unique_ptr<cuda::Device> device = cuda::Device::open(options.device, nullptr);
  if (options.facts) {
    Report(stdout).facts(device->facts());
    return 0;
  }
  test::Check sums("ceilings");
  std::unique_ptr<Ceilings> ceilings;
  if (!options.check) {
    ceilings = std::make_unique<Ceilings>(measure_ceilings(*device, sums));
    report.device(device->facts(), *ceilings);
  }

  const auto start = std::chrono::steady_clock::now();
  int bad = 0;
  int passed = 0;
  std::string lost;  // after a fault in a kernel, nothing more runs in this process
  for (const Case& c : cases) {
    if (!options.takes(c)) continue;
    Result result;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (!lost.empty() || spent.count() > options.seconds) {
      result.outcome = Result::Outcome::left_out;
      result.note = lost.empty() ? "no time left" : lost;
    } else {
      try {
        result = run_case(*device, c, ceilings.get());
      } catch (const std::exception& e) {
        result.note = e.what();
        if (cudaDeviceSynchronize() != cudaSuccess) lost = "the device was lost in " + c.name();
        cudaGetLastError();
      }
    }
    report.result(c, result, ceilings.get());
    if (result.outcome == Result::Outcome::passed) ++passed;
    if (result.outcome == Result::Outcome::failed || result.outcome == Result::Outcome::left_out)
      ++bad;
  }
  std::printf("\n%d cases: %d passed, %d failed or left out, %d too large for the device\n", chosen,
              passed, bad, chosen - passed - bad);
  return bad + sums.failed() == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--help") == 0 || std::strcmp(arguments[i], "-h") == 0) {
      std::fputs(kHelp, stdout);
      return 0;
    }
  }
  try {
    return run(parse(count, arguments));
  } catch (const Error& e) {
    std::fprintf(stderr, "cuda_bench: %s\n", e.what());
    if (e.status() == BC_INVALID_ARGUMENT) std::fputs(kHelp, stderr);
    return e.status() == BC_INVALID_ARGUMENT ? 2 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cuda_bench: %s\n", e.what());
    return 1;
  }
}
