// A GPU that a build has no code for is refused with a message, before a kernel fails on it.
#include "cuda/architectures.h"

#include <cstdio>

using bc::cuda::has_code;

int main() {
  const char* all = "80-real 86-real 90a-real 100-real 120-real 90-virtual";
  const struct {
    const char* architectures;
    int capability;
    bool expected;
  } cases[] = {
      {all, 80, true},           {all, 86, true},
      {all, 89, true},           {all, 90, true},
      {all, 103, true},          {all, 110, true},
      {all, 121, true},          {all, 75, false},
      {"89-real", 89, true},     {"89-real", 86, false},
      {"89-real", 90, false},    {"90a-real", 90, true},
      {"90a-real", 100, false},  {"90-virtual", 89, false},
      {"90-virtual", 120, true}, {"80-real 120-real", 90, false},
      {"100-real", 10, false},   {"", 90, false},
  };
  int failures = 0;
  for (const auto& c : cases) {
    if (has_code(c.architectures, c.capability) == c.expected) continue;
    std::printf("FAILED \"%s\" on %d: expected %s\n", c.architectures, c.capability,
                c.expected ? "code" : "none");
    ++failures;
  }
  return failures == 0 ? 0 : 1;
}
