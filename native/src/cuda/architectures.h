// Which GPUs the kernels of a build run on.
#pragma once

#include <cstddef>
#include <string_view>

namespace bc::cuda {

// Whether a GPU runs code for one of the architectures, in CMake's words with spaces between them:
// "86-real 90a-real 90-virtual". Machine code ("real") runs on its own capability and on later ones of
// the same major number, with an "a" on its own alone; PTX ("virtual") on its own and on all later
// ones. capability is 90 for 9.0.
inline bool has_code(std::string_view architectures, int capability) {
  while (!architectures.empty()) {
    const std::string_view entry = architectures.substr(0, architectures.find(' '));
    architectures.remove_prefix(entry.size() < architectures.size() ? entry.size() + 1
                                                                    : entry.size());
    int number = 0;
    size_t at = 0;
    for (; at < entry.size() && entry[at] >= '0' && entry[at] <= '9'; ++at)
      number = 10 * number + (entry[at] - '0');
    const std::string_view kind = entry.substr(at);
    if (number == capability && !kind.empty()) return true;
    if (kind == "-virtual" && number < capability) return true;
    if (kind == "-real" && number < capability && number / 10 == capability / 10) return true;
  }
  return false;
}

}  // namespace bc::cuda
