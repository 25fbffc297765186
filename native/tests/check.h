// A small harness: cases with printed seeds, outputs that start as NaN, and comparisons that say
// how close they were.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "cpu/isa.h"
#include "types.h"

namespace bc::test {

// Whether this run looks at memory and undefined behaviour (the sanitizers' build), or at the instructions
// that are used (BC_BRIEF, on emulated processors). More numbers and more orders of warps are for the
// other runs, which are several times as fast.
inline bool is_brief() {
#ifdef BC_SANITIZED
  return true;
#else
  return std::getenv("BC_BRIEF") != nullptr;
#endif
}

// All types of codes.
inline std::vector<Type> code_types() {
  std::vector<Type> types;
  for (int32_t number = kCodes; number < 2 * kCodes; ++number) {
    if (is_type(number)) types.push_back(static_cast<Type>(number));
  }
  return types;
}

// Half a unit in the last place of 1: the largest relative error of one rounding to f32.
constexpr double kRounding = 1.0 / 16777216.0;

// Numbers that are the same everywhere for the same seed (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  int64_t below(int64_t n) { return static_cast<int64_t>(uniform() * static_cast<double>(n)); }
  // Mean 0, deviation 1 (Box and Muller).
  float normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return static_cast<float>(radius * std::cos(6.283185307179586 * uniform()));
  }
  // Normal numbers of which one in 50 is 20 times as large: what activations of language models
  // look like.
  float outlier() {
    const float x = normal();
    return below(50) == 0 ? 20.0f * x : x;
  }

 private:
  uint64_t state_;
};

// Rows with a gap between them. Starts as NaN, so that what an op forgets to write or must not read
// shows.
struct Matrix {
  Matrix(int64_t rows_, int64_t cols_, int64_t gap = 3)
      : rows(rows_),
        cols(cols_),
        ld(cols_ + gap),
        data(static_cast<size_t>(rows_ * (cols_ + gap)), std::numeric_limits<float>::quiet_NaN()) {}

  float* row(int64_t r) { return data.data() + r * ld; }
  const float* row(int64_t r) const { return data.data() + r * ld; }

  template <class G>
  void fill(G&& next) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols; ++c) row(r)[c] = next();
    }
  }
  bool gaps_untouched() const {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = cols; c < ld; ++c) {
        if (!std::isnan(row(r)[c])) return false;
      }
    }
    return true;
  }

  int64_t rows, cols, ld;
  std::vector<float> data;
};

// Floats as elements of `type`, and back. Elements are bytes here, because the type is chosen at
// run time.
inline std::vector<uint8_t> as_type(Type type, const std::vector<float>& values) {
  std::vector<uint8_t> bytes(values.size() * static_cast<size_t>(element_bytes(type)));
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t half = type == Type::f16 ? to_f16(values[i]).bits : to_bf16(values[i]).bits;
    if (type == Type::f32) {
      std::memcpy(bytes.data() + 4 * i, &values[i], 4);
    } else {
      std::memcpy(bytes.data() + 2 * i, &half, 2);
    }
  }
  return bytes;
}
inline std::vector<float> as_floats(Type type, const std::vector<uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / static_cast<size_t>(element_bytes(type)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float_at(bytes.data(), type, static_cast<int64_t>(i));
  return values;
}

// The largest relative error of one rounding to the type.
inline double rounding_of(Type type) {
  return type == Type::f32 ? kRounding : type == Type::f16 ? 0x1p-11 : 0x1p-8;
}

// What an op should give: a number and the largest error that its roundings explain.
struct Expected {
  double value;
  double tolerance;
};

class Check {
 public:
  // A quiet one counts failures that a test expects.
  explicit Check(const char* op, bool quiet = false) : op_(op), quiet_(quiet) {}

  // Names what the next checks are about.
  void begin(cpu::Isa isa, const std::string& name, uint64_t seed) {
    begin(std::string(cpu::name_of(isa)) + " " + name, seed);
  }
  void begin(const std::string& name, uint64_t seed) {
    case_ = name + " seed " + std::to_string(seed);
  }

  const char* op() const { return op_; }
  const std::string& case_name() const { return case_; }

  void that(bool ok, const char* what) {
    ++checks_;
    if (!ok) fail(what);
  }

  // want [rows,cols], row after row.
  void compare(const char* what, const Matrix& got, const std::vector<Expected>& want) {
    double error = 0.0;
    double power = 0.0;
    double worst = 0.0;
    size_t at = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      const double value = value_at(got, i);
      const double difference = std::fabs(value - want[i].value);
      error += difference * difference;
      power += want[i].value * want[i].value;
      double share = difference == 0.0 ? 0.0 : difference / want[i].tolerance;
      if (std::isnan(share)) share = std::numeric_limits<double>::infinity();
      if (share > worst) {
        worst = share;
        at = i;
      }
    }
    ++checks_;
    const size_t cols = static_cast<size_t>(got.cols);
    if (worst > 1.0 || want.size() != static_cast<size_t>(got.rows * got.cols)) {
      char line[240];
      std::snprintf(line, sizeof line,
                    "%s[%zu][%zu] has value %.9g, expected %.9g within %.3g (NMSE %.2e)", what,
                    at / cols, at % cols, value_at(got, at), want[at].value, want[at].tolerance,
                    power > 0.0 ? error / power : error);
      fail(line);
    }
    if (worst > worst_) {
      worst_ = worst;
      worst_case_ = case_;
    }
    const double nmse = power > 0.0 ? error / power : 0.0;
    if (nmse > nmse_) nmse_ = nmse;
    that(got.gaps_untouched(), "gaps between rows were written");
  }

  int failed() const { return failed_; }
  // The largest share of a tolerance that an error took.
  double tolerance_used() const { return worst_; }

  // Prints the summary; the exit status of main.
  int result() const {
    std::printf("%s: %d checks, %d failed; worst NMSE %.2e, %.0f %% of the tolerance used", op_,
                checks_, failed_, nmse_, 100.0 * worst_);
    std::printf(worst_case_.empty() ? "\n" : " (%s)\n", worst_case_.c_str());
    return failed_ == 0 && checks_ > 0 ? 0 : 1;
  }

 private:
  static double value_at(const Matrix& m, size_t i) {
    const int64_t index = static_cast<int64_t>(i);
    return static_cast<double>(m.row(index / m.cols)[index % m.cols]);
  }
  void fail(const char* what) {
    ++failed_;
    if (quiet_) return;
    std::printf("FAILED %s: %s: %s\n", op_, case_.c_str(), what);
  }

  const char* op_;
  bool quiet_;
  std::string case_;
  std::string worst_case_;
  double worst_ = 0.0;
  double nmse_ = 0.0;
  int checks_ = 0;
  int failed_ = 0;
};

// Every instruction set that this processor has; with BC_BRIEF the best of them.
inline std::vector<cpu::Isa> isas() {
  if (std::getenv("BC_BRIEF") != nullptr) return {cpu::best_isa()};
  std::vector<cpu::Isa> all;
  for (const cpu::Isa isa : cpu::kIsas) {
    if (cpu::has(isa)) all.push_back(isa);
  }
  return all;
}

}  // namespace bc::test
