#include "cpu/isa.h"

#include <cstdlib>

namespace bc::cpu {

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::avx512_bf16:
      return "avx512-bf16";
    case Isa::avx512:
      return "avx512";
    case Isa::avx2_vnni:
      return "avx2-vnni";
    case Isa::avx2:
      return "avx2";
    case Isa::scalar:
      return "scalar";
  }
  return "scalar";
}

bool has(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  switch (isa) {
    case Isa::avx512_bf16:
      return avx512 && __builtin_cpu_supports("avx512bf16");
    case Isa::avx512:
      return avx512;
    case Isa::avx2_vnni:
      return avx2 && __builtin_cpu_supports("avxvnni");
    case Isa::avx2:
      return avx2;
    case Isa::scalar:
      return true;
  }
#endif
  return isa == Isa::scalar;
}

Isa best_isa() {
  Isa best = Isa::scalar;
  for (const Isa isa : kIsas) {
    if (has(isa)) best = isa;
  }
  return best;
}

namespace {

struct Choice {
  Isa isa = best_isa();
  std::string error;

  Choice() {
    const char* wish = std::getenv("BC_ISA");
    if (wish == nullptr) return;
    std::string names;
    for (const Isa i : kIsas) {
      if (!has(i)) continue;
      if (std::string(wish) == name_of(i)) {
        isa = i;
        return;
      }
      names += (names.empty() ? "" : ", ") + std::string(name_of(i));
    }
    error = "environment: BC_ISA has value " + std::string(wish) +
            ", expected what this processor has: " + names;
  }
};

const Choice& choice() {
  static const Choice chosen;
  return chosen;
}

}  // namespace

Isa isa() { return choice().isa; }

const std::string& isa_error() { return choice().error; }

}  // namespace bc::cpu
