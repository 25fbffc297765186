// What the benchmark prints: a table for people, in markdown, and one JSON object a line for programs.
#pragma once

#include <cstdio>
#include <string>

#include "case.h"
#include "ceilings.h"
#include "stopwatch.h"

namespace bc::bench {

struct Result {
  enum class Outcome { passed, failed, too_large, left_out };
  Outcome outcome = Outcome::failed;
  std::string note;  // why it failed, or what it needs
  double tolerance_used = 0.0;
  int copies = 0;
  Time time;  // no samples where nothing was timed
};

class Report {
 public:
  // json may be null.
  explicit Report(std::FILE* json) : json_(json) {}

  void facts(const cuda::Facts& facts);
  void device(const cuda::Facts& facts, const Ceilings& ceilings);
  void list(const Case& c);
  // ceilings: null where nothing is timed.
  void result(const Case& c, const Result& result, const Ceilings* ceilings);

 private:
  std::FILE* json_;
  bool header_ = false;
};

}  // namespace bc::bench
