#include "check.h"
#include "cpu/vector_kernels.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

// Bytes of a plain weight that hold the rounded numbers.
std::vector<uint8_t> encode(Type type, const Matrix& m) {
  std::vector<uint8_t> bytes(m.data.size() * static_cast<size_t>(element_bytes(type)));
  for (size_t i = 0; i < m.data.size(); ++i) {
    if (type == Type::f32) std::memcpy(bytes.data() + 4 * i, &m.data[i], 4);
    if (type == Type::f16) reinterpret_cast<f16*>(bytes.data())[i] = to_f16(m.data[i]);
    if (type == Type::bf16) reinterpret_cast<bf16*>(bytes.data())[i] = to_bf16(m.data[i]);
  }
  return bytes;
}

}  // namespace

int main() {
  Check check("embed");
  ThreadPool pool(3);
  for (const cpu::Isa isa : isas()) {
    for (const int64_t C : {1, 7, 16, 19, 111, 989, 4096}) {
      for (const Type type : {Type::f32, Type::f16, Type::bf16}) {
        const uint64_t seed = static_cast<uint64_t>(C) + 1;
        check.begin(isa, std::string(name_of(type)) + " C=" + std::to_string(C), seed);
        Random random(seed);
        Matrix table(23, C);
        table.fill([&] { return random.outlier(); });
        const std::vector<uint8_t> bytes = encode(type, table);
        const std::vector<int32_t> ids = {22, 0, 5, 5, 21, 1, 7};
        Matrix out(7, C);
        const EmbedParams p{out.row(0), Type::f32, out.ld, ids.data(), bytes.data(),
                            type,       table.ld,  7,      C,          23};
        cpu::embed(p, pool, cpu::vector_kernels(isa));
        check.compare("out", out, reference::embed(p));
      }
    }
  }
  return check.result();
}
