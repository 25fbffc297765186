// The emulator's own tests. Instructions: cases worked by hand from the PTX ISA's tables. Checks:
// kernels that are broken in one way each, and what the emulator says of them; and their sound
// counterparts, of which it must say nothing. On a GPU the instructions and the sound kernels run,
// and show that the emulator and the hardware agree.
#include <functional>

#include "cuda/load.cuh"
#include "cuda/mma.cuh"
#include "cuda/reduce.cuh"
#include "cuda/softmax.cuh"
#include "cuda_device.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// --- Harness -------------------------------------------------------------------------------------

void equal(Check& check, const char* what, int64_t got, int64_t want) {
  char line[160];
  std::snprintf(line, sizeof line, "%s has value %lld (0x%llx), expected %lld (0x%llx)", what,
                static_cast<long long>(got), static_cast<unsigned long long>(got),
                static_cast<long long>(want), static_cast<unsigned long long>(want));
  check.that(got == want, line);
}

// Under every seed the run must fail, and the message must hold one of the alternatives, then all of
// the details. A GPU has nobody to ask.
void caught(Check& check, const char* name, const std::vector<std::string>& alternatives,
            const std::vector<std::string>& details, const std::function<void()>& run) {
  if (!kEmulated) return;
  for_each_schedule(8, [&](uint64_t seed) {
    check.begin(name, seed);
    std::string message;
    try {
      run();
    } catch (const std::exception& e) {
      message = e.what();
    }
    bool found = false;
    for (const std::string& text : alternatives) found |= message.find(text) != std::string::npos;
    for (const std::string& text : details) found &= message.find(text) != std::string::npos;
    check.that(found, message.empty() ? "nothing was noticed" : ("said: " + message).c_str());
  });
}

void sound(Check& check, const char* name, const std::function<void()>& run) {
  for_each_schedule(8, [&](uint64_t seed) {
    check.begin(name, seed);
    try {
      run();
      finish();
      check.that(true, "");
    } catch (const std::exception& e) {
      check.that(false, e.what());
    }
  });
}

// What one thread computes.
template <auto kKernel, class In>
std::vector<uint32_t> results(size_t count, const std::vector<In>& in) {
  const auto device_in = input("in", in);
  const auto out = output<uint32_t>("out", count);
  launch<kKernel>({dim3(1), dim3(32)}, out.data(), device_in.data());
  return out.read();
}

std::vector<uint32_t> numbers(size_t count) {
  std::vector<uint32_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<uint32_t>(i);
  return values;
}

__device__ __forceinline__ uint32_t thread_id() { return threadIdx.x; }

// --- Registers -----------------------------------------------------------------------------------

// Of each input: bf16, f16, s8; then of the first two: pairs.
constexpr int kInputs = 17;
__global__ void conversion_kernel(uint32_t* out, const float* in) {
  if (thread_id() != 0) return;
  for (int i = 0; i < kInputs; ++i) {
    const float x = load(in + i);
    store(out + 3 * i, uint32_t{ptx::cvt_bf16(x)});
    store(out + 3 * i + 1, uint32_t{ptx::cvt_f16(x)});
    store(out + 3 * i + 2, static_cast<uint32_t>(ptx::cvt_s8(x)));
  }
  store(out + 3 * kInputs, ptx::cvt_bf16x2(load(in), load(in + 1)));
  store(out + 3 * kInputs + 1, ptx::cvt_f16x2(load(in), load(in + 1)));
}

void conversions(Check& check) {
  check.begin("conversions", 0);
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  struct Conversion {
    const char* what;
    float x;
    int64_t bf16, f16, s8;
  };
  const Conversion cases[kInputs] = {
      {"1", 1.0f, 0x3f80, 0x3c00, 1},
      {"-2", -2.0f, 0xc000, 0xc000, -2},
      {"1 + 2^-8, for bf16 a tie to even below", 1.0f + 0x1p-8f, 0x3f80, 0x3c04, 1},
      {"1 + 3 2^-8, for bf16 a tie to even above", 1.0f + 0x3p-8f, 0x3f82, 0x3c0c, 1},
      {"just above a tie of bf16", 1.0f + 0x1p-8f + 0x1p-20f, 0x3f81, 0x3c04, 1},
      {"1 + 2^-11, for f16 a tie", 1.0f + 0x1p-11f, 0x3f80, 0x3c00, 1},
      {"65519", 65519.0f, 0x4780, 0x7bff, 127},
      {"65520, for f16 a tie to infinity", 65520.0f, 0x4780, 0x7c00, 127},
      {"2^-24", 0x1p-24f, 0x3380, 1, 0},
      {"2^-25, for f16 a tie", 0x1p-25f, 0x3300, 0, 0},
      {"3 2^-25, for f16 a tie", 0x3p-25f, 0x33c0, 2, 0},
      {"largest float", std::numeric_limits<float>::max(), 0x7f80, 0x7c00, 127},
      {"-inf", -inf, 0xff80, 0xfc00, -128},
      {"-NaN", -nan, 0x7fff, 0x7fff, 0},
      {"0.5, for s8 a tie", 0.5f, 0x3f00, 0x3800, 0},
      {"1.5, for s8 a tie", 1.5f, 0x3fc0, 0x3e00, 2},
      {"127.5", 127.5f, 0x42ff, 0x57f8, 127},
  };
  std::vector<float> in;
  for (const Conversion& c : cases) in.push_back(c.x);
  const std::vector<uint32_t> got = results<conversion_kernel>(3 * kInputs + 2, in);
  for (size_t i = 0; i < kInputs; ++i) {
    const std::string of = std::string(" of ") + cases[i].what;
    equal(check, ("bf16" + of).c_str(), got[3 * i], cases[i].bf16);
    equal(check, ("f16" + of).c_str(), got[3 * i + 1], cases[i].f16);
    equal(check, ("s8" + of).c_str(), static_cast<int32_t>(got[3 * i + 2]), cases[i].s8);
  }
  equal(check, "bf16x2 of 1, -2", got[3 * kInputs], 0xc0003f80);
  equal(check, "f16x2 of 1, -2", got[3 * kInputs + 1], 0xc0003c00);
}

__global__ void float_kernel(uint32_t* out, const float* in) {
  if (thread_id() != 0) return;
  store(out, ptx::bits(ptx::ex2(load(in))));
  store(out + 1, ptx::bits(ptx::ex2(load(in + 1))));
  store(out + 2, ptx::bits(ptx::ex2(load(in + 2))));
  store(out + 3, ptx::bits(ptx::rcp(load(in + 3))));
  store(out + 4, ptx::bits(ptx::rsqrt(load(in + 4))));
  store(out + 5, ptx::bits(ptx::lg2(load(in + 5))));
  store(out + 6, ptx::bits(ptx::cvt_f32_f16(1)));
  store(out + 7, ptx::bits(ptx::cvt_f32_bf16(0xc0a0)));
}

void floats(Check& check) {
  check.begin("floats", 0);
  const float inf = std::numeric_limits<float>::infinity();
  const float in[] = {-inf, 3.25f, -127.0f, 0x1p-127f, 0.37f, 1000.0f};
  const std::vector<uint32_t> bits =
      results<float_kernel>(8, std::vector<float>(in, in + sizeof in / sizeof *in));
  std::vector<double> got;
  for (const uint32_t u : bits) got.push_back(static_cast<double>(float_from_bits(u)));
  const auto near = [&](size_t i, double want) {
    return std::fabs(got[i] - want) <= 0x1p-21 * std::fabs(want);
  };
  check.that(got[0] == 0.0, "ex2 of -inf");
  check.that(near(1, std::exp2(3.25)), "ex2 of 3.25");
  check.that(got[2] == 0.0, "ex2 flushes a subnormal result");
  check.that(got[3] == std::numeric_limits<double>::infinity(), "rcp flushes a subnormal operand");
  check.that(near(4, 1.0 / std::sqrt(static_cast<double>(0.37f))), "rsqrt of 0.37");
  check.that(near(5, std::log2(1000.0)), "lg2 of 1000");
  check.that(got[6] == 0x1p-24, "f32 of the smallest f16");
  check.that(got[7] == -5.0, "f32 of bf16 -5");
}

// Operands come from memory: the compiler must not work the results out.
__global__ void bit_kernel(uint32_t* out, const uint32_t* in) {
  if (thread_id() != 0) return;
  const auto dp4a = [&](int i) {
    return static_cast<uint32_t>(
        ptx::dp4a(load(in + i), load(in + i + 1), static_cast<int32_t>(load(in + i + 2))));
  };
  store(out, dp4a(0));
  store(out + 1, dp4a(3));
  store(out + 2, ptx::prmt(load(in + 6), load(in + 7), 0x7531));
  store(out + 3, ptx::prmt(load(in + 6), load(in + 7), 0x4567));
  store(out + 4, ptx::prmt(load(in + 8), 0, 0x9898));
  store(out + 5, ptx::lop3<0xea>(load(in + 9), load(in + 10), load(in + 11)));
  store(out + 6, ptx::lop3<0x96>(load(in + 9), load(in + 10), load(in + 11)));
}

void bit_instructions(Check& check) {
  check.begin("bits", 0);
  const std::vector<uint32_t> got = results<bit_kernel>(
      7, std::vector<uint32_t>{0xfc03fe01, 0x08f90605, 10, 0x80808080, 0x80808080, 0, 0x03020100,
                               0x07060504, 0x00007f80, 0xff00ff00, 0xffff0000, 0x0000000f});
  // 1 * 5 + -2 * 6 + 3 * -7 + -4 * 8 + 10, lowest byte first.
  equal(check, "dp4a", static_cast<int32_t>(got[0]), -50);
  equal(check, "dp4a of extremes", got[1], 4 * 128 * 128);
  equal(check, "prmt 7531", got[2], 0x07050301);
  equal(check, "prmt 4567", got[3], 0x04050607);
  equal(check, "prmt of signs", got[4], 0x00ff00ff);
  // (a & b) | c makes 0xea of 0xf0, 0xcc, 0xaa; a ^ b ^ c makes 0x96.
  equal(check, "lop3 ea", got[5], 0xff00000f);
  equal(check, "lop3 96", got[6], 0x00ffff0f);
}

__global__ void shuffle_kernel(uint32_t* out) {
  const uint32_t l = ptx::lane_id();
  store(out + l, ptx::shfl_idx(100 + l, 35));  // lane 35 % 32
  store(out + 32 + l, ptx::shfl_bfly(100 + l, 5));
  store(out + 64 + l, ptx::shfl_up(100 + l, 3));
  store(out + 96 + l, ptx::shfl_down(100 + l, 3));
  store(out + 128 + l, ptx::vote_ballot(l % 3 == 0));
  store(out + 160 + l, static_cast<uint32_t>(ptx::redux_add(static_cast<int32_t>(l) - 20)));
  store(out + 192 + l, ptx::redux_max(l ^ 21u));
  store(out + 256 + l, ptx::redux_min(l == 9 ? 0x80000000u : 0xf0000000u | l));
  store(out + 224 + l, (ptx::vote_any(l == 7) ? 1u : 0u) | (ptx::vote_all(l != 7) ? 2u : 0u));
}

void shuffles(Check& check) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin("shuffles", seed);
    const auto out = output<uint32_t>("out", 288);
    launch<shuffle_kernel>({dim3(1), dim3(32)}, out.data());
    const std::vector<uint32_t> got = out.read();
    equal(check, "shfl.idx", got[9], 103);
    equal(check, "shfl.bfly 6 ^ 5", got[32 + 6], 103);
    equal(check, "shfl.up at lane 2", got[64 + 2], 102);
    equal(check, "shfl.up at lane 3", got[64 + 3], 100);
    equal(check, "shfl.down at lane 28", got[96 + 28], 131);
    equal(check, "shfl.down at lane 29", got[96 + 29], 129);
    equal(check, "ballot", got[128 + 13], 0x49249249);
    equal(check, "redux.add", static_cast<int32_t>(got[160]), 496 - 640);
    equal(check, "redux.max", got[192 + 4], 31);
    equal(check, "redux.min", got[256 + 4], 0x80000000);
    equal(check, "any, not all", got[224 + 4], 1);
  });
}

// --- Tensor cores --------------------------------------------------------------------------------

// Element (row, col) of matrix m is 64 m + 8 row + col.
__global__ void ldmatrix_kernel(uint32_t* out) {
  const uint32_t l = ptx::lane_id();
  const Shared<uint16_t> s = shared_memory<uint16_t>();
  for (uint32_t i = l; i < 256; i += 32) s[i] = static_cast<uint16_t>(i);
  __syncwarp();
  uint32_t x1[1], x2[2], x4[4];
  ptx::ldmatrix_x4(x4, s + l * 8);
  for (uint32_t i = 0; i < 4; ++i) store(out + i * 32 + l, x4[i]);
  ptx::ldmatrix_x4_trans(x4, s + l * 8);
  for (uint32_t i = 0; i < 4; ++i) store(out + 128 + i * 32 + l, x4[i]);
  // Rows in reverse, from the lanes that count; the others name nothing valid.
  ptx::ldmatrix_x2(x2, l < 16 ? s + (15 - l) * 8 : s + 100000);
  for (uint32_t i = 0; i < 2; ++i) store(out + 256 + i * 32 + l, x2[i]);
  ptx::ldmatrix_x1_trans(x1, l < 8 ? s + (7 - l) * 8 : s + 100000);
  store(out + 320 + l, x1[0]);
}

uint32_t two(uint32_t low, uint32_t high) { return high << 16 | low; }

void ldmatrix(Check& check) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin("ldmatrix", seed);
    const auto out = output<uint32_t>("out", 352);
    launch<ldmatrix_kernel>({dim3(1), dim3(32), 512}, out.data());
    const std::vector<uint32_t> got = out.read();
    equal(check, "x4 lane 0 of matrix 0: row 0, columns 0, 1", got[0], two(0, 1));
    equal(check, "x4 lane 3 of matrix 0: row 0, columns 6, 7", got[3], two(6, 7));
    equal(check, "x4 lane 4 of matrix 0: row 1, columns 0, 1", got[4], two(8, 9));
    equal(check, "x4 lane 31 of matrix 3: row 7, columns 6, 7", got[3 * 32 + 31], two(254, 255));
    equal(check, "x4.trans lane 0: column 0, rows 0, 1", got[128], two(0, 8));
    equal(check, "x4.trans lane 5: column 1, rows 2, 3", got[128 + 5], two(17, 25));
    equal(check, "x4.trans lane 31 of matrix 2", got[128 + 64 + 31], two(183, 191));
    equal(check, "x2 of reversed rows, lane 6 of matrix 0: row 14", got[256 + 6], two(116, 117));
    equal(check, "x2 of reversed rows, lane 6 of matrix 1: row 6", got[288 + 6], two(52, 53));
    equal(check, "x1.trans of reversed rows, lane 5", got[320 + 5], two(41, 33));
  });
}

// One product of two single elements: [12,2] * [2,6] and [3,9] * [9,5].
template <class T>
__global__ void mma_kernel(float* out) {
  const uint32_t l = ptx::lane_id();
  const uint32_t two_low = narrow_pair<T>(2.0f, 0.0f);
  const uint32_t two_high = narrow_pair<T>(0.0f, 2.0f);
  const uint32_t three_low = narrow_pair<T>(3.0f, 0.0f);
  const uint32_t three_high = narrow_pair<T>(0.0f, 3.0f);
  FragmentA<T> a = {{0, 0, 0, 0}};
  FragmentB<T> b = {{0, 0}};
  if (l == 17) a.r[1] = two_low;     // a[12,2]: g = 4, lower rows; t = 1
  if (l == 25) b.r[0] = three_low;   // b[2,6]: t = 1, g = 6
  if (l == 12) a.r[2] = two_high;    // a[3,9]: g = 3, right half; t = 0, odd
  if (l == 20) b.r[1] = three_high;  // b[9,5]: lower half; t = 0, odd; g = 5
  Accumulator d;
  for (float& r : d.r) r = 0.5f;
  mma(d, a, b);
  for (int i = 0; i < 4; ++i) store(out + Accumulator::row(i) * 8 + Accumulator::col(i), d.r[i]);
}

template <class T>
void mma_by_hand(Check& check, const char* name) {
  check.begin(name, 0);
  const auto out = output<float>("out", 128);
  launch<mma_kernel<T>>({dim3(1), dim3(32)}, out.data());
  const std::vector<float> got = out.read();
  for (size_t i = 0; i < got.size(); ++i) {
    const bool product = i == 12 * 8 + 6 || i == 3 * 8 + 5;
    if (got[i] != (product ? 6.5f : 0.5f)) equal(check, "element", static_cast<int64_t>(i), -1);
  }
  check.that(got[12 * 8 + 6] == 6.5f && got[3 * 8 + 5] == 6.5f, "products lie elsewhere");
}

__global__ void mma_s8_kernel(int32_t* out) {
  const uint32_t l = ptx::lane_id();
  uint32_t a[4] = {0, 0, 0, 0};
  uint32_t b[2] = {0, 0};
  if (l == 9) a[3] = 0x0000fd00;   // a[10,21] = -3: g = 2, lower rows; 21 = 16 + 4 * 1 + 1
  if (l == 29) b[1] = 0x00000500;  // b[21,7] = 5
  int32_t d[4] = {0, 0, 0, l == 11 ? 100 : 0};
  ptx::mma_m16n8k32_s8(d, a, b);
  for (int i = 0; i < 4; ++i) store(out + Accumulator::row(i) * 8 + Accumulator::col(i), d[i]);
}

void mma_s8(Check& check) {
  check.begin("mma s8", 0);
  const auto out = output<int32_t>("out", 128);
  launch<mma_s8_kernel>({dim3(1), dim3(32)}, out.data());
  const std::vector<int32_t> got = out.read();
  int64_t others = 0;
  for (size_t i = 0; i < got.size(); ++i) others += i == 87 ? 0 : std::abs(got[i]);
  equal(check, "d[10,7]", got[87], 85);
  equal(check, "the others", others, 0);
}

// out[16,16] = a[16,64] b[64,16] through shared memory in rows of 64. b lies in 16 rows n, or, to be
// transposed on the way, in 64 rows k, of whose 64 columns 16 are used.
enum class Break { nothing, fragment, swizzle, no_swizzle };
template <class T, bool kTrans, Break kBreak>
__global__ void tile_kernel(float* out, const T* a, const T* b) {
  const Shared<T> sa = shared_memory<T>();
  const Shared<T> sb = shared_memory<T>(16 * 64 * sizeof(T));
  const auto at = [](int row, int col) {
    return kBreak == Break::no_swizzle ? row * 64 + col : swizzled<64>(row, col);
  };
  const int mine = static_cast<int>(threadIdx.x) * 8;
  for (int i = mine; i < 16 * 64; i += kWarp * 8) ptx::cp_async<16>(sa + at(i / 64, i % 64), a + i);
  for (int i = mine; i < (kTrans ? 64 : 16) * 64; i += kWarp * 8)
    ptx::cp_async<16>(sb + at(i / 64, i % 64), b + i);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  __syncthreads();
  Accumulator d[2];
  for (int k = 0; k < 64; k += 16) {
    const RowCol la = lane_of_a();
    const RowCol lb = kTrans ? lane_of_b_trans() : lane_of_b();
    const int row = kTrans ? k + lb.row : lb.row;
    const int col = kTrans ? lb.col : k + lb.col;
    FragmentA<T> fa = load_a(sa + at(la.row, k + la.col));
    if (kBreak == Break::fragment) fa = {{fa.r[0], fa.r[2], fa.r[1], fa.r[3]}};
    const Shared<T> mine_of_b = sb + (kBreak == Break::swizzle ? row * 64 + col : at(row, col));
    const TwoB<T> fb = kTrans ? load_b_trans(mine_of_b) : load_b(mine_of_b);
    mma(d[0], fa, fb.n0);
    mma(d[1], fa, fb.n8);
  }
  for (int i = 0; i < 4; ++i) {
    store(out + Accumulator::row(i) * 16 + Accumulator::col(i), d[0].r[i]);
    store(out + Accumulator::row(i) * 16 + Accumulator::col(i) + 8, d[1].r[i]);
  }
}

// Whether the product is that of plain loops. Small integers: every sum is exact.
template <class T, bool kTrans, Break kBreak>
bool tile_is_right() {
  Random random(7);
  std::vector<float> a(16 * 64), b((kTrans ? 64 : 16) * 64);
  for (float& v : a) v = static_cast<float>(random.below(9) - 4);
  for (float& v : b) v = static_cast<float>(random.below(9) - 4);
  const auto narrowed = [](const std::vector<float>& v) {
    std::vector<T> t;
    for (const float x : v) {
      if constexpr (std::is_same<T, bf16>::value) t.push_back(to_bf16(x));
      if constexpr (std::is_same<T, f16>::value) t.push_back(to_f16(x));
    }
    return t;
  };
  const auto device_a = input("a", narrowed(a));
  const auto device_b = input("b", narrowed(b));
  const auto out = output<float>("out", 256);
  launch<tile_kernel<T, kTrans, kBreak>>({dim3(1), dim3(32), 128 * 80}, out.data(), device_a.data(),
                                         device_b.data());
  const std::vector<float> got = out.read();
  for (size_t m = 0; m < 16; ++m) {
    for (size_t n = 0; n < 16; ++n) {
      float want = 0.0f;
      for (size_t k = 0; k < 64; ++k)
        want += a[m * 64 + k] * (kTrans ? b[k * 64 + n] : b[n * 64 + k]);
      if (got[m * 16 + n] != want) return false;
    }
  }
  return true;
}

void tiles(Check& check) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin("tile", seed);
    check.that(tile_is_right<bf16, false, Break::nothing>(), "bf16, b in rows n");
    check.that(tile_is_right<bf16, true, Break::nothing>(), "bf16, b in rows k");
    check.that(tile_is_right<f16, false, Break::nothing>(), "f16, b in rows n");
    check.that(tile_is_right<f16, true, Break::nothing>(), "f16, b in rows k");
    check.that(!tile_is_right<bf16, false, Break::fragment>(), "swapped registers of a fragment");
    check.that(!tile_is_right<bf16, true, Break::swizzle>(), "swizzled writes, plain reads");
    check.that(tile_is_right<bf16, true, Break::no_swizzle>(), "no swizzle");
  });
}

// --- Order ---------------------------------------------------------------------------------------

// Sums of neighbours through shared memory.
template <bool kBarrier>
__global__ void exchange_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  s[i] = 0;
  __syncthreads();
  s[i] = i;
  if (kBarrier) __syncthreads();
  store(out + i, static_cast<uint32_t>(s[(i + 32) % blockDim.x]));
}

template <bool kSync>
__global__ void lanes_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  s[i] = 0;
  __syncwarp();
  s[i] = i;
  if (kSync) __syncwarp();
  // A shuffle brings lanes together and orders no memory.
  store(out + i, s[i ^ 1u] + ptx::shfl_bfly(i, 1));
}

// Reads the tile and overwrites it for the next turn.
template <bool kBarrier>
__global__ void reuse_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  uint32_t sum = 0;
  for (uint32_t turn = 0; turn < 3; ++turn) {
    s[i] = turn + i;
    __syncthreads();
    for (uint32_t k = 0; k < blockDim.x; ++k) sum += s[k];
    if (kBarrier) __syncthreads();
  }
  store(out + i, sum);
}

__global__ void one_word_kernel(uint32_t* out) { store(out, thread_id()); }

__global__ void one_shared_word_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  if (thread_id() % 32 == 0) s[5] = 1;
  __syncthreads();
  store(out + thread_id(), static_cast<uint32_t>(s[5]));
}

__global__ void bytes_kernel(uint8_t* out) {
  store(out + thread_id(), static_cast<uint8_t>(thread_id()));
}

__global__ void blocks_kernel(uint32_t* out) { store(out + thread_id() + blockIdx.x * 16, 1u); }

__global__ void uninitialized_kernel(uint32_t* out) {
  const Shared<float> s = shared_memory<float>();
  if (thread_id() != 3) s[thread_id()] = 1.0f;
  __syncthreads();
  const float x = s[(thread_id() + 32) % 64];
  store(out + thread_id(), ptx::bits(x));
}

void races(Check& check) {
  const auto out = output<uint32_t>("out", 128);
  const auto bytes = output<uint8_t>("bytes", 128);
  const dim3 one(1), two_warps(64);
  caught(check, "missing barrier", {"race: load of shared+", "race: store of shared+"},
         {"exchange_kernel<false>", "block (0,0,0) thread (",
          "simt_test.cpp:", "is concurrent with the "},
         [&] {
           launch<exchange_kernel<false>>({one, two_warps, 256}, out.data());
         });
  sound(check, "barrier", [&] {
    launch<exchange_kernel<true>>({one, two_warps, 256}, out.data());
    equal(check, "neighbour", out.read()[1], 33);
  });
  caught(check, "missing __syncwarp", {"race: load of shared+", "race: store of shared+"}, {}, [&] {
    launch<lanes_kernel<false>>({one, dim3(32), 128}, out.data());
  });
  sound(check, "__syncwarp", [&] { launch<lanes_kernel<true>>({one, dim3(32), 128}, out.data()); });
  caught(check, "missing barrier before reuse", {"race: store of shared+", "race: load of shared+"},
         {}, [&] {
           launch<reuse_kernel<false>>({one, dim3(128), 512}, out.data());
         });
  sound(check, "barrier before reuse", [&] {
    launch<reuse_kernel<true>>({one, dim3(128), 512}, out.data());
  });
  caught(check, "two threads write one word", {"race: store of out+0"},
         {"concurrent with the store"}, [&] {
           launch<one_word_kernel>({one, two_warps}, out.data());
         });
  caught(check, "two warps write one shared word", {"race: store of shared+20"}, {}, [&] {
    launch<one_shared_word_kernel>({one, two_warps, 256}, out.data());
  });
  caught(check, "two blocks write one word", {"race: store of out+"},
         {"block (0,0,0)", "block (1,0,0)"}, [&] {
           launch<blocks_kernel>({dim3(2), dim3(32)}, out.data());
         });
  sound(check, "bytes of one word", [&] { launch<bytes_kernel>({one, two_warps}, bytes.data()); });
  caught(check, "uninitialised shared memory", {"load of shared+12: nothing was written there"},
         {"thread (35,0,0)"}, [&] {
           launch<uninitialized_kernel>({one, two_warps, 256}, out.data());
         });
}

// --- Barriers ------------------------------------------------------------------------------------

__global__ void half_warp_barrier_kernel() {
  if (thread_id() < 16) __syncthreads();
}
__global__ void one_warp_barrier_kernel() {
  if (thread_id() < 32) __syncthreads();
}
__global__ void two_places_kernel() {
  if (thread_id() % 2 == 0) {
    __syncthreads();
  } else {
    ptx::shfl_bfly(1u, 1);
  }
}
__global__ void early_exit_kernel() {
  if (thread_id() == 40) return;
  ptx::vote_any(true);
}

// Warps 0 and 1 fill, warps 2 and 3 read: each pair of pairs over one named barrier.
template <int kThreads>
__global__ void named_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  if (i < 64) {
    s[i] = i;
    ptx::bar_arrive(3, kThreads);
  } else if (i < 128) {
    ptx::bar_sync(3, kThreads);
    store(out + i, s[i - 64] + s[127 - i]);
  }
}
__global__ void uneven_kernel() { ptx::bar_sync(1, threadIdx.x < 32 ? 64 : 96); }
__global__ void odd_count_kernel() { ptx::bar_sync(1, 48); }

void barriers(Check& check) {
  const auto out = output<uint32_t>("out", 128);
  const dim3 one(1);
  caught(check, "barrier in half a warp", {"barrier divergence"},
         {"__syncthreads at simt_test.cpp:", "have exited"}, [&] {
           launch<half_warp_barrier_kernel>({one, dim3(32)});
         });
  caught(check, "barrier in one of two warps", {"barrier divergence"},
         {"threads 0-31 wait in __syncthreads", "threads 32-63 have exited",
          "barrier 0 has 32 of the 64 threads"},
         [&] {
           launch<one_warp_barrier_kernel>({one, dim3(64)});
         });
  caught(check, "lanes at two places", {"divergence"}, {"__syncthreads", "shfl.bfly"}, [&] {
    launch<two_places_kernel>({one, dim3(32)});
  });
  caught(check, "a lane has left", {"warp divergence"}, {"vote", "threads 40-40 have exited"}, [&] {
    launch<early_exit_kernel>({one, dim3(64)});
  });
  sound(check, "named barrier", [&] {
    launch<named_kernel<128>>({one, dim3(128), 256}, out.data());
  });
  caught(check, "named barrier for too many", {"deadlock at a named barrier"},
         {"barrier 3 has 128 of the 160 threads"}, [&] {
           launch<named_kernel<160>>({one, dim3(160), 256}, out.data());
         });
  caught(check, "named barrier for too few",
         {"race: load of shared+", "nothing was written there", "deadlock at a named barrier",
          "race: store of shared+"},
         {}, [&] {
           launch<named_kernel<64>>({one, dim3(128), 256}, out.data());
         });
  caught(check, "named barrier of two counts", {"named barrier 1: this warp expects"}, {}, [&] {
    launch<uneven_kernel>({one, dim3(96)});
  });
  caught(check, "named barrier of no whole warps", {"named barrier 1: threads has value 48"}, {},
         [&] {
           launch<odd_count_kernel>({one, dim3(64)});
         });
}

// Warp 0 produces into two slots, warp 1 consumes; a full and an empty mbarrier per slot.
template <bool kWaitEmpty, bool kWaitFull>
__global__ void pipeline_kernel(uint32_t* out) {
  const Shared<uint64_t> full = shared_memory<uint64_t>();
  const Shared<uint64_t> empty = shared_memory<uint64_t>(16);
  const Shared<uint32_t> slots = shared_memory<uint32_t>(32);
  if (threadIdx.x == 0) {
    for (int s = 0; s < 2; ++s) {
      ptx::mbarrier_init(full + s, 32);
      ptx::mbarrier_init(empty + s, 32);
    }
  }
  __syncthreads();
  const uint32_t l = ptx::lane_id();
  for (uint32_t turn = 0; turn < 6; ++turn) {
    const uint32_t s = turn % 2;
    const uint32_t round = turn / 2;
    if (threadIdx.x < 32) {
      // The empty phase of the round before; of none before the first.
      if (kWaitEmpty && round > 0)
        while (!ptx::mbarrier_try_wait_parity(empty + s, (round - 1) % 2)) {
        }
      slots[s * 32 + l] = turn * 100 + l;
      ptx::mbarrier_arrive(full + s);
    } else {
      while (kWaitFull && !ptx::mbarrier_try_wait_parity(full + s, round % 2)) {
      }
      store(out + turn * 32 + l, static_cast<uint32_t>(slots[s * 32 + 31 - l]));
      ptx::mbarrier_arrive(empty + s);
    }
  }
}

__global__ void arrivals_kernel() {
  const Shared<uint64_t> barrier = shared_memory<uint64_t>();
  if (threadIdx.x == 0) ptx::mbarrier_init(barrier, 33);
  __syncthreads();
  ptx::mbarrier_arrive(barrier);
  while (!ptx::mbarrier_try_wait_parity(barrier, 0)) {
  }
}

void mbarriers(Check& check) {
  const auto out = output<uint32_t>("out", 192);
  sound(check, "mbarrier pipeline", [&] {
    launch<pipeline_kernel<true, true>>({dim3(1), dim3(64), 288}, out.data());
    equal(check, "turn 5, lane 1", out.read()[5 * 32 + 1], 530);
  });
  // The producer overruns the consumer, or is two phases ahead when the consumer first looks.
  caught(check, "producer that does not wait", {"race: ", "deadlock"}, {}, [&] {
    launch<pipeline_kernel<false, true>>({dim3(1), dim3(64), 288}, out.data());
  });
  caught(check, "consumer that does not wait", {"race: ", "nothing was written there"}, {"shared+"},
         [&] {
           launch<pipeline_kernel<true, false>>({dim3(1), dim3(64), 288}, out.data());
         });
  caught(check, "mbarrier with an arrival missing", {"deadlock"}, {"mbarrier.try_wait"}, [&] {
    launch<arrivals_kernel>({dim3(1), dim3(32), 8});
  });
}

// --- Asynchronous copies -------------------------------------------------------------------------

// Three tiles of 64 words, one group each, two under way.
template <int kLeft, bool kBarrier>
__global__ void copies_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  for (uint32_t tile = 0; tile < 2; ++tile) {
    ptx::cp_async<4>(s + tile * 64 + i, in + tile * 64 + i);
    ptx::cp_async_commit_group();
  }
  for (uint32_t tile = 0; tile < 3; ++tile) {
    ptx::cp_async_wait_group<kLeft>();
    if (kBarrier) __syncthreads();
    store(out + tile * 64 + i, static_cast<uint32_t>(s[tile % 2 * 64 + (63 - i)]));
    if (kBarrier) __syncthreads();
    if (tile == 0) ptx::cp_async<4>(s + i, in + 128 + i);
    ptx::cp_async_commit_group();  // empty after the first turn, and counted
  }
}

__global__ void zero_fill_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  // Lane 31 has nothing to read: the source may lie outside.
  ptx::cp_async<16>(s + i * 4, in + i * 4, i == 31 ? 0 : i == 30 ? 4 : 16);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  for (uint32_t k = 0; k < 4; ++k) store(out + i * 4 + k, static_cast<uint32_t>(s[i * 4 + k]));
}

__global__ void overwrite_kernel(const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  ptx::cp_async<4>(s + thread_id(), in + thread_id());
  s[thread_id()] = 0;
}

// Loads and copies that tell the caches what to keep bring the same.
__global__ void hints_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  const uint64_t policy = ptx::createpolicy_evict_first();
  ptx::cp_async_16_hint(s + 4 * i, in + 4 * i, 16, policy);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  const ptx::Words<16> x = ptx::ld_global_nc_hint(in + 4 * i, policy);
  const Vec<uint32_t, 4> y = load<4>(s + 4 * i);
  const Vec<uint32_t, 8> z = load_once<8>(in + 8 * (i / 2));
  store(out + i, x.w[1] + y[2] + z[3] + load_once<2>(in + 2)[1] + load_once<1>(in + 1)[0]);
}

__global__ void shared_atomics_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  if (thread_id() < 2) s[thread_id()] = 0;
  __syncthreads();
  ptx::atom_shared_add(s, 2);
  ptx::atom_shared_max(s + 1, thread_id() ^ 5u);
  __syncthreads();
  store(out + thread_id(), s[0] * 1000 + s[1]);
}

void copies(Check& check) {
  const auto in = input("in", numbers(192));
  const auto out = output<uint32_t>("out", 192);
  const auto end = input("end", numbers(121));
  const dim3 one(1), two_warps(64);
  sound(check, "cp.async groups", [&] {
    launch<copies_kernel<1, true>>({one, two_warps, 512}, out.data(), in.data());
    const std::vector<uint32_t> got = out.read();
    equal(check, "tile 0", got[1], 62);
    equal(check, "tile 1", got[64], 127);
    equal(check, "tile 2", got[128 + 63], 128);
  });
  caught(check, "cp.async without waiting", {"has not been waited for"},
         {"load of shared+", "the cp.async by block (0,0,0) thread ("}, [&] {
           launch<copies_kernel<2, true>>({one, two_warps, 512}, out.data(), in.data());
         });
  caught(check, "cp.async waited for, but no barrier",
         {"race: ", "has not been waited for", "nothing was written there"}, {}, [&] {
           launch<copies_kernel<1, false>>({one, two_warps, 512}, out.data(), in.data());
         });
  sound(check, "cp.async with zero fill", [&] {
    launch<zero_fill_kernel>({one, dim3(32), 512}, out.data(), end.data());
    const std::vector<uint32_t> got = out.read();
    equal(check, "full", got[119], 119);
    equal(check, "first of a part", got[120], 120);
    equal(check, "second of a part", got[121], 0);
    equal(check, "nothing", got[127], 0);
  });
  sound(check, "hints", [&] {
    launch<hints_kernel>({one, dim3(32), 512}, out.data(), in.data());
    equal(check, "sum", out.read()[3], 13 + 14 + 11 + 3 + 1);
  });
  sound(check, "atomics in shared memory", [&] {
    launch<shared_atomics_kernel>({one, two_warps, 8}, out.data());
    equal(check, "128 and 63", out.read()[9], 128063);
  });
  caught(check, "store under a cp.async", {"store of shared+"}, {"has not been waited for"}, [&] {
    launch<overwrite_kernel>({one, dim3(32), 128}, in.data());
  });
}

// --- Global memory -------------------------------------------------------------------------------

template <int kExtra>
__global__ void tile_end_kernel(uint32_t* out, const uint32_t* in, uint32_t n) {
  for (uint32_t i = thread_id(); i < n + kExtra; i += blockDim.x) store(out + i, load(in + i));
}
__global__ void misaligned_kernel(uint32_t* out, const uint32_t* in) {
  store(out + 4 * thread_id(), load<4>(in + 4 * thread_id() + 2));
}
__global__ void to_input_kernel(uint32_t* in) { store(in + thread_id(), 1u); }
__global__ void plain_kernel(uint32_t* out) { out[thread_id()] = 1; }
__global__ void shared_end_kernel() { shared_memory<uint32_t>()[thread_id() + 1] = 1; }

void bounds(Check& check) {
  const auto in = input("in", numbers(100));
  const auto out = output<uint32_t>("out", 100);
  const auto other = output<uint32_t>("other", 200);
  const dim3 one(1), warp(32);
  sound(check, "tile of 100", [&] {
    launch<tile_end_kernel<0>>({one, dim3(64)}, out.data(), in.data(), 100u);
  });
  caught(check, "tile one too long", {"out of bounds, the buffer has 400 bytes"},
         {"tile_end_kernel<1>: block (0,0,0) thread (36,0,0) at simt_test.cpp:",
          "load of 4 bytes at in+400"},
         [&] {
           launch<tile_end_kernel<1>>({one, dim3(64)}, out.data(), in.data(), 100u);
         });
  caught(check, "store past the end", {"store of 4 bytes at out+400: out of bounds"}, {}, [&] {
    const auto longer = input("longer", numbers(101));
    launch<tile_end_kernel<1>>({one, dim3(64)}, out.data(), longer.data(), 100u);
  });
  caught(check, "misaligned", {"load of 16 bytes at in+"}, {"misaligned"}, [&] {
    launch<misaligned_kernel>({one, dim3(32)}, other.data(), in.data());
  });
  caught(check, "store to an input", {"the buffer is an input"}, {"in+"}, [&] {
    launch<to_input_kernel>({one, warp}, in.data());
  });
  caught(check, "load of an output", {"nothing was written there"}, {"other+"}, [&] {
    launch<tile_end_kernel<0>>({one, warp}, out.data(), other.data(), 64u);
  });
  caught(check, "plain dereference", {"plain dereference of a device pointer (out)"}, {"thread ("},
         [&] {
           launch<plain_kernel>({one, warp}, out.data());
         });
  caught(check, "end of shared memory", {"out of bounds, the block has 128 bytes"}, {"shared+128"},
         [&] {
           launch<shared_end_kernel>({one, warp, 128});
         });
  caught(check, "odd block", {"block has 33 threads"}, {}, [&] {
    launch<one_word_kernel>({one, dim3(33)}, out.data());
  });
}

// --- Between blocks ------------------------------------------------------------------------------

// Each block adds its part to a workspace; the last one to come sums them in order.
template <bool kOrdered>
__global__ void last_block_kernel(uint32_t* out, uint32_t* parts, uint32_t* counter) {
  const Shared<uint32_t> last = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  store(parts + blockIdx.x * 64 + i, blockIdx.x + i);
  __syncthreads();
  if (i == 0) last[0] = ptx::atom_add_acq_rel(counter, 1) == gridDim.x - 1 ? 1 : 0;
  if (kOrdered) __syncthreads();
  if (last[0] == 0) return;
  uint32_t sum = 0;
  for (uint32_t b = 0; b < gridDim.x; ++b) sum += load(parts + b * 64 + i);
  store(out + i, sum);
  if (i == 0) store(counter, 0u);  // for the next launch
}

// Block b waits for block b + 1 and adds its own: flags from the end to the beginning.
template <bool kRelease>
__global__ void chain_kernel(uint32_t* sums, uint32_t* flags) {
  const uint32_t b = blockIdx.x;
  const uint32_t i = thread_id();
  uint32_t sum = b;
  if (b + 1 < gridDim.x) {
    if (i == 0)
      while (ptx::ld_acquire(flags + b + 1) == 0) {
      }
    __syncthreads();
    sum += load(sums + (b + 1) * 64 + i);
  }
  store(sums + b * 64 + i, sum);
  if (kRelease) __syncthreads();
  if (i == 0) ptx::st_release(flags + b, 1);
}

// Starts before its predecessor has ended: weights may come early, x may not.
template <bool kWait>
__global__ void early_kernel(uint32_t* x, const uint32_t* weights) {
  const uint32_t weight = load(weights + thread_id());
  if (kWait) ptx::griddepcontrol_wait();
  store(x + thread_id(), load(x + thread_id()) + weight);
  ptx::griddepcontrol_launch_dependents();
}

__global__ void hopeless_kernel(uint32_t* flags) {
  while (ptx::ld_acquire(flags) == 0) {
  }
}

__global__ void adds_kernel(float* sum, int32_t* count) {
  ptx::red_add(sum, 0.5f);
  ptx::red_add(count, -1);
}

void between_blocks(Check& check) {
  const auto out = output<uint32_t>("out", 64);
  const auto run_last = [&](auto kernel_constant) {
    auto counter = in_out("counter", std::vector<uint32_t>(1, 0));
    const auto parts = output<uint32_t>("parts", 10 * 64);
    launch<last_block_kernel<kernel_constant.value>>({dim3(10), dim3(64), 4}, out.data(),
                                                     parts.data(), counter.data());
    equal(check, "sum", out.read()[3], 45 + 30);
  };
  sound(check, "last block", [&] { run_last(std::true_type()); });
  caught(check, "last block without a barrier", {"race: ", "nothing was written there"}, {},
         [&] { run_last(std::false_type()); });
  const auto run_chain = [&](auto kernel_constant) {
    auto flags = in_out("flags", std::vector<uint32_t>(20, 0));
    const auto sums = output<uint32_t>("sums", 20 * 64);
    launch<chain_kernel<kernel_constant.value>>({dim3(20), dim3(64)}, sums.data(), flags.data());
    equal(check, "sum", sums.read()[0], 190);
  };
  sound(check, "flags", [&] { run_chain(std::true_type()); });
  caught(check, "flag before the data", {"race: ", "nothing was written there"}, {},
         [&] { run_chain(std::false_type()); });
  caught(check, "flag that nobody sets", {"deadlock"}, {"ld.acquire"}, [&] {
    auto flags = in_out("flags", std::vector<uint32_t>(1, 0));
    launch<hopeless_kernel>({dim3(3), dim3(32)}, flags.data());
  });
  const auto run_early = [&](auto kernel_constant) {
    const auto weights = input("weights", numbers(64));
    const auto x = in_out("x", numbers(64));
    Launch how{dim3(1), dim3(64)};
    how.early = true;
    launch<early_kernel<kernel_constant.value>>(how, x.data(), weights.data());
    launch<early_kernel<kernel_constant.value>>(how, x.data(), weights.data());
    equal(check, "x + 2 weights", x.read()[5], 15);
  };
  sound(check, "early start", [&] { run_early(std::true_type()); });
  caught(check, "early start without a wait", {"load of x+"}, {"before griddepcontrol_wait"},
         [&] { run_early(std::false_type()); });
  sound(check, "red.add", [&] {
    auto sum = in_out("sum", std::vector<float>(1, 0.0f));
    auto count = in_out("count", std::vector<int32_t>(1, 0));
    launch<adds_kernel>({dim3(5), dim3(64)}, sum.data(), count.data());
    equal(check, "count", count.read()[0], -320);
    check.that(sum.read()[0] == 160.0f, "sum of floats");
  });
}

// --- Counters ------------------------------------------------------------------------------------

#ifndef BC_ON_GPU

__global__ void strided_load_kernel(uint32_t* out, const uint32_t* in, uint32_t stride,
                                    uint32_t offset) {
  store(out + thread_id(), load(in + offset + thread_id() * stride));
}
__global__ void wide_load_kernel(uint32_t* out, const uint32_t* in) {
  for (int turn = 0; turn < 2; ++turn) store(out + 4 * thread_id(), load<4>(in + 4 * thread_id()));
}
__global__ void diverged_load_kernel(uint32_t* out, const uint32_t* in) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i <= thread_id() / 16; ++i) sum += load(in + i * 32 + thread_id());
  store(out + thread_id(), sum);
}
__global__ void banks_kernel(uint32_t* out, uint32_t stride) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  s[thread_id() * stride] = 1;
  __syncthreads();
  store(out + thread_id(), static_cast<uint32_t>(s[7 * stride]));
}
__global__ void wide_banks_kernel() {
  store(shared_memory<uint32_t>() + 4 * thread_id(), Vec<uint32_t, 4>{{1, 2, 3, 4}});
}

void counters(Check& check) {
  check.begin("counters", 0);
  const auto in = input("in", numbers(1024));
  const auto out = output<uint32_t>("out", 1024);
  const auto loads = [&](uint32_t stride, uint32_t offset) {
    simt::reset_counters();
    launch<strided_load_kernel>({dim3(1), dim3(32)}, out.data(), in.data(), stride, offset);
    return simt::counters().load_sectors;
  };
  equal(check, "sectors of a row", loads(1, 0), 4);
  equal(check, "sectors of a row off by a word", loads(1, 1), 5);
  equal(check, "sectors of every other word", loads(2, 0), 8);
  equal(check, "sectors of a column", loads(8, 0), 32);
  equal(check, "sectors of one word", loads(0, 0), 1);
  equal(check, "sectors stored", simt::counters().store_sectors, 4);
  simt::reset_counters();
  launch<wide_load_kernel>({dim3(1), dim3(64)}, out.data(), in.data());
  equal(check, "sectors of two turns of 16 bytes", simt::counters().load_sectors, 64);
  equal(check, "of which", simt::counters().unique_load_sectors, 32);
  simt::reset_counters();
  launch<diverged_load_kernel>({dim3(1), dim3(32)}, out.data(), in.data());
  equal(check, "sectors where half a warp goes on", simt::counters().load_sectors, 6);
  const auto banks = [&](uint32_t stride) {
    simt::reset_counters();
    launch<banks_kernel>({dim3(1), dim3(32), 32 * 128}, out.data(), stride);
    return simt::counters().bank_conflicts();
  };
  equal(check, "conflicts of stride 1", banks(1), 0);
  equal(check, "conflicts of stride 2", banks(2), 1);
  equal(check, "conflicts of stride 32", banks(32), 31);
  equal(check, "wavefronts, with the broadcast", simt::counters().shared_wavefronts, 33);
  simt::reset_counters();
  launch<wide_banks_kernel>({dim3(1), dim3(32), 512});
  equal(check, "conflicts of 16 bytes a lane", simt::counters().bank_conflicts(), 0);
  equal(check, "wavefronts of 16 bytes a lane", simt::counters().shared_wavefronts, 4);

  simt::reset_counters();
  tile_is_right<bf16, false, Break::nothing>();
  tile_is_right<f16, true, Break::nothing>();
  equal(check, "conflicts of swizzled tiles", simt::counters().bank_conflicts(), 0);
  equal(check, "mma of bf16", simt::counters().mma_bf16, 8);
  equal(check, "mma of f16", simt::counters().mma_f16, 8);
  simt::reset_counters();
  tile_is_right<bf16, true, Break::no_swizzle>();
  // Rows of 128 bytes begin in one bank: each of the 32 matrices takes 8 passes instead of 1.
  equal(check, "conflicts without swizzle", simt::counters().bank_conflicts(), 32 * 7);
}
#endif

// --- Idioms --------------------------------------------------------------------------------------

__global__ void reduce_kernel(float* out) {
  const float x = static_cast<float>(thread_id());
  const float sum = block_sum(x, shared_memory<float>());
  const float max = block_max(x - 1000.0f, shared_memory<float>(128));
  store(out + thread_id(), sum);
  store(out + blockDim.x + thread_id(), max);
  store(out + 2 * blockDim.x + thread_id(), group_sum<4>(x));
}

// The factor and the weight after each score, and the sum at the end.
__global__ void softmax_kernel(uint32_t* out, const float* in) {
  if (thread_id() != 0) return;
  OnlineSoftmax row;
  for (int i = 0; i < 4; ++i) {
    const float score = load(in + i);
    store(out + 2 * i, ptx::bits(row.raise(score)));
    store(out + 2 * i + 1, ptx::bits(row.weight(score)));
    if (i == 1) row.sum = 1.0f;
  }
  store(out + 8, ptx::bits(row.sum));
}

void idioms(Check& check) {
  sound(check, "reduce", [&] {
    const auto out = output<float>("out", 3 * 96);
    launch<reduce_kernel>({dim3(1), dim3(96), 256}, out.data());
    const std::vector<float> got = out.read();
    check.that(got[5] == 95 * 48 && got[95] == 95 * 48, "block_sum");
    check.that(got[96 + 50] == 95.0f - 1000.0f, "block_max");
    check.that(got[192 + 6] == 4 + 5 + 6 + 7, "group_sum");
  });
  check.begin("online softmax", 0);
  const std::vector<uint32_t> bits =
      results<softmax_kernel>(9, std::vector<float>{-INFINITY, 3.0f, 5.0f, 4.0f});
  const float want[] = {1.0f, 0.0f, 0.0f, 1.0f, 0.25f, 1.0f, 1.0f, 0.5f, 0.25f};
  for (size_t i = 0; i < bits.size(); ++i)
    check.that(float_from_bits(bits[i]) == want[i], "factor or weight");
}

}  // namespace

int main() {
  return run_on_device("simt", [](Check& check) {
    conversions(check);
    floats(check);
    bit_instructions(check);
    shuffles(check);
    ldmatrix(check);
    mma_by_hand<bf16>(check, "mma bf16");
    mma_by_hand<f16>(check, "mma f16");
    mma_s8(check);
    tiles(check);
    races(check);
    barriers(check);
    mbarriers(check);
    copies(check);
    bounds(check);
    between_blocks(check);
#ifndef BC_ON_GPU
    counters(check);
#endif
    idioms(check);
  });
}
