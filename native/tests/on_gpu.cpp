// The tests of the CUDA backend on a GPU:
//   cuda_tests_on_gpu         prints their names
//   cuda_tests_on_gpu NAME    runs one; exit code 77 where there is no GPU
#include <cstdio>
#include <cstring>

#define TEST(name) int name##_main();
#include "on_gpu_tests.inc"
#undef TEST

namespace {

struct Test {
  const char* name;
  int (*run)();
};

const Test kTests[] = {
#define TEST(name) {#name, name##_main},
#include "on_gpu_tests.inc"
#undef TEST
};

}  // namespace

int main(int count, char** arguments) {
  if (count == 1) {
    for (const Test& test : kTests) std::puts(test.name);
    return 0;
  }
  for (const Test& test : kTests) {
    if (count == 2 && std::strcmp(arguments[1], test.name) == 0) return test.run();
  }
  std::fprintf(stderr, "cuda_tests_on_gpu: %s is not the name of a test\n", arguments[1]);
  return 2;
}
