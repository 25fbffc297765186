// pack_codes: panels of codes, or of q4, from codes and numbers of each group that are given.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>

#include "cpu/kernels.h"
#include "error.h"
#include "quant.h"

namespace bc::cpu {
namespace {

// q4 is the 4-bit grid in groups of 32.
CodeFormat format_of_out(Type type) {
  return type == Type::q4 ? CodeFormat{4, 5, CodeForm::grid} : format_of(type);
}

// The first number that out does not hold, in the order of rows.
class Refusal {
 public:
  void report(int64_t row, const std::string& text) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!text_.empty() && row_ <= row) return;
    row_ = row;
    text_ = text;
  }
  void raise() const {
    if (!text_.empty()) fail(BC_INVALID_ARGUMENT, "pack_codes: %s", text_.c_str());
  }

 private:
  std::mutex mutex_;
  int64_t row_ = 0;
  std::string text_;
};

std::string text_of(const char* name, int64_t row, int64_t column, double value,
                    const std::string& expected) {
  char line[160];
  std::snprintf(line, sizeof line, "%s[%lld][%lld] has value %.9g, expected %s", name,
                static_cast<long long>(row), static_cast<long long>(column), value,
                expected.c_str());
  return line;
}

// The bits that hold a number exactly, or false.
bool as_f16(float value, uint16_t& bits) {
  bits = to_f16(value).bits;
  return std::isfinite(value) && to_float(f16{bits}) == value;
}

bool as_grid(float scale, float zero, uint16_t& bits) {
  if (!(scale >= kGridSmallest && scale <= kGridLargest && zero >= 0.0f && zero <= kGridZeroMax))
    return false;
  bits = bits_of(Q4Grid{scale, zero});
  const Q4Grid held = grid_of(bits);
  return held.scale == scale && held.zero == zero;
}

class Packer {
 public:
  explicit Packer(const PackCodesParams& p)
      : p_(p),
        format_(format_of_out(p.out_type)),
        columns_(int64_t{1} << format_.log2_group),
        groups_(p.K / columns_) {}

  void panel(int64_t panel) {
    for (int64_t g = 0; g < groups_; ++g) {
      uint8_t* group = p_.out + (panel * groups_ + g) * group_bytes(p_.out_type);
      std::memset(group, 0, static_cast<size_t>(group_bytes(p_.out_type)));
      uint8_t* scales = group + value_bytes(p_.out_type);
      for (int64_t n = 0; n < kPanel; ++n) {
        const int64_t row = panel * kPanel + n;
        if (row < p_.N) {
          codes(row, g, n, group);
          line(row, g, scales + 2 * n);
        } else if (format_.form == CodeForm::grid) {
          put(scales + 2 * n, bits_of(Q4Grid{kGridSmallest, 0.0f}));
        }
      }
    }
  }

  void raise() const { refusal_.raise(); }

 private:
  static void put(uint8_t* at, uint16_t bits) { std::memcpy(at, &bits, 2); }

  void codes(int64_t row, int64_t g, int64_t n, uint8_t* group) {
    const uint8_t* from = p_.codes + row * p_.codes_ld + g * columns_;
    const uint32_t most = (1u << format_.bits) - 1u;
    for (int64_t k = 0; k < columns_; ++k) {
      if (from[k] > most) {
        refusal_.report(
            row, text_of("codes", row, g * columns_ + k, from[k], "0 to " + std::to_string(most)));
        return;
      }
      add_block_code(group + k / kGroup * 64 * format_.bits, format_.bits, n, k % kGroup, from[k]);
    }
  }

  void line(int64_t row, int64_t g, uint8_t* at) {
    const float scale = float_at(p_.scales, p_.scales_type, row * p_.scales_ld + g);
    const float zero =
        p_.zeros == nullptr ? 0.0f : float_at(p_.zeros, p_.zeros_type, row * p_.zeros_ld + g);
    uint16_t bits = 0;
    if (format_.form == CodeForm::grid) {
      if (!as_grid(scale, zero, bits)) {
        refusal_.report(row, text_of("scales", row, g, static_cast<double>(scale),
                                     "with zero " + std::to_string(zero) +
                                         " 2^(e-27) (1 + m/16) with e in 1..30, m in 0..15 and a "
                                         "zero of 0 to 127 eighths"));
      }
      put(at, bits);
      return;
    }
    if (!as_f16(scale, bits)) {
      refusal_.report(
          row, text_of("scales", row, g, static_cast<double>(scale), "a finite number of f16"));
    }
    put(at, bits);
    if (!has_zeros(format_.form)) return;
    if (!as_f16(zero, bits)) {
      refusal_.report(
          row, text_of("zeros", row, g, static_cast<double>(zero), "a finite number of f16"));
    }
    put(at + kScales, bits);
  }

  const PackCodesParams& p_;
  const CodeFormat format_;
  const int64_t columns_;
  const int64_t groups_;
  Refusal refusal_;
};

}  // namespace

void pack_codes(const PackCodesParams& p, ThreadPool& pool) {
  Packer packer(p);
  pool.parallel_for(panels(p.N), 4, [&](int64_t begin, int64_t end, int) {
    for (int64_t panel = begin; panel < end; ++panel) packer.panel(panel);
  });
  packer.raise();
}

}  // namespace bc::cpu
