// What the benchmarks share: how they run, how results are checked, and the table.
#pragma once

#include <string>
#include <vector>

#include "check.h"
#include "peaks.h"
#include "stopwatch.h"

namespace bc::bench {

struct Bench {
  cpu::Isa isa;
  ThreadPool& pool;
  double seconds;       // spent on samples for a line; 0: nothing is timed, results are checked
  int64_t cache_bytes;  // copies must exceed this
  Peaks peaks;
  test::Check& check;

  bool timed() const { return seconds > 0.0; }

  // A line of the table. operations_peak: the figure of `peaks` that the op can reach.
  void line(const std::string& what, const Time& time, double bytes, double operations,
            double operations_peak) const {
    if (!timed()) return;
    const double memory = bytes / peaks.read;
    const double compute = operations_peak > 0.0 ? operations / operations_peak : 0.0;
    std::printf("| %-44s | %10.1f | %10.1f | %7.2f | %8.1f | %3.0f %% of %-10s |\n", what.c_str(),
                1e6 * time.median, 1e6 * time.least, bytes / time.median / 1e9,
                operations / time.median / 1e9, 100.0 * std::max(memory, compute) / time.median,
                memory >= compute ? "memory" : "operations");
    std::fflush(stdout);
  }
  void head(const char* op) const {
    if (!timed()) return;
    std::printf("\n| %-44s | %10s | %10s | %7s | %8s | share            |\n", op, "us", "least us",
                "GB/s", "GOP/s");
    std::printf("|---|--:|--:|--:|--:|---|\n");
  }
};

struct MatmulShapes {
  std::vector<std::pair<int64_t, int64_t>> sizes;  // N, K
  std::vector<int64_t> rows;                       // M
  std::vector<Type> weights;
  bool exact;
};
void bench_matmul(const Bench& bench, const MatmulShapes& shapes);

struct AttentionShapes {
  std::vector<int64_t> queries, positions;
};
void bench_attention(const Bench& bench, const AttentionShapes& shapes);

struct RowShapes {
  std::vector<int64_t> tokens;
  int64_t C, F, V;
};
void bench_rows(const Bench& bench, const RowShapes& shapes);

}  // namespace bc::bench
