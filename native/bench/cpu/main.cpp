#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "bench.h"
#include "memory.h"
#include "quant.h"
#include "system.h"

using namespace bc;
using namespace bc::bench;

namespace {

const char kHelp[] =
    "Times the CPU kernels at the shapes of Baichuan-7B and -13B against what this machine can "
    "do.\n"
    "\n"
    "  cpu_bench peaks        memory bandwidth and operations, of all threads and of one\n"
    "  cpu_bench matmul       the products of a layer\n"
    "  cpu_bench attention    32 heads, 40 with ALiBi, and groups: 28 of 4, 32 of 8\n"
    "  cpu_bench rows         rms_norm, rope, swiglu, lora, top_k, kv_copy\n"
    "  cpu_bench check        all of them at small shapes, on every instruction set, untimed\n"
    "\n"
    "  --threads T     default: the cores that this process may use\n"
    "  --isa NAME      default: the best of this processor, or BC_ISA\n"
    "  --seconds S     for a line of the table; at least five samples (default 0.5)\n"
    "  --n N --k K     of matmul (default: 11008 x 4096 and 4096 x 11008)\n"
    "  --m M,M,..      of matmul (default: 1,8,512)\n"
    "  --weights KIND,..    of matmul: bf16, q8, q4, f16, f32, or codes such as '3-bit grid/64' "
    "or\n"
    "                  '4-bit symmetric/32' (default: bf16,q8,q4,3-bit grid/64,2-bit grid/32)\n"
    "  --exact         matmul keeps x in f32\n"
    "\n"
    "A result is checked against a computation in double before it is timed; exit code 1 if one "
    "is\n"
    "wrong. GB/s and GOP/s are of the median; a share is that of the nearer of the two limits, "
    "both\n"
    "of the same run.\n";

constexpr Type kInt3 = type_of({3, 6, CodeForm::grid});
constexpr Type kInt2 = type_of({2, 5, CodeForm::grid});

struct Options {
  std::string command;
  int threads = cpu_cores();
  cpu::Isa isa = cpu::isa();
  double seconds = 0.5;
  int64_t N = 0, K = 0;
  MatmulShapes matmul{{}, {1, 8, 512}, {Type::bf16, Type::q8, Type::q4, kInt3, kInt2}, false};
};

[[noreturn]] void refuse(const std::string& name, const std::string& value, const char* expected) {
  throw std::invalid_argument(name + " has value " + value + ", expected " + expected);
}

int64_t number(const std::string& name, const std::string& value) {
  char* end = nullptr;
  const long long n = std::strtoll(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0' || n < 1 || n > 1 << 20)
    refuse(name, value, "a number from 1 to 1048576");
  return n;
}

std::vector<std::string> parts(const std::string& list) {
  std::vector<std::string> all(1);
  for (const char c : list) {
    if (c == ',') {
      all.emplace_back();
    } else {
      all.back() += c;
    }
  }
  return all;
}

Type weights_named(const std::string& name) {
  for (const Type type : {Type::bf16, Type::q8, Type::q4, Type::f16, Type::f32}) {
    if (name == name_of(type)) return type;
  }
  for (const Type type : test::code_types()) {
    if (name == name_of(type)) return type;
  }
  refuse("--weights", name, "bf16, q8, q4, f16, f32 or codes of --help");
}

cpu::Isa isa_named(const std::string& name) {
  std::string names;
  for (const cpu::Isa isa : test::isas()) {
    if (name == cpu::name_of(isa)) return isa;
    names += (names.empty() ? "" : ", ") + std::string(cpu::name_of(isa));
  }
  refuse("--isa", name, ("what this processor has: " + names).c_str());
}

Options parse(int count, char** arguments) {
  Options o;
  if (count < 2) refuse("command", "nothing", "peaks, matmul, attention, rows or check");
  o.command = arguments[1];
  if (!cpu::isa_error().empty()) throw std::invalid_argument(cpu::isa_error());
  for (int i = 2; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--exact") {
      o.matmul.exact = true;
      continue;
    }
    if (i + 1 == count) refuse(name, "nothing", "an option of --help and its value");
    const std::string value = arguments[++i];
    if (name == "--threads") {
      o.threads = static_cast<int>(number(name, value));
    } else if (name == "--isa") {
      o.isa = isa_named(value);
    } else if (name == "--seconds") {
      o.seconds = std::atof(value.c_str());
      if (!(o.seconds > 0.0)) refuse(name, value, "a number above 0");
    } else if (name == "--n") {
      o.N = number(name, value);
    } else if (name == "--k") {
      o.K = number(name, value);
    } else if (name == "--m") {
      o.matmul.rows.clear();
      for (const std::string& m : parts(value)) o.matmul.rows.push_back(number(name, m));
    } else if (name == "--weights") {
      o.matmul.weights.clear();
      for (const std::string& kind : parts(value)) o.matmul.weights.push_back(weights_named(kind));
    } else {
      refuse("option", name, "one of --help");
    }
  }
  if ((o.N > 0) != (o.K > 0))
    refuse(o.N > 0 ? "--k" : "--n", "nothing", "a number beside the other");
  for (const Type type : o.matmul.weights) {
    const int64_t group = is_quantized(type) ? group_columns(type) : 32;
    if (o.K % group != 0)
      refuse("--k", std::to_string(o.K), ("a multiple of " + std::to_string(group)).c_str());
  }
  o.matmul.sizes = {{11008, 4096}, {4096, 11008}};
  if (o.N > 0) o.matmul.sizes = {{o.N, o.K}};
  return o;
}

void print_peaks(const char* which, cpu::Isa isa, int threads, const Peaks& p) {
  std::printf("%s: %s, %d thread%s, read %.1f GB/s, int8 %.0f GOP/s, bf16 %.0f, f32 %.0f GFLOP/s\n",
              which, cpu::name_of(isa), threads, threads == 1 ? "" : "s", p.read / 1e9,
              p.dot_i8 / 1e9, p.dot_bf16 / 1e9, p.fma_f32 / 1e9);
}

constexpr int64_t kBuffer = int64_t{1} << 30;

int run_checks() {
  test::Check check("cpu_bench");
  ThreadPool pool(2);
  for (const cpu::Isa isa : test::isas()) {
    const Peaks peaks = measure_peaks(isa, pool, int64_t{2} << 20, 0.0);
    check.begin(isa, "peaks", 1);
    check.that(peaks.read > 0.0 && (isa == cpu::Isa::scalar || peaks.fma_f32 > 0.0),
               "a peak was not measured");
    const Bench bench{isa, pool, 0.0, 1, peaks, check};
    const std::vector<Type> types = {Type::bf16, Type::q8, Type::q4, Type::f16, Type::f32};
    for (const bool exact : {false, true})
      bench_matmul(bench, {{{144, 96}, {33, 64}}, {1, 9, 40}, types, exact});
    const std::vector<Type> codes = test::code_types();
    bench_matmul(bench, {{{33, 128}}, {1, 9}, codes, false});
    bench_attention(bench, {{1, 20}, {20, 150}});
    bench_rows(bench, {{1, 5}, 256, 300, 1000});
  }
  return check.result();
}

int run(const Options& o) {
  if (o.command == "check") return run_checks();
  if (o.command == "peaks") {
    for (const int threads : {o.threads, 1}) {
      ThreadPool pool(threads);
      print_peaks("peaks", o.isa, threads, measure_peaks(o.isa, pool, kBuffer, o.seconds));
      if (threads == 1) break;
    }
    return 0;
  }
  ThreadPool pool(o.threads);
  test::Check check("cpu_bench");
  const Bench bench{
      o.isa, pool, o.seconds, cache_bytes(), measure_peaks(o.isa, pool, kBuffer, o.seconds), check};
  print_peaks("peaks", o.isa, o.threads, bench.peaks);
  if (o.command == "matmul") {
    bench_matmul(bench, o.matmul);
  } else if (o.command == "attention") {
    bench_attention(bench, {{1, 512}, {512, 4096}});
  } else if (o.command == "rows") {
    bench_rows(bench, {{1, 8, 512}, 4096, 11008, 125696});
  } else {
    refuse("command", o.command, "peaks, matmul, attention, rows or check");
  }
  std::printf("\n");
  return check.result();
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    if (std::string(arguments[i]) == "--help") {
      std::fputs(kHelp, stdout);
      return 0;
    }
  }
  try {
    return run(parse(count, arguments));
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "cpu_bench: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cpu_bench: %s\n", e.what());
    return 1;
  }
}
