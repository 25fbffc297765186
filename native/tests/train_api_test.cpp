// The ops of training as baichuan.h has them, on the CPU.
#include "train_api_cases.h"

using namespace bc::test;

int main() {
  train_api(BC_CPU);
  return result("train_api");
}
