#include "cuda/kernels.h"
#include "cuda_device.h"
#include "kv_copy_cases.h"

using namespace bc;
using namespace bc::test;

int main() {
  return run_on_device("cuda_kv_copy", [](Check& check) {
    for (const KvCopyCase& c : kv_copy_cases()) {
      for_each_schedule(2, [&](uint64_t seed) {
        check.begin(c.name(), seed);
        const KvCopyPages before(c);
        KvCopyPages after = before;
        auto bytes = in_out("pages", before.bytes);
        auto scales = in_out("scales", before.scales);
        cuda::kv_copy(c.params(bytes.data(), scales.data()), nullptr);
        finish();
        after.bytes = bytes.read();
        after.scales = scales.read();
        check.that(after == before.copied(c), "bytes differ from those of a copied page");
        if (c.from == c.to) return;
        const double moved = 2.0 * static_cast<double>(c.bytes() + 4 * c.scales());
        check_bytes(check, moved, moved);
      });
    }
  });
}
