#include "isa.h"

#include <cstdlib>
#include <cstring>

namespace bc::cpu {

Isa best_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vnni")) {
    return Isa::avx512;
  }
  if (avx2) return Isa::avx2;
#endif
  return Isa::scalar;
}

namespace {

Isa chosen_isa() {
  const Isa best = best_isa();
  const char* wish = std::getenv("BC_ISA");
  if (wish == nullptr) return best;
  if (std::strcmp(wish, "scalar") == 0) return Isa::scalar;
  if (std::strcmp(wish, "avx2") == 0 && best >= Isa::avx2) return Isa::avx2;
  return best;
}

}  // namespace

Isa isa() {
  static const Isa chosen = chosen_isa();
  return chosen;
}

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return "avx512-vnni";
    case Isa::avx2:
      return "avx2";
    case Isa::scalar:
      return "scalar";
  }
  return "scalar";
}

}  // namespace bc::cpu
