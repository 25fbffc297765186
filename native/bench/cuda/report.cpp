#include "report.h"

#include <cuda_runtime_api.h>

namespace bc::bench {
namespace {

const char* text_of(Result::Outcome outcome) {
  switch (outcome) {
    case Result::Outcome::passed:
      return "passed";
    case Result::Outcome::failed:
      return "failed";
    case Result::Outcome::too_large:
      return "too large";
    case Result::Outcome::left_out:
      return "left out";
  }
  return "";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

// A JSON object without its closing brace.
std::string open_object(const Case& c) {
  std::string sizes;
  for (const auto& size : c.sizes)
    sizes += (sizes.empty() ? "" : ", ") + quoted(size.first) + ": " + std::to_string(size.second);
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "\"bytes\": %.0f, \"flops\": %.0f", c.bytes, c.flops);
  return "{\"name\": " + quoted(c.name()) + ", \"op\": " + quoted(c.op) +
         ", \"model\": " + quoted(c.model) + ", \"part\": " + quoted(c.part) +
         ", \"types\": " + quoted(c.types) + ", \"sizes\": {" + sizes + "}, " + numbers;
}

std::string open_object(const cuda::Facts& facts) {
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  return "{\"device\": " + quoted(facts.name) +
         ", \"capability\": " + std::to_string(facts.capability) +
         ", \"sms\": " + std::to_string(facts.sms) +
         ", \"memory\": " + std::to_string(facts.memory) +
         ", \"driver\": " + std::to_string(driver) + ", \"runtime\": " + std::to_string(runtime);
}

}  // namespace

void Report::facts(const cuda::Facts& facts) {
  std::fprintf(json_, "%s}\n", open_object(facts).c_str());
}

void Report::device(const cuda::Facts& facts, const Ceilings& ceilings) {
  const double tb = ceilings.bytes_per_second / 1e12;
  const double tflops = ceilings.flops_per_second / 1e12;
  std::printf(
      "%s, sm_%d, %d multiprocessors, %.1f GB. Ceilings: a copy on the device %.3f TB/s, "
      "mma.sync bf16 %.1f TFLOP/s.\n\n",
      facts.name.c_str(), facts.capability, facts.sms, static_cast<double>(facts.memory) / 1e9, tb,
      tflops);
  if (json_ == nullptr) return;
  std::fprintf(json_, "%s, \"l2\": %lld, \"copy_tb_per_s\": %.4f, \"mma_tflop_per_s\": %.2f}\n",
               open_object(facts).c_str(), static_cast<long long>(ceilings.l2_bytes), tb, tflops);
  std::fflush(json_);
}

void Report::list(const Case& c) {
  if (json_ != nullptr) {
    std::fprintf(json_, "%s}\n", open_object(c).c_str());
  } else {
    std::printf("%-70s %10.3f MB %10.3f GFLOP\n", c.name().c_str(), c.bytes / 1e6, c.flops / 1e9);
  }
}

void Report::result(const Case& c, const Result& r, const Ceilings* ceilings) {
  if (!header_) {
    std::printf("| %-12s | %-5s | %-8s | %-15s | %-25s | %10s | %6s | %7s | %5s | check |\n",
                "kernel", "model", "part", "types", "shape", "us", "TB/s", "TFLOP/s", "share");
    std::printf("|---|---|---|---|---|--:|--:|--:|--:|---|\n");
    header_ = true;
  }
  std::printf("| %-12s | %-5s | %-8s | %-15s | %-25s | ", c.op.c_str(), c.model.c_str(),
              c.part.c_str(), c.types.c_str(), c.shape().c_str());
  std::string line = open_object(c) + ", \"check\": " + quoted(text_of(r.outcome));
  char numbers[320];
  if (r.time.samples > 0) {
    const double tb = c.bytes / r.time.median / 1e12;
    const double tflops = c.flops / r.time.median / 1e12;
    const double share = ceilings->bound(c.bytes, c.flops) / r.time.median;
    const char* bound = ceilings->memory_bound(c.bytes, c.flops) ? "memory" : "tensor cores";
    std::printf("%10.2f | %6.3f | %7.1f | %3.0f %% | ", 1e6 * r.time.median, tb, tflops,
                100.0 * share);
    std::snprintf(numbers, sizeof numbers,
                  ", \"microseconds\": %.3f, \"least\": %.3f, \"most\": %.3f, \"samples\": %d, "
                  "\"copies\": %d, \"tb_per_s\": %.4f, \"tflop_per_s\": %.2f, \"share\": %.4f, "
                  "\"bound\": \"%s\"",
                  1e6 * r.time.median, 1e6 * r.time.least, 1e6 * r.time.most, r.time.samples,
                  r.copies, tb, tflops, share, bound);
    line += numbers;
  } else {
    std::printf("%10s | %6s | %7s | %5s | ", "", "", "", "");
  }
  if (r.outcome == Result::Outcome::passed) {
    std::printf("passed, %.0f %% of the tolerance |\n", 100.0 * r.tolerance_used);
    std::snprintf(numbers, sizeof numbers, ", \"tolerance_used\": %.3f", r.tolerance_used);
    line += numbers;
  } else {
    std::printf("%s%s%s |\n", text_of(r.outcome), r.note.empty() ? "" : ": ", r.note.c_str());
    line += ", \"note\": " + quoted(r.note);
  }
  std::fflush(stdout);
  if (json_ == nullptr) return;
  std::fprintf(json_, "%s}\n", line.c_str());
  std::fflush(json_);
}

}  // namespace bc::bench
