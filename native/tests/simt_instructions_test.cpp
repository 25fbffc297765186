// Instructions on cases worked by hand from the PTX ISA's tables, and the idioms built on them.
#include "cuda/mma.cuh"
#include "cuda/reduce.cuh"
#include "cuda/softmax.cuh"
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

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
  return run_on_device("simt_instructions", [](Check& check) {
    conversions(check);
    floats(check);
    bit_instructions(check);
    shuffles(check);
    ldmatrix(check);
    mma_by_hand<bf16>(check, "mma bf16");
    mma_by_hand<f16>(check, "mma f16");
    mma_s8(check);
    idioms(check);
  });
}
