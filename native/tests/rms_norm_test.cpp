#include "check.h"
#include "cpu/vector_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

template <class T>
std::vector<uint8_t> bytes_of(const std::vector<T>& v) {
  std::vector<uint8_t> bytes(v.size() * sizeof(T));
  std::memcpy(bytes.data(), v.data(), bytes.size());
  return bytes;
}

std::vector<uint8_t> weight(Type type, int64_t C, Random& random) {
  std::vector<float> f;
  std::vector<f16> h;
  std::vector<bf16> b;
  for (int64_t c = 0; c < C; ++c) {
    f.push_back(1.0f + 0.3f * random.normal());
    h.push_back(to_f16(f.back()));
    b.push_back(to_bf16(f.back()));
  }
  return type == Type::f32 ? bytes_of(f) : type == Type::f16 ? bytes_of(h) : bytes_of(b);
}

void run_case(Check& check, ThreadPool& pool, cpu::Isa isa, int64_t T, int64_t C, Type type,
              float size, bool add) {
  const uint64_t seed = static_cast<uint64_t>(T * 10007 + C);
  check.begin(isa,
              std::string(add ? "add " : "") + name_of(type) + " T=" + std::to_string(T) +
                  " C=" + std::to_string(C) + " size=" + std::to_string(size),
              seed);
  Random random(seed);
  const std::vector<uint8_t> w = weight(type, C, random);
  Matrix x(T, C);
  Matrix delta(T, C, 5);
  Matrix out(T, C, 1);
  x.fill([&] { return size * random.outlier(); });
  delta.fill([&] { return size * random.normal(); });
  const RmsNormParams p{
      out.row(0), Type::f32, out.ld, x.row(0), Type::f32, x.ld, add ? delta.row(0) : nullptr,
      delta.ld,   w.data(),  type,   T,        C,         1e-6f};
  const std::vector<Expected> want = reference::rms_norm(p);
  std::vector<Expected> sum;
  for (int64_t t = 0; t < T; ++t) {
    for (int64_t c = 0; c < C; ++c) {
      const float v = add ? x.row(t)[c] + delta.row(t)[c] : x.row(t)[c];
      sum.push_back({static_cast<double>(v), 0.0});
    }
  }
  cpu::rms_norm(p, pool, cpu::vector_kernels(isa));
  check.compare("out", out, want);
  check.compare("x", x, sum);
}

}  // namespace

int main() {
  Check check("rms_norm");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const bool add : {false, true}) {
      for (const int64_t C : {1, 7, 16, 19, 111, 989, 4096, 5120}) {
        for (const Type type : {Type::f32, Type::f16, Type::bf16})
          run_case(check, pool, isa, 7, C, type, 1.0f, add);
      }
      // Squares near both ends of what f32 can hold, and far below eps.
      for (const float size : {1e15f, 1e-12f, 0.0f})
        run_case(check, pool, isa, 1, 4096, Type::f32, size, add);
    }
  }
  return check.result();
}
