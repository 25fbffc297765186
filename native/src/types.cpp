#include "types.h"

#include <array>
#include <string>

namespace bc {
namespace {

constexpr int kForms = 4;
constexpr int kGroups = 3;  // 32, 64, 128

std::array<std::string, 9 * kForms * kGroups> names_of_codes() {
  static const char* const forms[kForms] = {"symmetric", "zero", "min", "grid"};
  std::array<std::string, 9 * kForms * kGroups> names;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = std::to_string(i / (kForms * kGroups)) + "-bit " + forms[i / kGroups % kForms] +
               "/" + std::to_string(32 << i % kGroups);
  }
  return names;
}

}  // namespace

const char* name_of(Type type) {
  if (is_codes(type)) {
    static const auto names = names_of_codes();
    const CodeFormat f = format_of(type);
    const int index = (f.bits * kForms + static_cast<int>(f.form)) * kGroups + f.log2_group - 5;
    return names[static_cast<size_t>(index)].c_str();
  }
  static const char* const names[] = {"f32", "f16", "bf16", "i32", "i8", "q8", "q4"};
  return names[static_cast<int32_t>(type)];
}

}  // namespace bc
