// bc_pack_codes: what is packed stands for exactly the numbers of its codes, and what a type does not hold
// is refused.
#include <cmath>
#include <limits>

#include "api_checks.h"
#include "check.h"
#include "quant.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Codes {
  int64_t N, K, groups;
  std::vector<uint8_t> codes;    // [N,K]
  std::vector<uint16_t> scales;  // [N,groups] f16
  std::vector<uint16_t> zeros;
};

// Scales of both signs and of all sizes, subnormal ones among them; a grid's are such as it holds.
Codes random_codes(CodeFormat f, int64_t N, int64_t K, uint64_t seed) {
  Random random(seed);
  Codes c{N, K, K >> f.log2_group, {}, {}, {}};
  for (int64_t i = 0; i < N * K; ++i)
    c.codes.push_back(static_cast<uint8_t>(random.below(int64_t{1} << f.bits)));
  for (int64_t i = 0; i < N * c.groups; ++i) {
    if (f.form == CodeForm::grid) {
      const auto e = static_cast<int>(random.below(18)) - 14;
      const auto m = static_cast<float>(random.below(16));
      c.scales.push_back(to_f16(std::ldexp(1.0f + m / 16.0f, e)).bits);
      c.zeros.push_back(to_f16(static_cast<float>(random.below(128)) / 8.0f).bits);
    } else {
      c.scales.push_back(
          to_f16(random.normal() * std::ldexp(1.0f, static_cast<int>(random.below(20)) - 18)).bits);
      c.zeros.push_back(
          f.form == CodeForm::zero
              ? to_f16(static_cast<float>(random.below((int64_t{1} << f.bits) + 1))).bits
              : to_f16(random.normal()).bits);
    }
  }
  return c;
}

// What a code stands for, in double: as f32 rounds it, once at most.
float number_of(CodeFormat f, const Codes& c, int64_t n, int64_t k) {
  const size_t group = static_cast<size_t>(n * c.groups + (k >> f.log2_group));
  const double q = c.codes[static_cast<size_t>(n * c.K + k)];
  const auto s = static_cast<double>(to_float(f16{c.scales[group]}));
  const auto z = static_cast<double>(to_float(f16{c.zeros[group]}));
  switch (f.form) {
    case CodeForm::symmetric:
      return static_cast<float>(s * (q - std::ldexp(1.0, f.bits - 1)));
    case CodeForm::min:
      return static_cast<float>(s * q + z);
    default:
      return static_cast<float>(s * (q - z));
  }
}

// Packs rows [row, row + rows).
bc_status pack(bc_context* context, bc_tensor* out, CodeFormat f, const Codes& c, int64_t row,
               int64_t rows) {
  bc_tensor* codes = tensor(context, BC_I8, {rows, c.K});
  bc_tensor* scales = tensor(context, BC_F16, {rows, c.groups});
  bc_tensor* zeros = tensor(context, BC_F16, {rows, c.groups});
  const auto part = [&](const auto& values, int64_t width) {
    return std::vector(values.begin() + row * width, values.begin() + (row + rows) * width);
  };
  write(codes, part(c.codes, c.K));
  write(scales, part(c.scales, c.groups));
  write(zeros, part(c.zeros, c.groups));
  const bool symmetric = f.form == CodeForm::symmetric;
  const bc_status status =
      bc_pack_codes(context, out, row, codes, scales, symmetric ? nullptr : zeros);
  for (bc_tensor* t : {codes, scales, zeros}) is_ok("tensor_free", bc_tensor_free(t) == BC_OK);
  return status;
}

void stands_for_its_numbers(bc_context* context, int32_t type, CodeFormat f) {
  for (const int64_t N : {1, 16, 50}) {
    const int64_t K = 256;
    const Codes c = random_codes(f, N, K, static_cast<uint64_t>(type + N));
    bc_tensor* w = tensor(context, type, {N, K});
    if (N == 50) {  // in pieces
      is_ok("pack_codes", pack(context, w, f, c, 32, 18) == BC_OK);
      is_ok("pack_codes", pack(context, w, f, c, 0, 32) == BC_OK);
    } else {
      is_ok("pack_codes", pack(context, w, f, c, 0, N) == BC_OK);
    }
    bc_tensor* out = tensor(context, BC_F32, {N, K});
    is_ok("dequantize", bc_dequantize(context, out, w) == BC_OK);
    const std::vector<float> got = read<float>(out, static_cast<size_t>(N * K));
    int64_t wrong = 0;
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k)
        wrong += got[static_cast<size_t>(n * K + k)] != number_of(f, c, n, k);
    }
    if (wrong > 0)
      std::printf("%s N=%lld: %lld numbers\n", name_of(static_cast<Type>(type)),
                  static_cast<long long>(N), static_cast<long long>(wrong));
    is_ok("every number is that of its code", wrong == 0);
    bc_tensor_free(w);
    bc_tensor_free(out);
  }
}

// The arguments of a call, of which each check spoils one.
struct Arguments {
  bc_tensor* out;
  int64_t row;
  bc_tensor* codes;
  bc_tensor* scales;
  bc_tensor* zeros;
};

void refuses_what_does_not_fit(bc_context* context) {
  const auto f32 = [&](const std::vector<float>& values, int64_t rows) {
    bc_tensor* t = tensor(context, BC_F32, {rows, static_cast<int64_t>(values.size()) / rows});
    write(t, values);
    return t;
  };
  const auto bytes = [&](const std::vector<uint8_t>& values, int64_t rows) {
    bc_tensor* t = tensor(context, BC_I8, {rows, static_cast<int64_t>(values.size()) / rows});
    write(t, values);
    return t;
  };
  bc_tensor* zero = tensor(context, BC_CODES(3, 5, BC_FORM_ZERO), {2, 32});
  bc_tensor* symmetric = tensor(context, BC_CODES(5, 5, BC_FORM_SYMMETRIC), {2, 32});
  bc_tensor* q4 = tensor(context, BC_Q4, {40, 32});
  const std::vector<uint8_t> fine(64, 7);
  const Arguments good{zero, 0, bytes(fine, 2), f32({0.5f, 0.25f}, 2), f32({3.0f, 4.0f}, 2)};
  const auto call = [&](const Arguments& a) {
    return bc_pack_codes(context, a.out, a.row, a.codes, a.scales, a.zeros);
  };
  const auto refused = [&](const char* name, auto&& spoil, const char* message) {
    Arguments a = good;
    spoil(a);
    refuses(name, call(a), BC_INVALID_ARGUMENT, message);
  };
  is_ok("pack_codes", call(good) == BC_OK);
  std::vector<uint8_t> large = fine;
  large[40] = 8;
  refused(
      "a code of 4 bits", [&](Arguments& a) { a.codes = bytes(large, 2); },
      "pack_codes: codes[1][8] has value 8, expected 0 to 7");
  refused(
      "a scale of more bits",
      [&](Arguments& a) {
        a.scales = f32({0.5f, 0.1f}, 2);
      },
      "scales[1][0] has value 0.1");
  for (const float bad :
       {std::numeric_limits<float>::infinity(), 1e6f, std::numeric_limits<float>::quiet_NaN()}) {
    refused(
        "no scale",
        [&](Arguments& a) {
          a.scales = f32({bad, 1.0f}, 2);
        },
        "expected a finite number of f16");
    refused(
        "no zero",
        [&](Arguments& a) {
          a.zeros = f32({1.0f, bad}, 2);
        },
        "expected a finite number of f16");
  }
  refused(
      "no zeros", [&](Arguments& a) { a.zeros = nullptr; }, "zeros has value 0, expected some");
  refused(
      "zeros", [&](Arguments& a) { a.out = symmetric; }, "expected none (0) for the symmetric");
  refused(
      "a row inside a panel", [&](Arguments& a) { a.row = 1; }, "row has value 1");
  refused(
      "a row behind the last", [&](Arguments& a) { a.row = 16; }, "row has value 16");
  refused(
      "a row in front", [&](Arguments& a) { a.row = -16; }, "row has value -16");
  refused(
      "part of a panel",
      [&](Arguments& a) {
        a.codes = bytes({fine.begin(), fine.begin() + 32}, 1);
      },
      "rows of codes has value 1");
  refused(
      "rows of another matrix", [&](Arguments& a) { a.scales = f32({0.5f}, 1); },
      "scales has shape [1, 1], expected [2, 1]");
  refused(
      "floats", [&](Arguments& a) { a.codes = a.scales; }, "codes has type f32, expected i8");
  refused(
      "q8",
      [&](Arguments& a) {
        a.out = tensor(context, BC_Q8, {2, 32});
      },
      "expected codes or q4");
  refused(
      "plain",
      [&](Arguments& a) {
        a.out = tensor(context, BC_F32, {2, 32});
      },
      "expected codes or q4");

  // A grid holds fewer scales and zeros.
  const std::vector<uint8_t> nibbles(32 * 32, 15);
  const auto grid = [&](float scale, float z) {
    std::vector<float> scales(32, 1.0f);
    std::vector<float> zeros(32, 7.5f);
    scales[9] = scale;
    zeros[9] = z;
    return bc_pack_codes(context, q4, 0, bytes(nibbles, 32), f32(scales, 32), f32(zeros, 32));
  };
  is_ok("the smallest grid", grid(0x1p-26f, 0.0f) == BC_OK);
  is_ok("the largest grid", grid(0x1.fp+3f, 127.0f / 8.0f) == BC_OK);
  for (const float scale : {0.0f, -1.0f, 16.0f, 1.03f, 0x1p-27f})
    refuses("no scale of a grid", grid(scale, 8.0f), BC_INVALID_ARGUMENT,
            "pack_codes: scales[9][0]");
  for (const float z : {-0.125f, 16.0f, 7.3f, std::numeric_limits<float>::quiet_NaN()})
    refuses("no zero of a grid", grid(1.0f, z), BC_INVALID_ARGUMENT, "with zero");

  is_ok("plan_begin", bc_plan_begin(context) == BC_OK);
  refuses("in a plan", call(good), BC_INVALID_ARGUMENT, "outside of a plan");
  bc_plan* plan = nullptr;
  bc_plan_end(context, &plan);
}

void types_are_checked(bc_context* context) {
  bc_tensor* out = nullptr;
  const int64_t shape[] = {16, 128};
  for (const int32_t type :
       {7, 0x1000, BC_CODES(1, 5, 0), BC_CODES(7, 5, 0), BC_CODES(9, 5, 0), BC_CODES(4, 4, 0),
        BC_CODES(4, 8, 0), BC_CODES(4, 5, 4), BC_CODES(5, 5, BC_FORM_GRID), 0x2054, 0x11054, -1}) {
    refuses("no type", bc_tensor_create(context, type, shape, 2, &out), BC_INVALID_ARGUMENT,
            "tensor_create: type has value");
  }
  const int64_t tail[] = {16, 96};
  refuses("a part of a group",
          bc_tensor_create(context, BC_CODES(3, 6, BC_FORM_GRID), tail, 2, &out),
          BC_INVALID_ARGUMENT,
          "3-bit grid/64 tensor has shape [16, 96], expected [N, K] with K a multiple of 64");
  bc_tensor* grid = tensor(context, BC_CODES(2, 5, BC_FORM_GRID), {16, 32});
  refuses("a deviation beyond a grid", bc_tensor_random(grid, 100.0f, 1), BC_INVALID_ARGUMENT,
          "deviation has value 100, expected 0 to 17");
}

// Files at rest hold these bytes under bc_packed_layout 1.
void the_layout_has_its_version(bc_context* context) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const Type type : code_types()) {
    const CodeFormat f = format_of(type);
    const int64_t N = 19;
    const int64_t K = 128;
    Codes c{N, K, K >> f.log2_group, {}, {}, {}};
    for (int64_t i = 0; i < N * K; ++i)
      c.codes.push_back(static_cast<uint8_t>((i * 7 + i / 31) % (int64_t{1} << f.bits)));
    for (int64_t i = 0; i < N * c.groups; ++i) {
      c.scales.push_back(to_f16(std::ldexp(1.0f + static_cast<float>(i % 16) / 16.0f, -3)).bits);
      c.zeros.push_back(to_f16(static_cast<float>(i % 25) / 8.0f).bits);
    }
    bc_tensor* w = tensor(context, static_cast<int32_t>(type), {N, K});
    is_ok("pack_codes", pack(context, w, f, c, 0, N) == BC_OK);
    for (const uint8_t byte : read<uint8_t>(w, static_cast<size_t>(packed_bytes(type, N, K))))
      hash = (hash ^ byte) * 0x100000001b3u;
    bc_tensor_free(w);
  }
  constexpr uint64_t kLayout1 = 0x4f799de3495bbb03u;
  if (hash != kLayout1)
    std::printf("the layout's hash is 0x%llxu\n", static_cast<unsigned long long>(hash));
  is_ok("bc_packed_layout is that of the bytes", bc_packed_layout() == 1 && hash == kLayout1);
}

// Random codes have the deviation that was asked for.
void random_codes_deviate(bc_context* context, int32_t type) {
  bc_tensor* w = tensor(context, type, {64, 256});
  is_ok("tensor_random", bc_tensor_random(w, 0.02f, 3) == BC_OK);
  bc_tensor* out = tensor(context, BC_F32, {64, 256});
  is_ok("dequantize", bc_dequantize(context, out, w) == BC_OK);
  double square = 0.0;
  double sum = 0.0;
  for (const float x : read<float>(out, 64 * 256)) {
    square += static_cast<double>(x) * static_cast<double>(x);
    sum += static_cast<double>(x);
  }
  const double count = 64.0 * 256.0;
  const double deviation = std::sqrt(square / count);
  const CodeFormat f = format_of(static_cast<Type>(type));
  // The symmetric form has one code more on one side: half a step of mean.
  const double mean = f.form == CodeForm::symmetric
                          ? 0.02 / std::sqrt((std::ldexp(1.0, 2 * f.bits) - 1.0) / 3.0)
                          : 0.0;
  if (std::fabs(deviation - std::sqrt(0.0004 + mean * mean)) > 0.001)
    std::printf("%s: %g\n", name_of(static_cast<Type>(type)), deviation);
  is_ok("the deviation", std::fabs(deviation - std::sqrt(0.0004 + mean * mean)) <= 0.001);
  is_ok("the mean", std::fabs(std::fabs(sum / count) - mean) <= 0.001);
  bc_tensor_free(w);
  bc_tensor_free(out);
}

}  // namespace

int main() {
  bc_context* context = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, 2, 1, &context) == BC_OK);
  for (const Type type : code_types()) {
    stands_for_its_numbers(context, static_cast<int32_t>(type), format_of(type));
    random_codes_deviate(context, static_cast<int32_t>(type));
  }
  stands_for_its_numbers(context, BC_Q4, {4, 5, CodeForm::grid});
  refuses_what_does_not_fit(context);
  the_layout_has_its_version(context);
  types_are_checked(context);
  is_ok("context_free", bc_context_free(context) == BC_OK);
  return result("pack_codes");
}
